"""The app around its pages: every state of the database, errors in words, HEAD, and addresses that nothing has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from matrix.config import Settings
from matrix.errors import IncompleteError
from matrix.store import open_store
from matrix.store.tables import HEAD
from service import database
from tests.site import Visitor, shared_home, visiting, visitor

__all__ = ["visitor"]

BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
PROGRAM = {"accept": "application/json"}


def execute(home: Path, statement: str, *words: str) -> None:
    """Change a database past our own code."""
    with closing(sqlite3.connect(home / "matrix.db")) as opened, opened:
        opened.execute(statement, words)


def absent(_home: Path) -> None:
    """No file."""


def empty(home: Path) -> None:
    """A file of nothing."""
    (home / "matrix.db").touch()


def newer(home: Path) -> None:
    """Of a tfmatrix that is yet to come."""
    open_store(home / "matrix.db").close()
    execute(home, "UPDATE alembic_version SET version_num = '0099'")


def older(home: Path) -> None:
    """Of a tfmatrix of before."""
    open_store(home / "matrix.db").close()
    execute(home, "UPDATE alembic_version SET version_num = '0001'")


def damaged(home: Path) -> None:
    """No database at all."""
    (home / "matrix.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)


def strange(home: Path) -> None:
    """Somebody else's."""
    execute(home, "CREATE TABLE photographs (id INTEGER)")


STATES = {
    "absent": (absent, "does not exist", "make matrix"),
    "empty": (empty, "is empty", "make matrix"),
    "newer": (newer, "written by a newer tfmatrix", "git pull"),
    "older": (older, f"its schema is 0001, this one reads {HEAD}", "tfmatrix report"),
    "damaged": (damaged, "damaged", "aside"),
    "strange": (strange, "photographs", "aside"),
}


@pytest.mark.parametrize("state", sorted(STATES))
def test_without_a_usable_database_pages_say_what_to_do(tmp_path: Path, state: str) -> None:
    """503 with what happened, the next step and when to ask again; the process lives, and nothing was made or changed."""
    make, said, step = STATES[state]
    make(tmp_path)
    path = tmp_path / "matrix.db"
    before = path.read_bytes() if path.exists() else None
    with visiting(tmp_path) as visitor:
        assert visitor.get("/healthz").status_code == 200
        for address in ("/", "/readyz"):
            page = visitor.get(address, headers=BROWSER)
            assert (page.status_code, page.headers["retry-after"]) == (503, "5"), page.text
            assert page.headers["content-type"].startswith("text/html")
            assert said in page.text
            assert step in page.text
        error = visitor.get("/index.json").json()["error"]
        assert (error["status"], said in error["message"], step in error["next_step"]) == (503, True, True)
        assert "tfmatrix_database_up 0.0" in visitor.get("/metrics").text
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("state", sorted(STATES))
def test_it_recovers_by_itself(tmp_path: Path, state: str) -> None:
    """Once there is a database that fits, the next request is answered from it."""
    STATES[state][0](tmp_path)
    with visiting(tmp_path) as visitor:
        assert visitor.get("/readyz").status_code == 503
        (tmp_path / "matrix.db").unlink(missing_ok=True)
        open_store(tmp_path / "matrix.db").close()
        assert visitor.get("/readyz").json() == {"status": "ok"}
        assert "tfmatrix_database_up 1.0" in visitor.get("/metrics").text


def test_a_replaced_database_is_noticed(tmp_path: Path) -> None:
    """Another file under the same name is what is read from then on."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path) as visitor:
        assert "tfmatrix_cells_known 0.0" in visitor.get("/metrics").text
        (tmp_path / "new.db").write_bytes((shared_home() / "matrix.db").read_bytes())
        (tmp_path / "new.db").rename(tmp_path / "matrix.db")
        figures = visitor.get("/metrics").text
    assert "tfmatrix_runs_known 6.0" in figures
    assert "tfmatrix_cells_known 0.0" not in figures


def test_a_database_that_becomes_newer_is_noticed(tmp_path: Path) -> None:
    """A migration while the app runs is told by the next question whether it is ready."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path) as visitor:
        assert visitor.get("/readyz").status_code == 200
        execute(tmp_path, "UPDATE alembic_version SET version_num = '0099'")
        assert visitor.get("/readyz").status_code == 503
        execute(tmp_path, "UPDATE alembic_version SET version_num = ?", HEAD)
        assert visitor.get("/readyz").status_code == 200


def test_a_locked_database_is_told_and_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds it all makes it busy, not broken; it is fine again when that one lets go."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    open_store(tmp_path / "matrix.db").close()
    with closing(sqlite3.connect(tmp_path / "matrix.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        with visiting(tmp_path) as visitor:
            answer = visitor.get("/readyz", headers=PROGRAM)
            assert answer.status_code == 503
            assert "Another process" in answer.json()["error"]["message"]
            holder.execute("COMMIT")
            visitor.app.state.service.database._until = 0  # type: ignore[attr-defined]
            assert visitor.get("/readyz").status_code == 200


def test_what_took_long_is_not_tried_for_each_request(tmp_path: Path) -> None:
    """For as long as finding out took, a failure is told again without another try."""
    now = [0.0]

    def clock() -> float:
        now[0] += 1  # each look at the clock is a second later: one try takes one
        return now[0]

    one = database.Database(Settings(home=tmp_path), clock=clock)
    with pytest.raises(IncompleteError):
        one.store()
    open_store(tmp_path / "matrix.db").close()
    now[0] = 2.5 - 1
    with pytest.raises(IncompleteError):
        one.store()
    assert one.store().read.runs(1) == ()
    one.close()


def test_an_error_has_a_page_and_a_document(visitor: Visitor) -> None:
    """HTML for browsers; JSON for a twin's address, and for who asks for it."""
    page = visitor.get("/nowhere", headers=BROWSER)
    assert (page.status_code, "There is no page" in page.text, 'href="/"' in page.text) == (404, True, True)
    for address, headers in (("/nowhere.json", BROWSER), ("/nowhere", PROGRAM)):
        found = visitor.get(address, headers=headers)
        assert found.headers["content-type"] == "application/json"
        assert found.json()["error"]["status"] == 404
        assert found.json()["error"]["request_id"] == found.headers["x-request-id"]


def test_a_wrong_method_is_refused(visitor: Visitor) -> None:
    """405, with what is allowed."""
    found = visitor.post("/healthz", headers=PROGRAM)
    assert (found.status_code, "GET" in found.headers["allow"]) == (405, True)
    assert "POST" in found.json()["error"]["message"]


def test_head_is_get_without_the_body(visitor: Visitor) -> None:
    """Same status and headers, no body."""
    got, head = visitor.get("/healthz"), visitor.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
