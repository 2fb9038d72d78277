"""Whose turn it is among uploads: web tells how many rows are before one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("uploads", sa.Column("turn", sa.Integer))
    op.create_index("ix_uploads_row_at", "uploads", ["row_at"])


def downgrade() -> None:
    """Loses turns alone, which a runner gives anew."""
    op.drop_index("ix_uploads_row_at", "uploads")
    op.drop_column("uploads", "turn")
