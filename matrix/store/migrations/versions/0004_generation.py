"""What readers need that keep the matrix in memory: a number that each write raises, and when each state was last written."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "generation",
        sa.Column("id", sa.Integer),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_generation"),
    )
    for table in ("saves", "cells"):
        op.add_column(table, sa.Column("changed", sa.Integer, nullable=False, server_default="0"))
        op.create_index(f"ix_{table}_changed", table, ["changed"])
        op.create_index(f"ix_{table}_first_run", table, ["first_run"])


def downgrade() -> None:
    """Loses nothing that was measured."""
    for table in ("saves", "cells"):
        op.drop_index(f"ix_{table}_first_run", table)
        op.drop_index(f"ix_{table}_changed", table)
        op.drop_column(table, "changed")
    op.drop_table("generation")
