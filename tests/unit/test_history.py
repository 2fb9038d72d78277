"""What was known as of a run, and what is different between two, is what the states say one by one."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any, Final

import numpy as np
import pytest

from reports.cube import OUTCOMES
from reports.grid import Outcome
from reports.history import NO_HISTORY, NONE, Track

PASS, FAIL, BROKEN = (OUTCOMES.index(one) for one in (Outcome.PASS, Outcome.FAIL, Outcome.HARNESS_BROKEN))
RUNS: Final = 12
FINDING: Final = ("outcome", "rung", "error")

State = dict[str, int]


def track(states: list[State]) -> Track:
    """Their track."""
    kind = [(name, "i4") for name in ("id", "key", "outcome", "rung", "error", "first_run")]
    rows = np.array([tuple(one[name] for name, _ in kind) for one in states], dtype=kind)
    return Track(rows, rows["key"], FINDING)


def state(number: int, run: int, outcome: int = PASS, *, key: int = 0, error: int = NONE) -> State:
    """One state."""
    return {"id": number, "key": key, "outcome": outcome, "rung": 5, "error": error, "first_run": run}


def made_up(seed: int) -> list[State]:
    """Some history of some keys, with runs in which our harness broke."""
    dice = random.Random(seed)  # noqa: S311  (a fixture, not a secret)
    found = [
        state(0, run, dice.choice((PASS, PASS, FAIL, FAIL, BROKEN)), key=key, error=dice.randrange(2))
        for key in range(40)
        for run in sorted(dice.sample(range(1, RUNS + 1), dice.randrange(1, 5)))
    ]
    found.sort(key=lambda one: one["first_run"])
    return [{**one, "id": place} for place, one in enumerate(found)]


def known(states: list[State], run: int) -> dict[int, tuple[int, ...]]:
    """What was known of each key, the slow way: the last that says something about TensorFlow, or else the last."""
    by_key: dict[int, list[State]] = defaultdict(list)
    for one in states:
        if one["first_run"] <= run:
            by_key[one["key"]].append(one)
    found = {key: [one for one in its if one["outcome"] != BROKEN] or its for key, its in by_key.items()}
    return {key: tuple(its[-1][name] for name in FINDING) for key, its in found.items()}


def said(one: Track, place: int) -> tuple[int, ...] | None:
    """The finding at a place."""
    return None if place == NONE else tuple(int(one.states[name][place]) for name in FINDING)


@pytest.mark.parametrize("seed", range(5))
def test_differences_are_those_of_the_states_one_by_one(seed: int) -> None:
    """For every pair of runs, with what each key was and is."""
    states = made_up(seed)
    one = track(states)
    for before in range(RUNS + 1):
        for after in range(before, RUNS + 1):
            was, now = known(states, before), known(states, after)
            wanted = {key: (was.get(key), finding) for key, finding in now.items() if was.get(key) != finding}
            found = one.between(before, after)
            pairs = zip(found.was.tolist(), found.now.tolist(), strict=True)
            assert {int(one.key[new]): (said(one, old), said(one, new)) for old, new in pairs} == wanted


def test_what_changed_back_is_not_different() -> None:
    """Between the ends nothing differs, though two states began."""
    one = track([state(1, 1), state(2, 2, FAIL), state(3, 3)])
    assert len(one.between(1, 3).now) == 0
    assert len(one.between(1, 2).now) == 1
    assert one.changed.tolist() == [0, 0, 1, 1]


def test_where_our_harness_broke_nothing_changes() -> None:
    """Neither when it breaks nor afterwards; where nothing else is known it is all there is."""
    one = track([state(1, 1), state(2, 2, BROKEN), state(3, 2, BROKEN, key=7)])
    found = one.between(1, 2)
    assert (one.key[found.now].tolist(), found.is_new.tolist()) == ([7], [True])
    assert one.changed.tolist() == [0, 0, 0]


def test_without_history_nothing_differs() -> None:
    """A matrix made from rows has none."""
    found: Any = NO_HISTORY.of_cells.between(1, 365)
    assert len(found.now) == 0
    assert len(NO_HISTORY.of_saves.between(1, 2).now) == 0
