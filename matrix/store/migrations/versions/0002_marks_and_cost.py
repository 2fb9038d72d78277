"""Marks of a cell, and what a run cost."""

import sqlalchemy as sa
from alembic import op

from matrix.store.columns import Json

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("cells", sa.Column("marks", Json))
    op.add_column("runs", sa.Column("cost", Json))


def downgrade() -> None:
    """Loses the marks of every cell and the cost of every run."""
    op.drop_column("runs", "cost")
    op.drop_column("cells", "marks")
