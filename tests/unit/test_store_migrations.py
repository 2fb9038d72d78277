"""A database of an older schema is brought up to date, and back, with what it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from matrix.model import RequestKind, RunStatus
from matrix.results import Mark, Marks
from matrix.store import open_store
from matrix.store.schema import MIGRATIONS
from matrix.store.tables import metadata
from tests.databases import Place, connected
from tests.store_samples import LATER, NOON, cell, environment, failed_cell, failed_save, save

MARKS = Marks(saved_again=Mark.YES, optimizer_restored=Mark.NO, trained_step=Mark.NOT_APPLICABLE, notes={"a": "b"})
BASE: Final = "base"
REVISIONS: Final = (*(one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()), BASE)
"""The newest first, and nothing at last."""

Rows = dict[str, list[dict[str, Any]]]


def upgrade(place: Place, revision: str) -> None:
    """Bring a database to a newer revision."""
    _migrate(place, revision, up=True)


def downgrade(place: Place, revision: str) -> None:
    """Bring a database to an older revision."""
    _migrate(place, revision, up=False)


def _migrate(place: Place, revision: str, *, up: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with connected(place) as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def contents(place: Place) -> Rows:
    """Every row of every table of ours, as the database holds them."""
    with connected(place) as connection:
        names = sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})
        found = {name: connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1") for name in names}  # noqa: S608
        return {name: [dict(row) for row in rows.mappings()] for name, rows in found.items()}


def reduced(rows: Rows, to: Rows) -> Rows:
    """Only the tables, and of these the columns, that others have, too."""
    return {
        table: [{column: row[column] for column in other} for row, other in zip(rows[table], others, strict=True)]
        for table, others in to.items()
    }


def is_that_of_the_code(place: Place) -> bool:
    """Whether the schema is the one in ``tables.py``."""
    with connected(place) as connection:
        return not compare_metadata(MigrationContext.configure(connection), metadata)


def fill(place: Place) -> None:
    """A row or more in each table that a run fills."""
    with open_store(place) as store:
        store.write.begin_run({"models": ["dense"]}, {"engine": "docker"}, NOON)
        store.write.record_environment(environment(), None, "sha256:1", NOON)
        store.write.record_save(1, save(), NOON)
        store.write.record_save(1, failed_save(model="conv"), NOON)
        store.write.record_cells(1, [replace(cell(), marks=MARKS), failed_cell(loader="tf2.15")], NOON)
        store.write.record_cell(1, replace(failed_cell(), marks=None), LATER)
        store.write.finish_run(1, RunStatus.FINISHED, LATER, {"cells": 2})
        store.queue.put(RequestKind.RUN, {"models": "dense"}, NOON)
        store.queue.claim("host:1", LATER)
        store.queue.note_run(1, "host:1", 1)


@pytest.fixture
def filled(place: Place) -> Place:
    """A database of the newest schema, with something in it."""
    fill(place)
    return place


def test_a_database_goes_down_to_nothing_step_by_step_and_up_again(filled: Place) -> None:
    """No step stumbles over what is there; at last no table is left, and what is made anew holds results as before."""
    for older in REVISIONS[1:]:
        downgrade(filled, older)
    assert contents(filled) == {}
    for newer in REVISIONS[-2::-1]:
        upgrade(filled, newer)
    assert is_that_of_the_code(filled)
    fill(filled)
    with open_store(filled) as store:
        assert store.read.cells([cell().key]) == {cell().key: failed_cell()}


@pytest.mark.parametrize("older", REVISIONS[1:-1])
def test_going_back_and_forth_keeps_every_row(filled: Place, older: str) -> None:
    """Down loses only what the older schema has no place for, and up nothing."""
    full = contents(filled)
    assert all(full[table] for table in ("runs", "environments", "errors", "artifacts", "saves", "cells"))
    downgrade(filled, older)
    old = contents(filled)
    assert old == reduced(full, to=old)
    upgrade(filled, REVISIONS[0])
    assert reduced(contents(filled), to=old) == old
    assert is_that_of_the_code(filled)


def test_an_older_database_is_opened_with_what_it_holds(filled: Place) -> None:
    """Opening migrates: what was known is known, without marks and costs, and new results may have them."""
    downgrade(filled, "0001")
    with open_store(filled) as store:
        assert store.read.cells([cell().key]) == {cell().key: failed_cell()}
        assert store.read.saves([save().key]) == {save().key: save()}
        assert store.read.run(1).cost is None
        store.write.record_cell(1, replace(cell(), marks=MARKS), LATER)
        assert store.read.cells([cell().key])[cell().key].marks == MARKS
        store.write.finish_run(1, RunStatus.FINISHED, LATER, {"cells": 3})
        assert store.read.run(1).cost == {"cells": 3}


def test_an_older_database_gets_a_queue(filled: Place) -> None:
    """0003 to 0002 loses the requests alone; opening makes the queue again, empty and ready."""
    downgrade(filled, "0002")
    with open_store(filled) as store:
        assert store.queue.waiting() == store.queue.running() == ()
        assert store.queue.put(RequestKind.RUN, {}, NOON) == 1
