"""The read side: each question is answered from an index, on a connection that cannot write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Select, Table, func, select

from matrix.errors import UsageError
from matrix.model import LOAD_VERSION, CellKey, Environment, Method, Rung, RunStatus, SaveKey, Verdict
from matrix.records import CellDetail, CellState, EnvironmentRecord, Run
from matrix.results import Artifact, CellResult, Failure, Identity, MatrixRow, SaveResult
from matrix.store import copying, grid, rows
from matrix.store import facts as facts_
from matrix.store.copying import Rows
from matrix.store.facts import Facts
from matrix.store.pulse import Pulse
from matrix.store.rows import AnyRow, member
from matrix.store.tables import CELL_KEY, artifacts, cells, environments, errors, runs, saves

_CHUNK: Final = 500  # well under any database's limit of parameters
_SAMPLE: Final = 1000  # how many of the newest states an average is taken of


class Reader:
    """Answers what is known."""

    def __init__(
        self, engine: Engine, explained: Callable[[], AbstractContextManager[None]], pulse: Pulse | None = None
    ) -> None:
        self._engine = engine
        self._explained = explained
        self._pulse = pulse

    def pulse(self) -> int | None:
        """A number that stays the same until something is committed, had at once; nothing where only a question would tell."""
        return None if self._pulse is None else self._pulse.beat()

    def saves(self, keys: Collection[SaveKey]) -> dict[SaveKey, SaveResult]:
        """What became of these saves; one that was never tried is absent."""
        wanted = set(keys)
        with self._snapshot() as connection:
            found = [
                row
                for savers in _chunks({key.saver for key in wanted})
                for row in connection.execute(select(saves).where(saves.c.saver.in_(savers), saves.c.is_current))
                if rows.save_key(row) in wanted
            ]
            known = _artifacts(connection, found), _failures(connection, {row.fingerprint for row in found})
        return {rows.save_key(row): rows.save_result(row, *known) for row in found}

    def cells(self, keys: Collection[CellKey]) -> dict[CellKey, CellResult]:
        """What was found in these cells; one that was never measured is absent."""
        with self._snapshot() as connection:
            found = list(_cells(connection, select(*CELL_KEY, *rows.FINDING), keys))
            failures = _failures(connection, {finding[_FINGERPRINT] for _, finding in found})
        return {key: rows.cell_result(key, finding, failures) for key, finding in found}

    def known_cells(self, keys: Collection[CellKey]) -> set[CellKey]:
        """Which of these need not run again. A cell whose harness broke is not known."""
        wanted = select(*CELL_KEY).where(cells.c.verdict != Verdict.HARNESS_BROKEN.value)
        with self._snapshot() as connection:
            return {key for key, _ in _cells(connection, wanted, keys)}

    def run(self, run_id: int) -> Run:
        """A run by its number."""
        found = self._runs(select(runs).where(runs.c.id == run_id))
        if not found:
            raise UsageError(
                f"There is no run {run_id}.", next_step="Runs are numbered from 1 in order of their start."
            )
        return found[0]

    def runs(self, limit: int, before: int | None = None) -> tuple[Run, ...]:
        """The newest runs, newest first; or those that came before one."""
        wanted = select(runs) if before is None else select(runs).where(runs.c.id < before)
        return self._runs(wanted.order_by(runs.c.id.desc()).limit(limit))

    def last_unfinished_run(self) -> Run | None:
        """The newest run that is not finished: still running, killed, interrupted or incomplete."""
        unfinished = [status.value for status in RunStatus if status is not RunStatus.FINISHED]
        found = self._runs(select(runs).where(runs.c.status.in_(unfinished)).order_by(runs.c.id.desc()).limit(1))
        return found[0] if found else None

    def environments(self, recipe_digests: Collection[str]) -> dict[str, EnvironmentRecord]:
        """What is recorded of these environments, by recipe digest."""
        with self._snapshot() as connection:
            found = _by_key(connection, environments.c.recipe_digest, recipe_digests)
        return {row.recipe_digest: _environment(row) for row in found}

    def matrix(
        self,
        environments: Sequence[Environment],
        save_version: int,
        load_version: int,
        primary: grid.Primary,
    ) -> tuple[MatrixRow, ...]:
        """Every save of these environments in every other: each method measured, and the primary one in any case.

        ``primary`` names the method that a model and a format call for. Where a save gave no artifact, or its primary
        cell has not run, the row has no verdict; its fingerprint is then the save's own.
        """
        digests = {environment.recipe_digest for environment in environments}
        of_save = select(*grid.SAVE_COLUMNS).where(
            saves.c.saver.in_(digests), saves.c.version == save_version, saves.c.is_current
        )
        made = of_save.with_only_columns(saves.c.artifact).where(saves.c.artifact.is_not(None))
        of_cell = select(*grid.CELL_COLUMNS).where(
            cells.c.artifact.in_(made), cells.c.loader.in_(digests), cells.c.version == load_version, cells.c.is_current
        )
        with self._snapshot() as connection:
            found_saves = connection.execute(of_save).all()
            found_cells = connection.execute(of_cell).all()
        return grid.matrix_rows(environments, found_saves, found_cells, primary)

    def generation(self) -> int:
        """A number that is higher after every transaction that recorded something; 0 where nothing was recorded yet."""
        with self._snapshot() as connection:
            return facts_.number_of(connection)

    def last_change(self) -> int:
        """The generation that last wrote a save or a cell; 0 where there is none, or none since generations are counted."""
        newest = (select(func.max(table.c.changed)).scalar_subquery() for table in (saves, cells))
        with self._snapshot() as connection:
            return max(number or 0 for number in connection.execute(select(*newest)).one())

    @contextmanager
    def facts(self, since: int | None = None) -> Iterator[Facts]:
        """All current saves and cells, or those written after a generation, as of one moment; valid within the block."""
        with self._snapshot() as connection:
            yield facts_.facts(connection, since)

    def error(self, fingerprint: str) -> Failure:
        """An error by its fingerprint."""
        with self._snapshot() as connection:
            row = connection.execute(select(errors).where(errors.c.fingerprint == fingerprint)).first()
        if row is None:
            message = f"No error with the fingerprint {fingerprint!r} is known."
            raise UsageError(message, next_step="Take a fingerprint as `tfmatrix cell` prints it.")
        return rows.failure(row)

    def cell(self, save: SaveKey, loader: str, method: Method, version: int = LOAD_VERSION) -> CellDetail | None:
        """One cell with its whole story; ``None`` when its save was never tried. ``loader`` is a recipe digest."""
        saved = self.saves([save]).get(save)
        if saved is None:
            return None
        if saved.artifact is None:
            return _detail(saved, None, ())
        key = CellKey(artifact=saved.artifact.sha256, loader=loader, method=method, version=version)
        with self._snapshot() as connection:
            is_key = (column == getattr(key, column.name) for column in CELL_KEY)
            states = connection.execute(select(*_STATE).where(*is_key).order_by(cells.c.id)).all()
        return _detail(saved, self.cells([key]).get(key), tuple(map(_state, states)))

    def everything(self) -> Iterator[Rows]:
        """All there is, as of one moment, for ``take`` of another database."""
        with self._snapshot() as connection:
            yield from copying.everything(connection)

    def seconds_per_cell(self) -> float | None:
        """What a cell took, on average over the newest ones."""
        return self._mean_seconds(cells, cells.c.verdict != Verdict.HARNESS_BROKEN.value)

    def seconds_per_save(self) -> float | None:
        """What a save took, on average over the newest ones."""
        return self._mean_seconds(saves)

    def _mean_seconds(self, table: Table, *conditions: Any) -> float | None:  # noqa: ANN401  (SQL expressions)
        newest = select(table.c.wall_seconds).where(*conditions).order_by(table.c.id.desc()).limit(_SAMPLE).subquery()
        with self._snapshot() as connection:
            return connection.execute(select(func.avg(newest.c.wall_seconds))).scalar()

    def _runs(self, wanted: Select[Any]) -> tuple[Run, ...]:
        with self._snapshot() as connection:
            return tuple(_run(row) for row in connection.execute(wanted))

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        """A transaction that sees one moment, whatever is written meanwhile."""
        with self._explained(), self._engine.begin() as connection:
            yield connection


_FINGERPRINT: Final = rows.FINDING.index(cells.c.fingerprint)
_STATE: Final = tuple(cells.c[field.name] for field in fields(CellState))


def _cells(
    connection: Connection, wanted: Select[Any], keys: Collection[CellKey]
) -> Iterator[tuple[CellKey, Sequence[Any]]]:
    """The current states of these cells: each key, and what ``wanted`` selects after its columns.

    Asked for are all pairs of their artifacts and loaders, two short lists and one seek per pair, where a list of the
    keys themselves would be tens of thousands of parameters.
    """
    by_columns = {(key.artifact, key.loader, key.method.value, key.version): key for key in keys}
    for loaders in _chunks({key.loader for key in keys}):
        for made in _chunks({key.artifact for key in keys}):
            of_both = wanted.where(cells.c.artifact.in_(made), cells.c.loader.in_(loaders), cells.c.is_current)
            for artifact, loader, method, version, *rest in connection.execute(of_both):
                key = by_columns.get((artifact, loader, method, version))
                if key is not None:
                    yield key, rest


def _artifacts(connection: Connection, found: Iterable[AnyRow]) -> dict[str, Artifact]:
    named = {row.artifact for row in found if row.artifact is not None}
    return {row.sha256: rows.artifact(row) for row in _by_key(connection, artifacts.c.sha256, named)}


def _failures(connection: Connection, fingerprints: set[str | None]) -> dict[str, Failure]:
    found = _by_key(connection, errors.c.fingerprint, {name for name in fingerprints if name is not None})
    return {row.fingerprint: rows.failure(row) for row in found}


def _by_key(connection: Connection, key: Column[Any], values: Collection[str]) -> list[AnyRow]:
    chunks = _chunks(values)
    return [row for chunk in chunks for row in connection.execute(select(key.table).where(key.in_(chunk)))]


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def _detail(save: SaveResult, result: CellResult | None, history: tuple[CellState, ...]) -> CellDetail:
    current = next((state for state in history if state.is_current), None)
    return CellDetail(
        save=save,
        result=result,
        first_run=current.first_run if current else None,
        last_run=current.last_run if current else None,
        measured_at=current.last_at if current else None,
        history=history,
    )


def _state(row: AnyRow) -> CellState:
    found = row._asdict()
    return CellState(**found | {"verdict": member(Verdict, row.verdict), "rung": member(Rung, row.rung)})


def _run(row: AnyRow) -> Run:
    return Run(**{**row._asdict(), "status": member(RunStatus, row.status)})


def _environment(row: AnyRow) -> EnvironmentRecord:
    found = row._asdict()
    versions, facts = found.pop("versions"), found.pop("facts")
    return EnvironmentRecord(
        **found, identity=None if versions is None else Identity(versions=versions, facts=facts or {})
    )
