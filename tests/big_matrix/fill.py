"""Fills a new database: all in one transaction, so that it ends up whole or empty."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, inspect, select, table

from matrix.errors import UsageError
from matrix.results import Failure
from matrix.store import open_store, rows
from matrix.store.connect import location, reading_engine, writing_engine
from matrix.store.faults import explained
from matrix.store.tables import artifacts, cells, environments, errors, runs, saves
from tests.big_matrix.history import CellState, Past, SaveState, make_past
from tests.big_matrix.nights import environment_rows, run_rows
from tests.big_matrix.size import Size
from tests.big_matrix.states import cell_rows, save_rows

Row = dict[str, Any]
Watcher = Callable[[str, int, int], None]
"""Is told what is being written, how many rows of it are, and how many there will be."""

_CHUNK: Final = 5_000
_BUSY_SECONDS: Final = 10.0


def fill(path_or_url: Path | str, size: Size | None = None, watch: Watcher | None = None) -> dict[str, int]:
    """Fill a new or empty database and return how many rows each table has.

    Raises:
        UsageError: The database holds rows already, or there are not so many cells.
        StoreError: It cannot be opened, or is not one of ours.
    """
    size, watch = size or Size(), watch or _nobody
    place = location(path_or_url)
    path = place if isinstance(place, Path) else None
    name = str(place) if isinstance(place, Path) else place.render_as_string(hide_password=True)
    with explained(name, path):
        if path is None or path.is_file():
            _refuse_used(path_or_url, name)
        watch("making up", 0, 1)
        past = make_past(size)
        open_store(path_or_url).close()
        engine = writing_engine(place, busy_seconds=_BUSY_SECONDS)
        try:
            with engine.begin() as connection:
                return _Filling(connection, watch).run(past)
        finally:
            engine.dispose()


def _refuse_used(path_or_url: Path | str, name: str) -> None:
    """Look before anything is opened for writing: nobody's results are migrated by the way."""
    engine = reading_engine(location(path_or_url), busy_seconds=_BUSY_SECONDS)
    try:
        with engine.connect() as connection:
            for found in inspect(connection).get_table_names():
                many = connection.execute(select(func.count()).select_from(table(found))).scalar_one()
                if many and found != "alembic_version":
                    message = f"{name} holds results already ({found} has {many} rows)."
                    raise UsageError(message, next_step="Name a new file or an empty database; nothing was changed.")
    finally:
        engine.dispose()


def _nobody(_what: str, _done: int, _total: int) -> None:
    """Watch nothing."""


class _Filling:
    """One filling: the connection that it goes down, who watches, and what is written already."""

    def __init__(self, connection: Connection, watch: Watcher) -> None:
        self._connection = connection
        self._watch = watch
        self._known: set[str] = set()
        self._counts: Counter[str] = Counter()

    def run(self, past: Past) -> dict[str, int]:
        """Write everything, first what others point at."""
        world, size = past.world, past.size
        dice = random.Random(size.seed)  # noqa: S311  (a fixture, not a secret)
        self._insert(environments, list(environment_rows(world, size)))
        run_ids = self._runs(list(run_rows(world, size, _measured_at(past.cells, size.nights), dice)))
        self._insert(artifacts, list(_artifact_rows(past.saves)))
        self._record(saves, save_rows(past.saves, size, run_ids), len(past.saves))
        self._record(cells, cell_rows(past, run_ids, dice), len(past.cells))
        return dict(self._counts)

    def _runs(self, found: list[Row]) -> dict[int, int]:
        """Write the runs and return the number that each night's has got."""
        new = insert(runs).returning(runs.c.id, sort_by_parameter_order=True)
        self._counts["runs"] = len(found)
        return dict(enumerate(self._connection.execute(new, found).scalars(), start=1))

    def _record(self, to: Table, found: Iterator[tuple[Row, Failure | None]], total: int) -> None:
        """Write states, before each part the failures that it is the first to name."""
        while part := list(islice(found, _CHUNK)):
            failures = {
                one.fingerprint: one for _, one in part if one is not None and one.fingerprint not in self._known
            }
            self._known |= failures.keys()
            self._insert(errors, [rows.failure_columns(one) for one in failures.values()])
            self._insert(to, [row for row, _ in part])
            self._watch(to.name, self._counts[to.name], total)

    def _insert(self, to: Table, found: list[Row]) -> None:
        if found:
            self._connection.execute(insert(to), found)
            self._counts[to.name] += len(found)


def _artifact_rows(saved: Sequence[SaveState]) -> Iterator[Row]:
    """Yield every file once, those that a save gave before it changed, too."""
    found = {one.sha256: one for state in saved if (one := state.result.artifact) is not None}
    yield from map(rows.artifact_columns, found.values())


def _measured_at(states: Sequence[CellState], nights: int) -> list[int]:
    """Count the states that held in each night."""
    begun, ended = Counter(one.span.first for one in states), Counter(one.span.last + 1 for one in states)
    return list(accumulate(begun[night] - ended[night] for night in range(1, nights + 1)))
