"""Whole runs by the command line: done once, not done again, and what happens when two want the same home."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from matrix.errors import ExitCode
from matrix.model import Method
from matrix.store import open_store
from tests.containers.command import Home, finish

pytestmark = pytest.mark.containers

SELECTION = ("2.4,2.21", "dense", "h5")
RUN = ("run", "--environments", SELECTION[0], "--models", SELECTION[1], "--formats", SELECTION[2])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the selection has been measured."""
    home = Home(tmp_path_factory.mktemp("done"))
    code, said = home.run(*RUN)
    assert code == ExitCode.FINE, said
    return home


def test_run_records_every_cell_and_writes_the_page(done: Home) -> None:
    """A run ends with exit code 0, every cell of its plan in the database once, a page, and no container left.

    Besides the four by the first method it has the ways that are tried where one of these does not pass, and no others.
    """
    wanted, known = done.cells(*SELECTION)
    assert sum(key.method is Method.DEFAULT for key in wanted) == 4
    assert {key.method for key in wanted} == {Method.DEFAULT, Method.COMPILE_FALSE, Method.WEIGHTS}
    assert known == set(wanted)
    assert done.count("cells") == len(wanted)
    assert done.page.stat().st_size > 1000
    assert done.containers() == 0


def test_second_run_measures_nothing(done: Home) -> None:
    """Again with nothing changed: no cell is run, it says so, in under 20 seconds."""
    started = time.monotonic()
    code, said = done.run(*RUN)
    assert code == ExitCode.FINE, said
    assert time.monotonic() - started < 20
    assert "no cell was run" in said
    assert done.count("cells") == len(done.cells(*SELECTION)[0])


def test_deleted_page_is_written_again(done: Home) -> None:
    """A run writes the page anew, from what is known, when only the page is gone."""
    done.page.unlink()
    code, said = done.run(*RUN)
    assert code == ExitCode.FINE, said
    assert "no cell was run" in said
    assert done.page.stat().st_size > 1000


@pytest.mark.everything
def test_second_run_at_once_is_refused(tmp_path: Path) -> None:
    """While a run holds a home, another one ends with exit code 6 and says what to do; the first goes on."""
    home = Home(tmp_path)
    first = home.start(*RUN)
    home.wait_for("runs", 1, first)
    os.kill(first.pid, signal.SIGSTOP)  # however slow the other one starts, this one has not ended by then
    code, said = home.run(*RUN)
    os.kill(first.pid, signal.SIGCONT)
    went_on, words = finish(first)
    assert code == ExitCode.BUSY, said
    assert "Another run" in said
    assert "TFMATRIX_HOME" in said
    assert went_on == ExitCode.FINE, words


def test_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """A database that a newer tfmatrix wrote is left as it is: exit code 7, with the next step."""
    home = Home(tmp_path)
    open_store(home.database).close()
    with closing(sqlite3.connect(home.database)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    before = home.count("runs")
    code, said = home.run(*RUN)
    assert code == ExitCode.DATABASE, said
    assert "newer" in said
    assert "next:" in said
    assert home.count("runs") == before
