"""Lanes side by side: every finding comes out once, errors and early leaving stop the work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

import pytest

from matrix.executors.local import LocalExecutor

Emit = Callable[[int], None]
WAIT = 10
"""Seconds after which a test that should not block has failed."""


def nothing() -> None:
    """There is nothing to stop."""


def executor(
    work: Callable[[int, int, Emit], None], lanes: int = 2, stop: Callable[[], None] = nothing
) -> LocalExecutor[int, int]:
    """An executor of numbers."""
    return LocalExecutor(work, lanes, stop)


def test_every_finding_of_every_batch_comes_out_once() -> None:
    """Whatever lane it was found on."""

    def work(batch: int, _lane: int, emit: Emit) -> None:
        emit(batch)
        emit(batch + 100)

    found = sorted(executor(work, 3).run(range(20)))
    assert found == sorted([*range(20), *range(100, 120)])


def test_no_batches_end_at_once() -> None:
    """An empty plan is done."""
    assert list(executor(lambda *_: pytest.fail("there was no batch")).run([])) == []


def test_lanes_really_run_side_by_side() -> None:
    """Two batches that wait for each other both end, each on a lane of its own."""
    both = threading.Barrier(2, timeout=WAIT)

    def work(_batch: int, lane: int, emit: Emit) -> None:
        both.wait()
        emit(lane)

    assert sorted(executor(work, 2).run([1, 2])) == [0, 1]


def test_what_a_lane_raises_is_raised_where_findings_are_taken() -> None:
    """The error itself, and the other lanes are stopped."""
    stopped = threading.Event()

    def work(batch: int, _lane: int, _emit: Emit) -> None:
        if batch == 0:
            raise RuntimeError("the engine died")
        stopped.wait(WAIT)

    with pytest.raises(RuntimeError, match="the engine died"):
        list(executor(work, 2, stopped.set).run([0, 1]))
    assert stopped.is_set()


def test_leaving_early_stops_the_lanes_and_loses_nothing() -> None:
    """As at Ctrl-C: work is stopped, no further batch begins, and what was measured meanwhile is left to take."""
    stopped = threading.Event()
    begun: list[int] = []

    def work(batch: int, _lane: int, emit: Emit) -> None:
        begun.append(batch)
        emit(batch)
        stopped.wait(WAIT)
        emit(batch + 100)

    one = executor(work, 1, stopped.set)
    findings = one.run(range(5))
    assert isinstance(findings, Generator)
    assert next(findings) == 0
    findings.close()
    assert stopped.is_set()
    assert list(one.leftovers()) == [100]
    assert begun == [0]
