"""How repeats share a fresh process, what a stop leaves out, and what the time is put down to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from matrix.loading import COMPANY, Loads
from matrix.model import Verdict
from matrix.repeat import Repeats
from tests.fake_session import NAMES, OUTPUTS, TASKS, FakeSession, loaded, says, sizes, verdicts


def test_repeats_share_one_fresh_process() -> None:
    """One failure of each kind is repeated, with those of other kinds; where it agrees that is all."""
    kinds = ["no layer", "no layer", "no weights"]
    session = FakeSession(lambda name, _, __: kinds[NAMES[name]])
    results = loaded(session, TASKS[:3], Repeats({}))
    assert [one.repeated for one in results] == [Verdict.FAIL, None, Verdict.FAIL]
    assert [[NAMES[name] for name in names] for names, fresh in session.jobs if fresh] == [[0, 2]]


def test_where_a_shared_repeat_disagrees_each_is_repeated_alone_and_counts() -> None:
    """A fresh process of its own has the last word; the other verdict is kept beside it."""
    kinds = ["no layer", "no weights"]

    def truth(name: str, company: bool, fresh: bool) -> str:  # noqa: FBT001
        if fresh and not NAMES[name]:
            return "pass"  # what the first file does in any fresh process
        return "drift" if fresh and company else kinds[NAMES[name]]  # the second: in company only

    session = FakeSession(truth)
    results = loaded(session, TASKS[:2], Repeats({}))
    assert [(one.verdict, one.repeated) for one in results] == [
        (Verdict.PASS, Verdict.FAIL),
        (Verdict.FAIL, Verdict.FAIL),
    ]
    assert [([NAMES[name] for name in names]) for names, fresh in session.jobs if fresh] == [[0, 1], [0], [1]]


def test_where_a_shared_repeat_dies_each_is_repeated_alone() -> None:
    """The fresh process's end is nobody's verdict."""
    kinds = ["no layer", "no weights"]
    session = FakeSession(lambda name, company, fresh: "die" if fresh and company else kinds[NAMES[name]])
    results = loaded(session, TASKS[:2], Repeats({}))
    assert [(one.verdict, one.repeated) for one in results] == [(Verdict.FAIL, Verdict.FAIL)] * 2
    assert [size for size, fresh in sizes(session) if fresh] == [2, 1, 1]


def test_a_crash_is_repeated_at_once_until_one_of_its_kind_is_confirmed() -> None:
    """The second of a kind is believed once a fresh process has given the same."""
    session = FakeSession(says("die", "die"))
    results = loaded(session, TASKS[:3], Repeats({}))
    assert verdicts(results) == [Verdict.CRASH] * 3
    assert [one.repeated for one in results] == [Verdict.CRASH, None, None]
    assert sizes(session) == [(3, False), (1, False), (1, True), (1, False), (1, False)]


def test_a_crash_that_no_fresh_process_confirms_is_repeated_each_time() -> None:
    """The fork's own doing never counts, however often it comes."""
    session = FakeSession(says("die", "die", fresh="pass"))
    results = loaded(session, TASKS[:3], Repeats({}))
    assert [(one.verdict, one.repeated) for one in results] == [(Verdict.PASS, Verdict.CRASH)] * 3


def test_a_changed_verdict_is_repeated_at_once_alone() -> None:
    """It does not wait for others of its batch."""
    known = loaded(FakeSession(says("drift", "drift")), TASKS[:1])[0]
    session = FakeSession(says("pass", "pass"))
    results = loaded(session, TASKS[:1], Repeats({known.key: known}))
    assert [(one.verdict, one.repeated) for one in results] == [(Verdict.PASS, Verdict.PASS)]
    assert sizes(session) == [(1, False), (1, True)]


@pytest.mark.parametrize("after", range(1, 6))
def test_a_stop_yields_nothing_more(after: int) -> None:
    """What was settled before the stop is found; what the stop cut off is not, whatever it looked like."""
    session = FakeSession(lambda *_: "pass" if len(session.jobs) <= after else "die")
    tasks = [replace(one, request=replace(one.request, model=str(place))) for place, one in enumerate(TASKS[:5])]
    results = loaded(session, tasks, Repeats({}), stopped=lambda: len(session.jobs) > after)
    assert verdicts(results) == [Verdict.PASS] * min(after, 5)


def test_a_stop_during_a_repeat_yields_no_second_opinion() -> None:
    """A crash whose repeat the stop took down was not seen twice: it is measured by the next run."""
    repeats = Repeats({})
    session = FakeSession(says("die", "die"))
    assert loaded(session, TASKS[:1], repeats, stopped=lambda: len(session.jobs) > 1) == []
    crashed = loaded(FakeSession(says("die", "die")), TASKS[:1])[0]
    assert repeats.at_once(TASKS[1].request, crashed)


def test_a_stop_before_waiting_repeats_leaves_them_out() -> None:
    """A failure that was to be repeated before it counts has not been: it is not found."""
    session = FakeSession(says("no layer", "no layer"))
    assert loaded(session, TASKS[:1], Repeats({}), stopped=lambda: len(session.jobs) > 1) == []
    assert sizes(session) == [(1, False), (1, True)]


def test_many_kinds_are_repeated_as_they_come() -> None:
    """A batch of many odd cells does not wait for its end: some two dozen at a time share a fresh process."""
    session = FakeSession(lambda name, _, __: f"no layer {'x' * (1 + NAMES[name])}")
    assert len(loaded(session, TASKS[: 2 * COMPANY + 2], Repeats({}))) == 2 * COMPANY + 2
    assert [size for size, fresh in sizes(session) if fresh] == [COMPANY, COMPANY, 2]


def test_time_is_told_apart_by_what_it_was_spent_on() -> None:
    """Together, alone, repeated."""
    fake: Any = FakeSession(says("no layer", "no layer"))
    spent: defaultdict[str, float] = defaultdict(float)
    loads = Loads(fake, fake, outputs=lambda _: OUTPUTS, repeats=Repeats({}), stopped=lambda: False, spent=spent)
    assert len(list(loads.run(TASKS[:3]))) == 3
    assert set(spent) == {"together", "alone", "repeated"}
