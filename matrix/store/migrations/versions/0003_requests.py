"""Requests: what somebody asks for and a runner takes up."""

import sqlalchemy as sa
from alembic import op

from matrix.store.columns import CleanText, Json, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("claimed_by", sa.String(200)),
        sa.Column("heartbeat_at", UtcDateTime),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("message", CleanText),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_requests_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_state_priority_id", "requests", ["state", "priority", "id"])


def downgrade() -> None:
    """Loses every request; what their runs measured stays."""
    op.drop_table("requests")
