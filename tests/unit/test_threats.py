"""docs/threats.md shows the attacks that are tried, in their own words."""

from __future__ import annotations

import pytest

from tests.hostile.case import Case
from tests.hostile.page import KINDS, PAGE, with_tables

CASES = [one for kind in KINDS for one in kind.all]


def test_the_page_shows_what_is_tried() -> None:
    """Its tables are made of the attacks; it is written anew when one changes."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_tables(text), "Run: python -m tests.hostile"


def test_there_are_as_many_as_were_promised() -> None:
    """At least 30 attacks, a dozen of them in make test; no two of one name."""
    assert len(CASES) >= 30
    assert sum(one.often for one in CASES) >= 12
    assert len({one.name for one in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_each_says_what_it_tries_and_what_stops_it(case: Case) -> None:
    """In a sentence each, and its source is a program by itself."""
    assert case.tried.endswith(".")
    assert case.stopped.endswith(".")
    assert "|" not in case.tried + case.stopped
    compile(case.program, case.name, "exec")
