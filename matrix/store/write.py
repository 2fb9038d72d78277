"""The write side: every method is one short transaction. What is recorded twice is recorded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Engine, Table, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from matrix.errors import StoreError
from matrix.model import Environment, RunStatus, Verdict
from matrix.results import CellResult, Failure, Identity, SaveResult
from matrix.store import copying, rows
from matrix.store.copying import Rows
from matrix.store.rows import AnyRow, Columns
from matrix.store.tables import CELL_KEY, SAVE_KEY, artifacts, cells, environments, errors, generation, runs, saves


class Writer:
    """Records runs, environments, saves and cells."""

    def __init__(self, engine: Engine, explained: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._explained = explained

    def begin_run(self, selection: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> int:
        """Note that a run has begun, what was asked of it and where; its number names it from now on."""
        values = {"status": RunStatus.RUNNING.value, "selection": dict(selection), "facts": dict(facts)}
        with self._transaction() as connection:
            new = insert(runs).values(**values, started_at=now).returning(runs.c.id)
            return int(connection.execute(new).scalar_one())

    def finish_run(self, run_id: int, status: RunStatus, now: datetime, cost: Mapping[str, Any] | None = None) -> None:
        """Note how a run ended and what it cost; ``running`` takes it up again."""
        finished_at = None if status is RunStatus.RUNNING else now
        values = {"status": status.value, "finished_at": finished_at, "cost": None if cost is None else dict(cost)}
        with self._transaction() as connection:
            change = update(runs).where(runs.c.id == run_id).values(**values)
            if connection.execute(change).rowcount != 1:
                message = f"There is no run {run_id} to finish."
                raise StoreError(message, next_step="Begin it on this database first.")

    def record_environment(
        self, environment: Environment, identity: Identity | None, image_id: str | None, now: datetime
    ) -> None:
        """Keep what an environment is, what it said of itself, and its image; ``None`` keeps what was known."""
        values: Columns = {
            "id": environment.id,
            "tensorflow": environment.tensorflow,
            "keras": environment.keras,
            "python": environment.python,
            "cut_off": environment.cut_off,
            "recorded_at": now,
        }
        if identity is not None:
            values |= {"versions": identity.versions, "facts": identity.facts}
        if image_id is not None:
            values["image_id"] = image_id
        is_it = environments.c.recipe_digest == environment.recipe_digest
        with self._transaction() as connection:
            if connection.execute(update(environments).where(is_it).values(**values)).rowcount == 0:
                connection.execute(insert(environments).values(recipe_digest=environment.recipe_digest, **values))

    def record_save(self, run_id: int, result: SaveResult, now: datetime) -> None:
        """Keep what became of a save. Its blobs must be stored already: what is recorded is there."""
        with self._transaction() as connection:
            _keep_failure(connection, result.failure)
            if result.artifact is not None:
                _keep_once(connection, artifacts.c.sha256, rows.artifact_columns(result.artifact))
            _record_save(connection, result, _mark(run_id, now))

    def record_cell(self, run_id: int, result: CellResult, now: datetime) -> None:
        """Keep what was found in a cell."""
        self.record_cells(run_id, [result], now)

    def record_cells(self, run_id: int, results: Iterable[CellResult], now: datetime) -> None:
        """Keep what was found in many cells: all of them or, should it fail, none."""
        with self._transaction() as connection:
            for result in results:
                _keep_failure(connection, result.failure)
                _record_cell(connection, result, _mark(run_id, now))

    def take(self, parts: Iterable[Rows]) -> int:
        """Take over all of another database, as its ``everything`` reads it; return the number of rows."""
        with self._transaction() as connection:
            return copying.take(connection, parts)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._explained(), self._engine.begin() as connection:
            if connection.execute(update(generation).values(number=generation.c.number + 1)).rowcount == 0:
                connection.execute(insert(generation).values(id=1, number=1))
            yield connection


class _Finding(NamedTuple):
    """What is to be recorded, and which of its columns make two measurements the same finding."""

    table: Table
    identifying: tuple[str, ...]
    columns: Columns
    mark: Columns

    def is_that_of(self, state: AnyRow) -> bool:
        """Whether a recorded state already says this."""
        same = all(getattr(state, name) == self.columns[name] for name in self.identifying)
        return same and _in_short(self.columns) == _in_short(state._asdict())


# Times, sizes of differences, warnings and the words of a mark vary from night to night without anything having changed:
# they are evidence, and a state keeps those of its last measurement.
_SAVE_FINDING = ("outcome", "artifact", "reason", "fingerprint")
_CELL_FINDING = ("verdict", "rung", "signature_equal", "signal", "fingerprint", "tampered")


def _in_short(columns: Columns) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """Which outputs differ, and the marks: not by how much, and not in which words."""
    marks = columns.get("marks") or {}
    differing = [(output, equal, reason) for output, equal, _, _, reason in columns.get("differences", ())]
    return differing, {name: mark for name, mark in marks.items() if name != "notes"}


def _mark(run_id: int, now: datetime) -> Columns:
    return {"first_run": run_id, "last_run": run_id, "first_at": now, "last_at": now}


def _record_save(connection: Connection, result: SaveResult, mark: Columns) -> None:
    key = rows.save_key_columns(result.key)
    finding = _Finding(saves, _SAVE_FINDING, {**key, **rows.save_columns(result)}, mark)
    _record(connection, finding, _state(connection, saves, [*_equal(SAVE_KEY, key), saves.c.is_current]))


def _record_cell(connection: Connection, result: CellResult, mark: Columns) -> None:
    """Record in the cell's current state; but where our harness broke, what was known before stays known."""
    key = rows.cell_key_columns(result.key)
    finding = _Finding(cells, _CELL_FINDING, {**key, **rows.cell_columns(result)}, mark)
    is_key = _equal(CELL_KEY, key)
    current = _state(connection, cells, [*is_key, cells.c.is_current])
    broken = Verdict.HARNESS_BROKEN.value
    if result.verdict.value != broken or current is None or current.verdict == broken:
        _record(connection, finding, current)
        return
    newest = _state(connection, cells, is_key)
    last_broken = newest if newest is not None and newest.verdict == broken else None
    _record(connection, finding, last_broken, is_current=False)


