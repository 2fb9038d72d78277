"""Determinism, measured: which cells are drawn, and when one is not stable."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from matrix.model import CellKey, CellRequest, Environment, Format, Method, Verdict
from matrix.plan import LoadTask, Plan, Selection
from matrix.results import CellResult
from matrix.stability import Sample, Seen, compare, draw, goes, seen
from service.stability import _batches
from tests.store_samples import artifact, cell, environment, failed_cell

PASS = Seen(verdict=Verdict.PASS, fingerprint=None)


def task(number: int, loader: str = "tf2.9", model: str = "dense") -> LoadTask:
    """A cell of an artifact of its own."""
    made = artifact(number)
    request = CellRequest(saver="tf2.4", model=model, format=Format.H5, loader=loader, method=Method.DEFAULT)
    key = CellKey(artifact=made.sha256, loader=environment(loader).recipe_digest, method=Method.DEFAULT)
    return LoadTask(key=key, request=request, artifact=made)


TASKS = [task(number) for number in range(60)]
ONE = Sample(tasks=(TASKS[0],), timeouts_left_out=0)


def drawn(tasks: Sequence[LoadTask], verdict: Verdict = Verdict.PASS, *, cells: int = 20, seed: int = 1) -> Sample:
    """A sample of cells that all came to one verdict."""
    return draw(tasks, {one.key: verdict for one in tasks}, cells=cells, seed=seed)


def came_to(result: CellResult) -> CellResult:
    """A result of the first cell."""
    return replace(result, key=TASKS[0].key)


def test_a_sample_is_of_the_seed_and_not_of_the_order() -> None:
    """Shuffled rows give the same cells, another seed gives others."""
    shuffled = random.Random(7).sample(TASKS, len(TASKS))  # noqa: S311
    first = {one.key for one in drawn(TASKS).tasks}
    assert len(first) == 20
    assert first == {one.key for one in drawn(shuffled).tasks}
    assert first != {one.key for one in drawn(TASKS, seed=2).tasks}


def test_a_sample_is_no_larger_than_what_is_known() -> None:
    """Cells of which nothing is known are never drawn, nor is one twice."""
    sample = draw([*TASKS, *TASKS], {one.key: Verdict.FAIL for one in TASKS[:5]}, cells=20, seed=1)
    assert sample.tasks == tuple(TASKS[:5])


def test_one_timeout_is_enough_and_the_others_are_counted() -> None:
    """And what our harness broke is not a verdict to be repeated."""
    assert drawn(TASKS, Verdict.TIMEOUT) == replace(drawn(TASKS, Verdict.TIMEOUT), timeouts_left_out=59)
    assert len(drawn(TASKS, Verdict.TIMEOUT).tasks) == 1
    assert drawn(TASKS, Verdict.HARNESS_BROKEN).tasks == ()


def test_the_same_each_time_and_as_known_is_stable() -> None:
    """Then nothing is listed and the rate is zero."""
    company = replace(cell(), key=TASKS[1].key)
    found = compare(ONE, {TASKS[0].key: PASS}, [company, *[came_to(cell())] * 3], times=3)
    assert (found.cells, found.results, found.unstable, found.incomplete, found.rate) == (1, 3, (), (), 0.0)


@pytest.mark.parametrize(
    ("results", "by_verdict"),
    [
        ([cell(), cell(), failed_cell()], True),
        ([failed_cell(), failed_cell(), failed_cell()], True),
    ],
)
def test_another_verdict_is_unstable(results: list[CellResult], by_verdict: bool) -> None:  # noqa: FBT001
    """Whether among the times, or of all of them against what is known."""
    found = compare(ONE, {TASKS[0].key: PASS}, map(came_to, results), times=3)
    assert [one.by_verdict for one in found.unstable] == [by_verdict]
    assert found.rate == 1.0


def test_another_failure_is_told_apart_from_another_verdict() -> None:
    """It is listed, and not in the rate."""
    known = {TASKS[0].key: seen(failed_cell("a"))}
    found = compare(ONE, known, map(came_to, [failed_cell("a"), failed_cell("b")]), times=2)
    assert [(one.by_verdict, one.fingerprints, dict(one.verdicts)) for one in found.unstable] == [
        (False, 2, {Verdict.FAIL: 2})
    ]
    assert found.rate == 0.0


def test_what_could_not_run_is_incomplete_and_not_unstable() -> None:
    """An interruption, a missing image or a broken harness says nothing of a cell."""
    broken = came_to(cell(verdict=Verdict.HARNESS_BROKEN))
    found = compare(ONE, {TASKS[0].key: PASS}, [came_to(cell()), broken], times=2)
    assert (found.cells, found.results, found.unstable) == (1, 1, ())
    assert found.incomplete == (TASKS[0].request,)


def test_a_batch_has_each_cell_once_and_comes_as_often_as_wanted() -> None:
    """So no copies share a process; every second time a cell follows others of its kind, as in a run."""
    loaders: tuple[Environment, ...] = (environment("tf2.9"), environment("tf2.12"))
    tasks = [
        task(1, "tf2.9", "conv"),
        task(2, "tf2.12"),
        task(3, "tf2.9"),
        *(task(n, "tf2.9", "conv") for n in range(4, 9)),
    ]
    sample = drawn(tasks, cells=2, seed=3)
    selection = Selection(environments=loaders, models=(), formats=(), methods=())
    batches = _batches(Plan(selection=selection, saves=(), requests=()), sample, 4, 1000)
    wanted = {one.key for one in sample.tasks}
    assert all(len({one.key for one in batch.tasks}) == len(batch.tasks) for batch in batches)
    assert Counter(one.key for batch in batches for one in batch.tasks if one.key in wanted) == dict.fromkeys(wanted, 4)


def test_company_is_of_the_same_kind_and_comes_first() -> None:
    """At most three others, none that ended abnormally, none for a cell with marks."""
    sample = drawn(TASKS, cells=1)
    assert len(sample.company) == 3
    alone, together = goes(sample, 2)
    assert alone == list(sample.tasks)
    assert together == [*sample.company, *sample.tasks]
    assert drawn([replace(one, marks=True) for one in TASKS], cells=1).company == ()
    assert drawn(TASKS, Verdict.CRASH, cells=1).company == ()
