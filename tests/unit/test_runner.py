"""A run in rounds: saves, the first methods, then other ways where these do not pass, until nothing more helps."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix.config import Settings
from matrix.methods import PROBED
from matrix.model import Format, Method, Model, RunStatus, Verdict
from matrix.plan import Plan, Selection, make_plan
from matrix.store import Store, open_store
from tests.fake_runs import FakeEngine, FakeLanes
from tests.store_samples import environment

NAMES = ("tf2.4", "tf2.5", "tf2.6", "tf2.9")
MODEL = Model(id="dense", title="", shows="")


class Watcher:
    """Remembers the run's number and the phases."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.phases: list[tuple[str, int, int]] = []

    def begun(self, run_id: int) -> None:
        self.runs.append(run_id)

    def phase(self, name: str, total: int, known: int) -> None:
        self.phases.append((name, total, known))

    def found(self, _finding: object) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    with open_store(tmp_path / "matrix.db") as opened:
        yield opened


@pytest.fixture
def watcher() -> Watcher:
    """Somebody who is told."""
    return Watcher()


@pytest.fixture
def runner(tmp_path: Path, store: Store, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> FakeLanes:
    """A runner in a folder of its own, on a machine that is not asked for its name."""
    monkeypatch.setattr(platform, "platform", lambda: "machine")
    engine: Any = FakeEngine()
    made = FakeLanes(Settings(home=tmp_path), engine, store, watcher)
    made.measured = []
    return made


def plan(methods: tuple[Method, ...] = tuple(Method)) -> Plan:
    """Four environments, one model, one format."""
    environments = tuple(environment(name) for name in NAMES)
    return make_plan(Selection(environments=environments, models=(MODEL,), formats=(Format.H5,), methods=methods))


EXPECTED = Counter({Method.DEFAULT: 16, Method.COMPILE_FALSE: PROBED, Method.WEIGHTS: 3})
"""Sixteen first; of three that fail alike two by each other way; the third by the one that helped."""


def test_other_ways_are_run_in_rounds_until_nothing_more_helps(runner: FakeLanes, watcher: Watcher) -> None:
    """Probes first, then the rest by what helped; each cell once; the summary counts them all."""
    summary = runner.run(plan())
    assert Counter(key.method for key in runner.measured) == EXPECTED
    assert len(runner.measured) == len(set(runner.measured)) == summary.cells_run == 21
    assert watcher.phases == [("save", 4, 0), ("load", 16, 0), ("other ways", 4, 0), ("other ways", 1, 0)]
    assert (summary.status, summary.verdicts) == (RunStatus.FINISHED, {Verdict.PASS: 16, Verdict.FAIL: 5})


def test_what_is_known_is_not_run_again(runner: FakeLanes) -> None:
    """Neither the first methods nor other ways."""
    runner.run(plan())
    runner.measured = []
    summary = runner.run(plan())
    assert (runner.measured, summary.cells_run, summary.cells_known) == ([], 0, 16)


def test_again_measures_other_ways_again_too(runner: FakeLanes) -> None:
    """What they are for may have changed with the rest: every cell of the first run, each once."""
    runner.run(plan())
    first, runner.measured = runner.measured, []
    assert runner.run(plan(), again=True).cells_run == 21
    assert sorted(runner.measured, key=repr) == sorted(first, key=repr)


def test_a_way_that_was_not_selected_is_not_tried(runner: FakeLanes) -> None:
    """A run of ``default`` alone stays that."""
    runner.run(plan(methods=(Method.DEFAULT, Method.COMPILE_FALSE)))
    assert Counter(key.method for key in runner.measured) == Counter({Method.DEFAULT: 16, Method.COMPILE_FALSE: PROBED})


def test_what_a_run_cost_is_kept_with_it(runner: FakeLanes, store: Store, watcher: Watcher) -> None:
    """Seconds of all lanes together by what they were spent on, and how much was measured for them.

    Whoever watches knows the run by its number.
    """
    summary = runner.run(plan())
    assert watcher.runs == [summary.run_id]
    cost = store.read.run(summary.run_id).cost
    assert cost is not None
    assert (cost["saves"], cost["cells"]) == (4, 21)
    assert cost["lane_seconds"] == summary.spent
    assert summary.spent["alone"] > 0
