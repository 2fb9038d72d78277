"""Runs, the queue and what changed between two runs, as they are served."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from matrix.model import RequestKind, RunStatus
from matrix.store import open_store
from reports.asked import of_request
from service.alive import sign_of
from tests.site import SIZE, Visitor, empty_visitor, shared_home, visiting, visitor
from tests.store_samples import NOON

__all__ = ["empty_visitor", "visitor"]


def of_site(visitor: Visitor, address: str) -> Any:
    """A page's twin."""
    found = visitor.get(address)
    assert found.status_code == 200, found.text
    return found.json()


def in_database(statement: str) -> list[Any]:
    """What the made-up database says by itself."""
    with closing(sqlite3.connect(shared_home() / "matrix.db")) as opened:
        return opened.execute(statement).fetchall()


def test_runs_are_listed_newest_first_with_what_began_in_them(visitor: Visitor) -> None:
    """Each has its status, its cost, what was asked, and as many states as the database has."""
    rows = of_site(visitor, "/runs.json")["rows"]
    assert [row["id"] for row in rows] == list(range(SIZE.nights, 0, -1))
    assert {row["id"]: row["begun"] for row in rows} == dict(
        in_database("SELECT first_run, count(*) FROM cells GROUP BY first_run")
    )
    assert rows[-1]["changed"] == 0
    assert rows[0]["asked"].startswith("2.4-2.21, ")
    assert of_site(visitor, "/runs.json?before=3")["rows"][0]["id"] == 2
    assert "No run came before" in visitor.get("/runs?before=1").text


def test_a_run_says_what_it_changed(visitor: Visitor) -> None:
    """Old and new outcomes with links to cells; where the machine's folders are is left out."""
    row = next(row for row in of_site(visitor, "/runs.json")["rows"] if row["changed"])
    found = of_site(visitor, f"/runs/{row['id']}.json")
    assert found["found"]["changed"] == row["changed"]
    cell = found["found"]["cells"][0]
    assert cell["was"] is not None
    assert visitor.get(cell["href"]).status_code == 200
    assert found["compared"] == f"/changes/runs/{row['id'] - 1}/{row['id']}"
    assert visitor.get(f"/runs/{row['id']}").status_code == 200
    assert "home" not in found["settings"]


def test_the_first_run_found_everything_new(visitor: Visitor) -> None:
    """Nothing was known before; the list is cut."""
    found = of_site(visitor, "/runs/1.json")
    assert (found["found"]["changed"], found["before"], found["compared"]) == (0, None, None)
    assert found["more"] == found["found"]["new"] - len(found["found"]["cells"]) > 0


def test_two_runs_are_compared_page_by_page(visitor: Visitor) -> None:
    """The pages together list all; beyond the last there is nothing."""
    first = of_site(visitor, f"/changes/runs/1/{SIZE.nights}.json")
    seen = len(first["found"]["cells"])
    page = first
    while page["next"]:
        path, _, query = page["next"].partition("?")
        page = of_site(visitor, f"{path}.json?{query}")
        seen += len(page["found"]["cells"])
    assert seen == first["found"]["changed"] + first["found"]["new"]
    assert "nothing on page" in visitor.get(f"/changes/runs/1/{SIZE.nights}?page=5000").text
    assert of_site(visitor, "/changes/runs.json")["after"] == SIZE.nights


def test_the_same_run_differs_in_nothing_and_swapped_ones_are_named(visitor: Visitor) -> None:
    """By definition; and an address that has them the wrong way round says which is right."""
    assert "nothing differs by definition" in visitor.get("/changes/runs/2/2").text
    wrong = visitor.get("/changes/runs/3/1.json")
    assert (wrong.status_code, "/changes/runs/1/3" in wrong.json()["error"]["next_step"]) == (422, True)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/runs/99.json", 404),
        ("/runs/0.json", 422),
        ("/runs/x.json", 422),
        ("/runs/99999999999999999999.json", 422),
        ("/runs.json?before=-1", 422),
        ("/runs.json?before=", 200),
        ("/changes/runs/1/99.json", 404),
        ("/changes/runs/1/2.json?page=0", 422),
    ],
)
def test_nonsense_is_refused(visitor: Visitor, address: str, status: int) -> None:
    """Never a fault of ours, never a long query."""
    assert visitor.get(address).status_code == status


