"""The first schema: runs, environments, errors, artifacts, and the states of saves and cells."""

import sqlalchemy as sa
from alembic import op

from matrix.store.columns import CleanText, Json, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_what_is_named()
    op.create_table(
        "saves",
        sa.Column("id", sa.Integer),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("saver", sa.String(64), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("artifact", sa.String(64)),
        sa.Column("reason", CleanText),
        *_state_columns(),
        sa.ForeignKeyConstraint(["artifact"], ["artifacts.sha256"], name="fk_saves_artifact"),
        *_state_constraints("saves"),
    )
    op.create_table(
        "cells",
        sa.Column("id", sa.Integer),
        sa.Column("artifact", sa.String(64), nullable=False),
        sa.Column("loader", sa.String(64), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("signature_equal", sa.Boolean),
        sa.Column("signal", sa.Integer),
        sa.Column("differences", Json, nullable=False),
        sa.Column("repeated", sa.String(32)),
        sa.Column("tampered", sa.Boolean, nullable=False),
        *_state_columns(),
        sa.ForeignKeyConstraint(["artifact"], ["artifacts.sha256"], name="fk_cells_artifact"),
        *_state_constraints("cells"),
    )
    _index_states("saves", ["saver", "model", "format", "version"])
    _index_states("cells", ["artifact", "loader", "method", "version"])


def downgrade() -> None:
    """Loses every result: before this schema there was none. Artifacts stay in the folder of blobs."""
    for table in ("cells", "saves", "artifacts", "errors", "environments", "runs"):
        op.drop_table(table)


def _create_what_is_named() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("selection", Json, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_status_id", "runs", ["status", "id"])
    op.create_table(
        "environments",
        sa.Column("recipe_digest", sa.String(64), nullable=False),
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("tensorflow", sa.String(50), nullable=False),
        sa.Column("keras", sa.String(50), nullable=False),
        sa.Column("python", sa.String(50), nullable=False),
        sa.Column("cut_off", sa.Date, nullable=False),
        sa.Column("versions", Json),
        sa.Column("facts", Json),
        sa.Column("image_id", sa.String(100)),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("recipe_digest", name="pk_environments"),
    )
    op.create_table(
        "errors",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("exception", CleanText, nullable=False),
        sa.Column("message", CleanText, nullable=False),
        sa.Column("traceback", CleanText, nullable=False),
        sa.Column("frames", Json, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_errors"),
    )
    op.create_table(
        "artifacts",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("is_tar", sa.Boolean, nullable=False),
        sa.Column("inputs", sa.String(64), nullable=False),
        sa.Column("outputs", sa.String(64), nullable=False),
        sa.Column("signature", Json, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_artifacts"),
    )


def _state_columns() -> list[sa.Column]:
    return [
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("steps", Json, nullable=False),
        sa.Column("wall_seconds", sa.Float, nullable=False),
        sa.Column("peak_memory", sa.BigInteger, nullable=False),
        sa.Column("first_run", sa.Integer, nullable=False),
        sa.Column("last_run", sa.Integer, nullable=False),
        sa.Column("first_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
    ]


def _state_constraints(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["fingerprint"], ["errors.fingerprint"], name=f"fk_{table}_fingerprint"),
        sa.ForeignKeyConstraint(["first_run"], ["runs.id"], name=f"fk_{table}_first_run"),
        sa.ForeignKeyConstraint(["last_run"], ["runs.id"], name=f"fk_{table}_last_run"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def _index_states(table: str, key: list[str]) -> None:
    op.create_index(f"ix_{table}_{'_'.join(key)}", table, key)
    op.create_index(
        f"uq_{table}_current",
        table,
        key,
        unique=True,
        sqlite_where=sa.text("is_current = 1"),
        postgresql_where=sa.text("is_current"),
    )
