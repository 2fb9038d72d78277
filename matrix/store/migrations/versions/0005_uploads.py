"""What people hand in, and what was found of it."""

import sqlalchemy as sa
from alembic import op

from matrix.store.columns import CleanText, Json, UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("parts", Json, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("deletion", sa.String(64), nullable=False),
        sa.Column("handed_in_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("row_at", UtcDateTime),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("message", CleanText),
        sa.Column("next_step", CleanText),
        sa.Column("inspection", Json),
        sa.Column("plan", Json, nullable=False),
        sa.Column("reference", sa.String(100)),
        sa.Column("note", CleanText),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_content", "uploads", ["content"])
    op.create_index("ix_uploads_state_handed_in_at", "uploads", ["state", "handed_in_at"])
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])
    op.create_table(
        "upload_cells",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("saver", sa.String(64), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("artifact", sa.String(64), nullable=False),
        sa.Column("loader", sa.String(64), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("finding", Json, nullable=False),
        sa.Column("outputs", sa.String(64)),
        sa.Column("group", sa.Integer),
        sa.Column("measured_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upload_cells"),
    )
    key = ["content", "saver", "format", "loader", "method", "version"]
    op.create_index("uq_upload_cells", "upload_cells", key, unique=True)
    op.create_table(
        "upload_saves",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("saver", sa.String(64), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("finding", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upload_saves"),
    )
    op.create_index("uq_upload_saves", "upload_saves", ["content", "saver", "format", "version"], unique=True)


def downgrade() -> None:
    """Loses what was handed in, and what was found of it; the matrix stays."""
    for table in ("upload_saves", "upload_cells", "uploads"):
        op.drop_table(table)
