"""What only a database in a file can be: absent, in a folder, damaged, no database at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from matrix.errors import ExitCode, IncompleteError, StoreError
from matrix.model import RunStatus
from matrix.store import open_store
from matrix.store.pulse import Pulse
from matrix.store.tables import CELL_KEY, cells
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


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    """Nor is a place under a file."""
    with pytest.raises(StoreError, match="is a folder"):
        open_store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "file" / "matrix.db")


def test_current_states_are_found_by_their_index(tmp_path: Path) -> None:
    """A look-up by key is a seek, whatever the size of history."""
    with open_store(tmp_path / "matrix.db") as store, store.read._engine.begin() as connection:
        pairs = cells.c.artifact.in_(["a", "b"]), cells.c.loader.in_(["c", "d"]), cells.c.is_current
        query = select(*CELL_KEY).where(*pairs).compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert [line[-1] for line in plan] == ["SEARCH cells USING INDEX uq_cells_current (artifact=? AND loader=?)"]


def test_closing_leaves_only_the_database_behind(tmp_path: Path) -> None:
    """The last one out folds the log in."""
    open_store(tmp_path / "matrix.db").close()
    assert [file.name for file in tmp_path.iterdir()] == ["matrix.db"]


def test_who_has_read_leaves_the_log_for_those_who_may_only_read(tmp_path: Path) -> None:
    """Without ``-wal`` and ``-shm`` SQLite must make them, and the web's container sees its folder read-only."""
    with open_store(tmp_path / "matrix.db") as store:
        store.write.begin_run({}, {}, NOON)
        assert len(store.read.runs(1)) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"matrix.db", "matrix.db-shm", "matrix.db-wal"}


def test_the_pulse_changes_with_each_commit_and_only_then(tmp_path: Path) -> None:
    """Who keeps results in memory learns at once that another connection has written."""
    with open_store(tmp_path / "matrix.db") as one, open_store(tmp_path / "matrix.db") as other:
        before = one.read.pulse()
        assert before is not None
        assert one.read.pulse() == before
        other.read.runs(1)
        assert one.read.pulse() == before
        other.write.begin_run({}, {}, NOON)
        after = one.read.pulse()
        assert after != before
        one.write.begin_run({}, {}, NOON)
        assert one.read.pulse() not in {before, after}


def test_a_file_that_is_gone_has_no_pulse(tmp_path: Path) -> None:
    """Then a question is asked, which has words for what is wrong."""
    pulse = Pulse(tmp_path / "matrix.db")
    assert pulse.beat() is None
    open_store(tmp_path / "matrix.db").close()
    assert pulse.beat() is not None
    pulse.close()