def _record(connection: Connection, finding: _Finding, state: AnyRow | None, *, is_current: bool = True) -> None:
    """Extend a state that says the same; else close it and open the next."""
    table, mark = finding.table, finding.mark
    now = {"changed": select(generation.c.number).scalar_subquery()}
    if state is not None and finding.is_that_of(state):
        last = {"last_run": max(state.last_run, mark["last_run"]), "last_at": max(state.last_at, mark["last_at"])}
        connection.execute(update(table).where(table.c.id == state.id).values(**finding.columns, **last, **now))
        return
    if state is not None:
        connection.execute(update(table).where(table.c.id == state.id).values(is_current=False, **now))
    connection.execute(insert(table).values(**finding.columns, **mark, is_current=is_current, **now))


def _state(connection: Connection, table: Table, conditions: list[ColumnElement[bool]]) -> AnyRow | None:
    return connection.execute(select(table).where(*conditions).order_by(table.c.id.desc()).limit(1)).first()


def _equal(columns: tuple[Column[Any], ...], key: Columns) -> list[ColumnElement[bool]]:
    return [column == key[column.name] for column in columns]


def _keep_failure(connection: Connection, failure: Failure | None) -> None:
    if failure is not None:
        _keep_once(connection, errors.c.fingerprint, rows.failure_columns(failure))


def _keep_once(connection: Connection, key: Column[Any], values: Columns) -> None:
    """Insert what is named by its content; what is there already stays as it is."""
    if connection.execute(select(key).where(key == values[key.name])).first() is None:
        connection.execute(insert(key.table).values(**values))
