"""The tables. ``saves`` and ``cells`` hold states: a finding and the runs from the first to the last that made it.

``requests`` are what runners take up. Nothing here is SQLite's alone. A change here needs a migration beside it; a test
compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    text,
)

from matrix.store.columns import CleanText, Json, UtcDateTime

HEAD: Final = "0007"
"""The revision that this code reads and writes; equal to the newest migration's."""

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _state_columns() -> tuple[Column[object], ...]:
    """What a saves row and a cells row have in common: the evidence, and how long it has held."""
    return (
        Column("fingerprint", String(64), ForeignKey("errors.fingerprint")),
        Column("warnings", Json, nullable=False),
        Column("steps", Json, nullable=False),
        Column("wall_seconds", Float, nullable=False),
        Column("peak_memory", BigInteger, nullable=False),
        Column("first_run", Integer, ForeignKey("runs.id"), nullable=False),
        Column("last_run", Integer, ForeignKey("runs.id"), nullable=False),
        Column("first_at", UtcDateTime, nullable=False),
        Column("last_at", UtcDateTime, nullable=False),
        Column("is_current", Boolean, nullable=False),
        Column("changed", Integer, nullable=False, server_default="0"),  # the generation that last wrote it
    )


runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("selection", Json, nullable=False),
    Column("facts", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("cost", Json),
    Index(None, "status", "id"),
)

environments = Table(
    "environments",
    metadata,
    Column("recipe_digest", String(64), primary_key=True),
    Column("id", String(100), nullable=False),
    Column("tensorflow", String(50), nullable=False),
    Column("keras", String(50), nullable=False),
    Column("python", String(50), nullable=False),
    Column("cut_off", Date, nullable=False),
    Column("versions", Json),
    Column("facts", Json),
    Column("image_id", String(100)),
    Column("recorded_at", UtcDateTime, nullable=False),
)

errors = Table(
    "errors",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("exception", CleanText, nullable=False),
    Column("message", CleanText, nullable=False),
    Column("traceback", CleanText, nullable=False),
    Column("frames", Json, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("is_tar", Boolean, nullable=False),
    Column("inputs", String(64), nullable=False),
    Column("outputs", String(64), nullable=False),
    Column("signature", Json, nullable=False),
)

saves = Table(
    "saves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(200), nullable=False),
    Column("saver", String(64), nullable=False),
    Column("format", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("artifact", String(64), ForeignKey("artifacts.sha256")),
    Column("reason", CleanText),
    *_state_columns(),
    Index(None, "saver", "model", "format", "version"),
    Index(None, "changed"),
    Index(None, "first_run"),
)

cells = Table(
    "cells",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("artifact", String(64), ForeignKey("artifacts.sha256"), nullable=False),
    Column("loader", String(64), nullable=False),
    Column("method", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("verdict", String(32), nullable=False),
    Column("rung", Integer, nullable=False),
    Column("signature_equal", Boolean),
    Column("signal", Integer),
    Column("differences", Json, nullable=False),
    Column("repeated", String(32)),
    Column("tampered", Boolean, nullable=False),
    Column("marks", Json),
    *_state_columns(),
    Index(None, "artifact", "loader", "method", "version"),
    Index(None, "changed"),
    Index(None, "first_run"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("body", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("claimed_by", String(200)),
    Column("heartbeat_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("run_id", Integer, ForeignKey("runs.id")),
    Column("message", CleanText),
    Index(None, "state", "priority", "id"),  # what a runner takes up next
)

generation = Table(
    "generation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""One row, raised by every transaction that records something: who keeps results in memory asks whether it has changed."""

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("content", String(64), nullable=False),
    Column("parts", Json, nullable=False),
    Column("options", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(100), nullable=False),
    Column("deletion", String(64), nullable=False),
    Column("handed_in_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("row_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("message", CleanText),
    Column("next_step", CleanText),
    Column("inspection", Json),
    Column("plan", Json, nullable=False),
    Column("reference", String(100)),
    Column("note", CleanText),
    Column("revision", Integer, nullable=False),
    Column("turn", Integer),
    Index(None, "content"),
    Index(None, "state", "handed_in_at"),
    Index(None, "expires_at"),
    Index(None, "row_at"),
)
"""What people handed in. Their error texts stay with them: nothing of an upload is in the tables above."""

upload_cells = Table(
    "upload_cells",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content", String(64), nullable=False),
    Column("saver", String(64), nullable=False),
    Column("format", String(32), nullable=False),
    Column("artifact", String(64), nullable=False),
    Column("loader", String(64), nullable=False),
    Column("method", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("finding", Json, nullable=False),
    Column("outputs", String(64)),
    Column("group", Integer),
    Column("measured_at", UtcDateTime, nullable=False),
    Column("size", Integer, nullable=False, server_default="0"),
    Index("uq_upload_cells", "content", "saver", "format", "loader", "method", "version", unique=True),
)

upload_saves = Table(
    "upload_saves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content", String(64), nullable=False),
    Column("saver", String(64), nullable=False),
    Column("format", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("finding", Json, nullable=False),
    Index("uq_upload_saves", "content", "saver", "format", "version", unique=True),
)

SAVE_KEY: Final = (saves.c.saver, saves.c.model, saves.c.format, saves.c.version)
CELL_KEY: Final = (cells.c.artifact, cells.c.loader, cells.c.method, cells.c.version)

# One current state per key, whatever writes: the rule is the database's, not only ours.
for _table, _key in ((saves, SAVE_KEY), (cells, CELL_KEY)):
    Index(
        f"uq_{_table.name}_current",
        *_key,
        unique=True,
        sqlite_where=text("is_current = 1"),  # as queries spell it there, or the index would not serve them
        postgresql_where=text("is_current"),
    )
