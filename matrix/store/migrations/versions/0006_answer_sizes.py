"""How large an answer to an upload is: it counts for the room that uploads may take."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("upload_cells", sa.Column("size", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Loses sizes alone."""
    op.drop_column("upload_cells", "size")
