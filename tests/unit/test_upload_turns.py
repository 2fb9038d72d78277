"""Turns: nobody waits behind all that another one handed in, and whatever has begun is brought to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from matrix.uploads.case import Phase
from matrix.uploads.turns import ALLOWANCE, QUANTUM, Turns

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def case(number: int, owner: str, *, content: str = "", phase: Phase = Phase.ROW) -> Any:
    """The upload that was handed in as this many'th."""
    upload = SimpleNamespace(
        id=f"{number:03d}", owner=owner, content=content or str(number), handed_in_at=NOON + timedelta(seconds=number)
    )
    return SimpleNamespace(upload=upload, phase=phase, seconds=0.0, running=0, round=0, has_begun=False)


def entered(turns: Turns, *cases: Any) -> list[Any]:
    """Hand these in, one after the other."""
    for one in cases:
        turns.enter(one)
    return list(cases)


def served(turns: Turns, cases: list[Any]) -> list[str]:
    """Owners in the order in which their uploads are brought to their end."""
    found, left = [], list(cases)
    while left:
        first = turns.order(left)[0]
        found.append(first.upload.owner)
        left.remove(first)
    return found


def test_one_of_each_sender_comes_before_a_second_of_any() -> None:
    """A sender's nine do not hold up what somebody hands in after them."""
    turns = Turns()
    cases = entered(turns, *(case(number, "many") for number in range(9)), case(9, "one"), case(10, "another"))
    assert served(turns, cases) == ["many", "one", "another", *["many"] * 8]


def test_who_comes_later_is_served_in_the_round_that_is_served_then() -> None:
    """Neither before all that waited, nor behind it."""
    turns = Turns()
    _, second, third = entered(turns, *(case(number, "many") for number in range(3)))
    assert turns.order([second, third])[0] is second
    (late,) = entered(turns, case(3, "late"))
    assert served(turns, [second, third, late]) == ["many", "late", "many"]


def test_who_was_served_alone_owes_nothing_to_who_comes_later() -> None:
    """What somebody had while nobody else waited is not held against them."""
    turns = Turns()
    for number in range(5):
        (only,) = entered(turns, case(number, "busy"))
        assert turns.order([only]) == [only]
        assert turns.order([]) == []
    cases = entered(turns, case(5, "busy"), case(6, "new"), case(7, "busy"))
    assert served(turns, cases) == ["busy", "new", "busy"]


def test_a_row_that_has_begun_is_brought_to_its_end_unless_it_takes_too_long() -> None:
    """A model made to be slow gives way, again and again; what comes in meanwhile is not behind it for ever."""
    turns = Turns()
    slow, other, third = entered(turns, case(0, "slow"), case(1, "other"), case(2, "slow"))
    slow.seconds, slow.has_begun = QUANTUM - 1, True
    assert turns.order([slow, other, third]) == [slow, other, third]
    slow.seconds = QUANTUM
    assert turns.order([slow, other, third]) == [other, slow, third]
    slow.seconds = 2 * QUANTUM
    assert turns.order([slow, other, third]) == [other, third, slow]


def test_of_the_same_files_one_is_worked_on_and_what_has_begun_stays_that_one() -> None:
    """Two rows at once for one content would ask different things."""
    turns = Turns()
    first, again = entered(turns, case(0, "me", content="same"), case(1, "you", content="same"))
    assert turns.order([first, again]) == [first]
    first.seconds, first.has_begun = QUANTUM, True
    assert turns.order([first, again]) == [first]


def test_what_a_file_is_is_told_before_anything_is_loaded() -> None:
    """Within seconds, one of each sender at a time, also of a sender's that come later; and that costs nobody a turn."""
    turns = Turns()
    row, other = entered(turns, case(0, "me"), case(1, "you"))
    looked_into = entered(turns, *(case(number, "many", phase=Phase.INSPECT) for number in (2, 3, 4)))
    first, second, third = looked_into
    assert turns.order([row, other, *looked_into]) == [first, row, other, second, third]
    turns.charge("many", 0.3)
    first.phase = Phase.ROW
    assert turns.order([row, other, *looked_into]) == [second, row, other, first, third]
    (late,) = entered(turns, case(5, "late"))
    assert late.round == 0


def test_who_hands_in_what_is_slow_to_look_into_waits_for_their_turn() -> None:
    """Such as one file after the other that keeps the inspector busy: each costs its sender a turn, and nobody else theirs."""
    turns = Turns()
    mine, yours = entered(turns, case(0, "me"), case(1, "you"))
    slow = entered(turns, *(case(number, "slow", phase=Phase.INSPECT) for number in range(2, 8)))
    assert turns.order([mine, yours, *slow])[:2] == [slow[0], mine]
    slow[0].running = 1
    assert turns.order([mine, yours, *slow])[:3] == [slow[0], mine, yours]  # one at a time
    turns.charge("slow", ALLOWANCE)
    left = slow[1:]  # it was refused
    assert turns.order([mine, yours, *left]) == [mine, yours, *left]
    (late,) = entered(turns, case(9, "late", phase=Phase.INSPECT))
    assert turns.order([mine, yours, late, *left])[:3] == [late, mine, yours]
    (second,) = entered(turns, case(10, "me"))
    assert turns.order([second, *left])[:2] == [left[0], second]  # its next turn has come
    turns.charge("slow", ALLOWANCE)
    assert turns.order([second, *left[1:]])[0] is second


def test_what_is_done_in_the_background_comes_last_and_evenly() -> None:
    """Rows first; then whatever had least; of the same files one."""
    turns = Turns()
    long, short = case(0, "me", phase=Phase.BACKGROUND), case(1, "you", phase=Phase.BACKGROUND)
    again = case(3, "you", content="0", phase=Phase.BACKGROUND)
    long.seconds, long.has_begun = 10.0, True
    row = case(2, "me")
    entered(turns, long, short, row, again)
    assert turns.order([long, short, row, again]) == [row, short, long]
