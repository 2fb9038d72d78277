"""A database is opened, made or refused; what is refused is left as it was."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select
from sqlalchemy.exc import DBAPIError

from matrix.errors import BusyError, ExitCode, IncompleteError, StoreError
from matrix.model import RunStatus
from matrix.store import open_store
from matrix.store.schema import MIGRATIONS
from matrix.store.tables import HEAD, metadata, runs
from tests.databases import Place, connected, execute
from tests.store_samples import NOON


def test_a_database_is_opened_again(place: Place) -> None:
    """The first opening makes the tables, the second finds what was written."""
    with open_store(place) as store:
        store.write.begin_run({}, {}, NOON)
    with open_store(place, create=False) as store:
        assert store.read.run(1).status is RunStatus.RUNNING


def test_an_empty_database_says_how_to_get_results(place: Place) -> None:
    """Who only wants to read is told what to run, and no table is made."""
    with connected(place) as connection:
        assert inspect(connection).get_table_names() == []
    with pytest.raises(IncompleteError, match=r"no results yet: .* is empty") as caught:
        open_store(place, create=False)
    assert caught.value.exit_code is ExitCode.INCOMPLETE
    assert "make matrix" in caught.value.next_step
    with connected(place) as connection:
        assert inspect(connection).get_table_names() == []


def test_a_newer_database_is_refused(place: Place) -> None:
    """A schema this code does not know is not touched; the error names both and the next step."""
    open_store(place).close()
    execute(place, "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(StoreError, match=f"0099, this one knows {HEAD}") as caught:
        open_store(place)
    assert caught.value.exit_code is ExitCode.DATABASE
    assert "git pull" in caught.value.next_step


def test_a_database_of_others_is_refused(place: Place) -> None:
    """Tables that are not ours are never joined by ours."""
    execute(place, "CREATE TABLE photographs (id INTEGER)")
    with pytest.raises(StoreError, match="photographs") as caught:
        open_store(place)
    assert caught.value.next_step
    with connected(place) as connection:
        assert inspect(connection).get_table_names() == ["photographs"]


def test_a_reader_cannot_write(place: Place) -> None:
    """The connection itself refuses."""
    with (
        open_store(place) as store,
        store.read._engine.begin() as connection,
        pytest.raises(DBAPIError, match=r"read-?only"),
    ):
        connection.execute(insert(runs).values(status="running", selection={}, facts={}, started_at=NOON))


def test_a_reader_sees_one_moment_and_never_waits(place: Place) -> None:
    """What is written meanwhile shows in the next question, not in this one."""
    with open_store(place) as store:
        with store.read._engine.begin() as connection:
            assert connection.execute(select(runs)).all() == []
            store.write.begin_run({}, {}, NOON)
            assert connection.execute(select(runs)).all() == []
        assert len(store.read.runs(1)) == 1


def test_a_writer_that_waits_too_long_says_so(place: Place) -> None:
    """Another process's lock is a busy database, with its own exit code."""
    with open_store(place, busy_seconds=0.05) as store, open_store(place) as other:
        with other.write._engine.begin(), pytest.raises(BusyError, match="Another process") as caught:
            store.write.begin_run({}, {}, NOON)
        assert caught.value.exit_code is ExitCode.BUSY
        assert store.write.begin_run({}, {}, NOON) == 1


def test_migrations_lead_to_the_tables(place: Place) -> None:
    """The newest migration is the revision this code expects, and gives the schema it expects."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_current_head() == HEAD
    open_store(place).close()
    with connected(place) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_closing_twice_is_fine(place: Place) -> None:
    """Nor does it take anything away."""
    store = open_store(place)
    store.close()
    store.close()
    open_store(place, create=False).close()
