"""A database of an older schema is brought up to date, and back, with what it holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from matrix.model import RequestKind, RunStatus
from matrix.results import Mark, Marks
from matrix.store import open_store
from matrix.store.schema import MIGRATIONS
from matrix.store.tables import metadata
from tests.store_samples import LATER, NOON, cell, failed_cell, failed_save, save

NEW = {"cells": "marks", "runs": "cost"}
MARKS = Marks(saved_again=Mark.YES, optimizer_restored=Mark.NO, trained_step=Mark.NOT_APPLICABLE, notes={"a": "b"})


@contextmanager
def connected(path: Path) -> Iterator[Connection]:
    """A transaction on the file, of no code of ours."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def migrate(path: Path, revision: str) -> None:
    """Bring a database to a revision, up or down."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with connected(path) as connection:
        config.attributes["connection"] = connection
        now = MigrationContext.configure(connection).get_current_revision() or "0000"
        (command.upgrade if revision > now else command.downgrade)(config, revision)


def contents(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as the file holds them."""
    with closing(sqlite3.connect(path)) as opened:
        tables = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'")
        names = [name for (name,) in tables.fetchall()]
        opened.row_factory = sqlite3.Row
        return {name: [dict(row) for row in opened.execute(f"SELECT * FROM {name}")] for name in names}  # noqa: S608


def without_new(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same without the columns that 0002 adds, and the table that 0003 adds."""
    return {
        table: [{key: value for key, value in row.items() if key != NEW.get(table)} for row in found]
        for table, found in rows.items()
        if table != "requests"
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the newest schema, with a row or more in each table that a run fills."""
    with open_store(tmp_path / "matrix.db") as store:
        store.write.begin_run({"models": ["dense"]}, {"engine": "docker"}, NOON)
        store.write.record_save(1, save(), NOON)
        store.write.record_save(1, failed_save(model="conv"), NOON)
        store.write.record_cells(1, [replace(cell(), marks=MARKS), failed_cell(loader="tf2.15")], NOON)
        store.write.record_cell(1, replace(failed_cell(), marks=None), LATER)
        store.write.finish_run(1, RunStatus.FINISHED, LATER, {"cells": 2})
        store.queue.put(RequestKind.RUN, {"models": "dense"}, NOON)
        store.queue.claim("host:1", LATER)
        store.queue.note_run(1, "host:1", 1)
    return tmp_path / "matrix.db"


def test_going_back_and_forth_keeps_every_row(path: Path) -> None:
    """Back to 0001 loses marks, costs and requests only, and forth from there nothing."""
    full = contents(path)
    assert all(row[NEW["runs"]] for row in full["runs"])
    assert full["requests"]
    migrate(path, "0001")
    old = contents(path)
    assert old == without_new(full)
    migrate(path, "head")
    assert without_new(contents(path)) == old
    with connected(path) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_older_database_is_opened_with_what_it_holds(path: Path) -> None:
    """Opening migrates: what was known is known, without marks and costs, and new results may have them."""
    migrate(path, "0001")
    with open_store(path) as store:
        assert store.read.cells([cell().key]) == {cell().key: failed_cell()}
        assert store.read.saves([save().key]) == {save().key: save()}
        assert store.read.run(1).cost is None
        store.write.record_cell(1, replace(cell(), marks=MARKS), LATER)
        assert store.read.cells([cell().key])[cell().key].marks == MARKS
        store.write.finish_run(1, RunStatus.FINISHED, LATER, {"cells": 3})
        assert store.read.run(1).cost == {"cells": 3}


def test_an_older_database_gets_a_queue(path: Path) -> None:
    """0003 to 0002 loses the requests alone; opening makes the queue again, empty and ready."""
    full = contents(path)
    migrate(path, "0002")
    assert contents(path) == {table: found for table, found in full.items() if table != "requests"}
    with open_store(path) as store:
        assert store.queue.waiting() == store.queue.running() == ()
        assert store.queue.put(RequestKind.RUN, {}, NOON) == 1


def test_a_database_grows_from_nothing_step_by_step(tmp_path: Path) -> None:
    """The migrations one after the other give the schema that this code expects."""
    path = tmp_path / "matrix.db"
    for revision in ("0001", "0002", "0003"):
        migrate(path, revision)
    with connected(path) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
