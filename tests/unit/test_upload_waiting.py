"""How long an upload waits, and what its row may take: told as soon as anything is known of it, from its own first turn on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from matrix.uploads.waiting import Filled, Waiting, waits

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RECENT = [
    Filled(seconds=36, environments=18),
    Filled(seconds=36, environments=18),
    Filled(seconds=900, environments=18),
]


def waiting(name: str, *, planned: int = 18, known: int = 0, tried: int = 0, began: float | None = None) -> Waiting:
    """An upload in line whose row began so many seconds ago; its name is its content, too."""
    since = None if began is None else NOW - timedelta(seconds=began)
    return Waiting(id=name, content=name, planned=planned, known=known, tried=tried, began=since)


def seconds(*line: Waiting, recent: list[Filled] = RECENT) -> list[float | None]:
    """In how many seconds each has its row."""
    found = waits(line, recent, NOW)
    assert [found[one.id].ahead for one in line] == list(range(len(line)))
    return [found[one.id].seconds for one in line]


def test_who_waits_is_told_how_long_by_the_pace_of_recent_rows() -> None:
    """Two seconds for each environment, of all rows before it and its own; one slow row among recent ones changes nothing."""
    assert seconds(waiting("a"), waiting("b"), waiting("c", planned=9)) == [35, 70, 90]


def test_a_row_has_a_pace_of_its_own_from_its_own_first_turn_on() -> None:
    """However long it had waited before that; what was known of its files before says nothing of its pace."""
    assert seconds(waiting("a", known=6, tried=4, began=16), waiting("b")) == [50, 85]
    assert seconds(waiting("a", known=1, tried=1, began=16)) == [35]


def test_what_was_not_looked_into_yet_is_taken_for_an_ordinary_row() -> None:
    """Nobody knows which environments it will have."""
    assert seconds(waiting("a", planned=0)) == [35]


def test_the_same_files_take_their_time_once() -> None:
    """The second is answered from what the first came to."""
    first = waiting("a")
    again = Waiting(id="again", content="a", planned=0, known=0, tried=0, began=None)
    assert seconds(first, again) == [35, 35]


def test_where_nothing_is_known_nothing_is_said() -> None:
    """Until the row that is served has a pace."""
    assert seconds(waiting("a"), waiting("b"), recent=[]) == [None, None]
    assert seconds(waiting("a", known=2, tried=2, began=4), waiting("b"), recent=[]) == [30, 70]
    assert seconds(waiting("a", known=18, tried=18, began=36), recent=[]) == [1]
