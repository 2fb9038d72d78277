"""A database is opened, made or refused; what is refused is left as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

from matrix.errors import BusyError, ExitCode, IncompleteError, StoreError
from matrix.model import RunStatus
from matrix.store import open_store
from matrix.store.schema import MIGRATIONS
from matrix.store.tables import CELL_KEY, HEAD, cells, metadata, runs
from tests.store_samples import NOON


def test_a_database_is_made_with_its_folder(tmp_path: Path) -> None:
    """The first opening makes the file; names that mean something in a URL are only names."""
    path = tmp_path / "a ?#%20 folder" / "matrix.db"
    with open_store(path) as store:
        store.write.begin_run({}, {}, NOON)
    with open_store(path, create=False) as store:
        assert store.read.run(1).status is RunStatus.RUNNING


def test_a_url_names_the_same_database(tmp_path: Path) -> None:
    """A file can be given as an SQLite URL too."""
    with open_store(f"sqlite:///{tmp_path}/matrix.db") as store:
        store.write.begin_run({}, {}, NOON)
    with open_store(str(tmp_path / "matrix.db")) as store:
        assert len(store.read.runs(5)) == 1


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    """As ``mktemp`` leaves it, or a process that was killed before it wrote anything."""
    (tmp_path / "matrix.db").touch()
    with open_store(tmp_path / "matrix.db") as store:
        assert store.read.runs(1) == ()


def test_an_absent_database_says_how_to_get_one(tmp_path: Path) -> None:
    """Who only wants to read is told what to run, and nothing is made."""
    with pytest.raises(IncompleteError, match="no results yet") as caught:
        open_store(tmp_path / "matrix.db", create=False)
    assert caught.value.exit_code is ExitCode.INCOMPLETE
    assert "make matrix" in caught.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A schema this code does not know is not touched; the error names both and the next step."""
    path = tmp_path / "matrix.db"
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    connection.close()
    with pytest.raises(StoreError, match=f"0099, this one knows {HEAD}") as caught:
        open_store(path)
    assert caught.value.exit_code is ExitCode.DATABASE
    assert "git pull" in caught.value.next_step


@pytest.mark.parametrize("content", [b"not a database at all " * 300, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    """It is neither changed nor replaced."""
    path = tmp_path / "matrix.db"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        open_store(path)
    assert caught.value.next_step
    assert path.read_bytes() == content


def test_a_damaged_database_is_said_to_be(tmp_path: Path) -> None:
    """Pages overwritten behind a good header are found when they are read."""
    path = tmp_path / "matrix.db"
    with open_store(path) as store:
        store.write.begin_run({}, {}, NOON)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    with pytest.raises(StoreError, match="damaged"), open_store(path) as store:
        store.read.runs(1)


def test_a_database_of_others_is_refused(tmp_path: Path) -> None:
    """Tables that are not ours are never joined by ours."""
    path = tmp_path / "matrix.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photographs (id INTEGER)")
    connection.close()
    with pytest.raises(StoreError, match="photographs"):
        open_store(path)


@pytest.mark.parametrize(
    "place", ["sqlite://", "nonsense://host/name", "postgresql+psycopg://user:secret@host/name", "http://[::bad"]
)
def test_a_url_that_cannot_be_used_is_explained(place: str) -> None:
    """Memory keeps nothing, drivers may be missing; a password is never shown."""
    with pytest.raises(StoreError) as caught:
        open_store(place)
    assert caught.value.next_step
    assert "secret" not in caught.value.message


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    """Nor is a place under a file."""
    with pytest.raises(StoreError, match="is a folder"):
        open_store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "file" / "matrix.db")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """The connection itself refuses."""
    with (
        open_store(tmp_path / "matrix.db") as store,
        store.read._engine.begin() as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.execute(insert(runs).values(status="running", selection={}, facts={}, started_at=NOON))


def test_a_reader_sees_one_moment_and_never_waits(tmp_path: Path) -> None:
    """What is written meanwhile shows in the next question, not in this one."""
    with open_store(tmp_path / "matrix.db") as store:
        with store.read._engine.begin() as connection:
            assert connection.execute(select(runs)).all() == []
            store.write.begin_run({}, {}, NOON)
            assert connection.execute(select(runs)).all() == []
        assert len(store.read.runs(1)) == 1


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path) -> None:
    """Another process's lock is a busy database, with its own exit code."""
    path = tmp_path / "matrix.db"
    with open_store(path, busy_seconds=0.05) as store, open_store(path) as other:
        with other.write._engine.begin(), pytest.raises(BusyError, match="Another process") as caught:
            store.write.begin_run({}, {}, NOON)
        assert caught.value.exit_code is ExitCode.BUSY
        assert store.write.begin_run({}, {}, NOON) == 1


def test_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    """The newest migration is the revision this code expects, and gives the schema it expects."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_current_head() == HEAD
    with open_store(tmp_path / "matrix.db") as store, store.write._engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_schema_is_postgresql_too() -> None:
    """Every table and index compiles there; the rule of one current state included."""
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
    indexes = [str(CreateIndex(index).compile(dialect=dialect)) for index in cells.indexes]
    assert any("UNIQUE" in index and "WHERE is_current" in index for index in indexes)


def test_current_states_are_found_by_their_index(tmp_path: Path) -> None:
    """A look-up by key is a seek, whatever the size of history."""
    with open_store(tmp_path / "matrix.db") as store, store.read._engine.begin() as connection:
        pairs = cells.c.artifact.in_(["a", "b"]), cells.c.loader.in_(["c", "d"]), cells.c.is_current
        query = select(*CELL_KEY).where(*pairs).compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert [line[-1] for line in plan] == ["SEARCH cells USING INDEX uq_cells_current (artifact=? AND loader=?)"]


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    """Closing leaves only the database behind: the last one out folds the log in."""
    store = open_store(tmp_path / "matrix.db")
    store.close()
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["matrix.db"]
