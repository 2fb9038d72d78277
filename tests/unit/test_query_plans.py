"""What each page asks of the database is answered from an index: no page reads a whole table of results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from matrix.store import Reader
from tests.site import Visitor, shared_home, visiting
from tests.site_pages import site_pages
from tests.upload_samples import PAGES

LARGE = ("cells", "saves", "errors", "artifacts", "uploads", "upload_cells", "upload_saves")
Asked = list[tuple[str, Any]]


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    """A visitor of an app of its own, whose matrix is in memory already."""
    with visiting(shared_home()) as one:
        assert one.get("/about").status_code == 200
        yield one


@contextmanager
def watched(engine: Engine) -> Iterator[Asked]:
    """Every statement that goes down an engine's connections meanwhile."""
    asked: Asked = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plan(engine: Engine, statement: str, parameters: Any) -> list[str]:
    """How SQLite goes about a statement, a line for each step."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row[3]) for row in found]


def test_no_page_reads_a_whole_table(visitor: Visitor) -> None:
    """Every page, and its twin: each question seeks, none scans."""
    read: Reader = visitor.app.state.service.site().store.read  # type: ignore[attr-defined]
    engine: Engine = read._engine
    scans = []
    for name, address in (site_pages(read) | PAGES).items():
        with watched(engine) as asked:
            assert visitor.get(address).status_code == 200
        for statement, parameters in asked:
            scans += [
                (name, line)
                for line in plan(engine, statement, parameters)
                if line.startswith("SCAN") and line.split()[1] in LARGE
            ]
    assert scans == []


def test_a_scan_would_be_seen(visitor: Visitor) -> None:
    """The test above can fail: a question without an index is a scan of its table."""
    engine: Engine = visitor.app.state.service.site().store.read._engine  # type: ignore[attr-defined]
    assert plan(engine, "SELECT * FROM cells WHERE wall_seconds > 1", ())[0].startswith("SCAN cells")
