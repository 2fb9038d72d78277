"""Saves and cells as plain tuples, all or only those written since: what is kept in memory is kept up to date from these.

States that no longer hold are among them: what changed between two runs is counted in milliseconds where they are held,
and takes most of a second by the database's indices, whose keys are long texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, case, null, select

from matrix.model import Verdict
from matrix.store.tables import cells, errors, generation, saves

SAVE_FACTS: Final = (
    saves.c.id,
    saves.c.is_current,
    saves.c.saver,
    saves.c.model,
    saves.c.format,
    saves.c.version,
    saves.c.outcome,
    saves.c.artifact,
    saves.c.fingerprint,
    saves.c.first_run,
)
CELL_FACTS: Final = (
    cells.c.id,
    cells.c.is_current,
    cells.c.artifact,
    cells.c.loader,
    cells.c.method,
    cells.c.version,
    cells.c.verdict,
    cells.c.rung,
    cells.c.fingerprint,
    cells.c.wall_seconds,
    cells.c.last_at,
    cells.c.repeated,
    # Sizes of differences are wanted where answers differ; decoding them all would take most of the time.
    case((cells.c.verdict == Verdict.DRIFT.value, cells.c.differences), else_=null()).label("differences"),
    cells.c.first_run,
)
_AT_ONCE: Final = 5_000

Part = list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What was written after one generation up to another: states by their number, those that no longer hold among them.

    Columns are those of ``SAVE_FACTS`` and ``CELL_FACTS``; ``cells`` come in parts, and may be read once, while the
    transaction lasts. ``errors`` are fingerprint, exception and message.
    """

    generation: int
    saves: Part
    cells: Iterator[Part]
    errors: Part


def facts(connection: Connection, since: int | None) -> Facts:
    """All states, or those written after a generation; current or no longer."""
    number = number_of(connection)
    of_saves, of_cells = select(*SAVE_FACTS), select(*CELL_FACTS)
    of_errors = select(errors.c.fingerprint, errors.c.exception, errors.c.message)
    if since is not None:
        of_saves, of_cells = of_saves.where(saves.c.changed > since), of_cells.where(cells.c.changed > since)
        named = (
            select(table.c.fingerprint).where(table.c.changed > since, table.c.fingerprint.is_not(None))
            for table in (saves, cells)
        )
        of_errors = of_errors.where(errors.c.fingerprint.in_(next(named).union(*named)))
    return Facts(
        generation=number,
        saves=[tuple(row) for row in connection.execute(of_saves)],
        errors=[tuple(row) for row in connection.execute(of_errors)],
        cells=_parts(connection, of_cells),
    )


def number_of(connection: Connection) -> int:
    """The generation: higher after every transaction that recorded something."""
    return connection.execute(select(generation.c.number)).scalar() or 0


def _parts(connection: Connection, wanted: Select[Any]) -> Iterator[Part]:
    found = connection.execute(wanted, execution_options={"yield_per": _AT_ONCE})
    for part in found.partitions():
        yield [tuple(row) for row in part]