def test_nothing_measured_says_what_to_run(empty_visitor: Visitor) -> None:
    """Each page has a command."""
    assert "make matrix" in empty_visitor.get("/runs").text
    assert "tfmatrix run" in empty_visitor.get("/changes/runs").text
    queue = empty_visitor.get("/queue").text
    assert ("tfmatrix request" in queue, "tfmatrix runner" in queue) == (True, True)


def test_a_running_run_is_live_and_is_not_kept(tmp_path: Path) -> None:
    """What it does shows at once, also where nothing is recorded."""
    with open_store(tmp_path / "matrix.db") as store, visiting(tmp_path) as visitor:
        number = store.write.begin_run({"models": ["dense"]}, {"isolates": False}, NOON)
        assert "data-live" in visitor.get(f"/runs/{number}").text
        assert "data-live" in visitor.get("/runs").text
        store.write.finish_run(number, RunStatus.FINISHED, NOON)
        page = visitor.get(f"/runs/{number}").text
        assert ("data-live" in page, "Measured without containers" in page) == (False, True)


def test_the_queue_shows_what_waits_and_who_takes_it_up(tmp_path: Path) -> None:
    """In the order in which it is taken up, whatever is in its words, and as it is now."""
    with open_store(tmp_path / "matrix.db") as store, visiting(tmp_path) as visitor:
        store.queue.put(RequestKind.RUN, {"models": "<script>alert(1)</script>"}, NOON)
        store.queue.put(RequestKind.RUN, {"models": "dense", "again": True}, NOON, priority=1)
        found = of_site(visitor, "/queue.json")
        assert [(one["id"], one["position"]) for one in found["waiting"]] == [(2, 1), (1, 2)]
        assert (found["waiting"][0]["asked"], found["runner_alive"]) == ("models dense; again", False)
        assert "<script>alert" not in visitor.get("/queue").text
        sign_of(tmp_path).touch()
        store.queue.claim("me", NOON)
        found = of_site(visitor, "/queue.json")
        assert (found["running"][0]["id"], found["runner_alive"]) == (2, True)


def test_cells_of_a_file_that_nobody_can_name_are_left_out(tmp_path: Path) -> None:
    """A model that the catalogue no longer has: its cells are still recorded, and no list calls them another model's."""
    with visiting(tmp_path, filled=True) as visitor, sqlite3.connect(tmp_path / "matrix.db") as database:
        before = of_site(visitor, "/runs/1.json")["found"]["new"]
        many = database.execute(
            "SELECT count(*) FROM cells WHERE first_run = 1 AND artifact IN (SELECT artifact FROM saves WHERE model = 'dense')"
        ).fetchone()[0]
        database.execute("UPDATE saves SET model = 'model-of-old', changed = 9999 WHERE model = 'dense'")
        database.execute("INSERT OR REPLACE INTO generation (id, number) VALUES (1, 9999)")
        database.commit()
        assert of_site(visitor, "/runs/1.json")["found"]["new"] == before - many < before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "everything"),
        ({"environments": "base", "models": ["all"], "again": True}, "everything; again"),
        ({"environments": "all"}, "environments all"),
        ({"models": ["dense", "conv"], "formats": "h5"}, "models dense,conv; formats h5"),
        ({"models": {"no": "such words"}}, "models in words that nobody understands"),
    ],
)
def test_a_request_says_what_differs_from_what_everybody_gets(body: dict[str, Any], said: str) -> None:
    """Texts and lists of them; a newer version may ask in another form."""
    assert of_request(body) == said
