"""Which findings are looked at again, when, and which of two counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from matrix.model import CellRequest, Format, Method, Verdict
from matrix.repeat import NEVER, SAMPLE, Repeats, settle
from matrix.results import CellResult
from tests.store_samples import artifact, cell, failed_cell

REQUEST = CellRequest(saver="tf2.4", model="dense", format=Format.H5, loader="tf2.9", method=Method.DEFAULT)
ABNORMAL = [Verdict.CRASH, Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY]


def numbered(number: int, **changes: Any) -> CellResult:
    """A cell that passed; the number decides its artifact."""
    return cell(of=artifact(number), **changes)


def unsampled() -> CellResult:
    """A cell that the sample does not call for."""
    return next(one for one in map(numbered, range(1000)) if not Repeats({}).later(one))


@pytest.mark.parametrize("verdict", ABNORMAL)
def test_abnormal_ends_are_repeated_at_once_until_one_is_confirmed(verdict: Verdict) -> None:
    """However often they come, while no fresh process has given the same; then no more."""
    repeats = Repeats({})
    many = [numbered(number, verdict=verdict) for number in range(20)]
    assert [repeats.at_once(REQUEST, one) for one in many] == [True] * 20
    repeats.confirm(REQUEST, many[0])
    assert [repeats.at_once(REQUEST, one) for one in many] == [False] * 20


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, loader="tf2.15"),
        replace(REQUEST, model="conv"),
        replace(REQUEST, format=Format.KERAS),
        replace(REQUEST, method=Method.WEIGHTS),
    ],
    ids=["loader", "model", "format", "method"],
)
def test_a_confirmed_kind_is_of_one_loader_model_format_and_method(other: CellRequest) -> None:
    """What another loader, model, format or method does is still repeated; another saver's file is of the same kind."""
    repeats, crash = Repeats({}), numbered(0, verdict=Verdict.CRASH)
    repeats.confirm(REQUEST, crash)
    assert repeats.at_once(other, crash)
    assert not repeats.at_once(replace(REQUEST, saver="tf2.15"), crash)


def test_a_confirmed_timeout_is_no_confirmed_crash() -> None:
    """Each abnormal end is a kind of its own."""
    repeats = Repeats({})
    repeats.confirm(REQUEST, numbered(0, verdict=Verdict.TIMEOUT))
    assert not repeats.at_once(REQUEST, numbered(0, verdict=Verdict.TIMEOUT))
    assert repeats.at_once(REQUEST, numbered(0, verdict=Verdict.CRASH))
    assert repeats.at_once(REQUEST, numbered(0, verdict=Verdict.OUT_OF_MEMORY))


def test_a_changed_verdict_is_repeated_at_once_and_the_same_is_not() -> None:
    """What differs from what is known must be seen twice, be its kind confirmed or not."""
    one = unsampled()
    assert Repeats({one.key: cell(key=one.key, verdict=Verdict.FAIL)}).at_once(REQUEST, one)
    same = Repeats({one.key: one})
    assert not same.at_once(REQUEST, one)
    assert not same.later(one)
    crash = cell(key=one.key, verdict=Verdict.CRASH)
    changed = Repeats({one.key: one})
    changed.confirm(REQUEST, crash)
    assert changed.at_once(REQUEST, crash)


def test_ordinary_findings_are_never_repeated_at_once() -> None:
    """A pass, a failure and a drift can wait for others of their batch."""
    for one in (cell(), failed_cell(), cell(verdict=Verdict.DRIFT)):
        assert not Repeats({}).at_once(REQUEST, one)


def test_one_failure_of_each_kind_is_repeated() -> None:
    """One for each loader and fingerprint; another loader's is another kind."""
    repeats = Repeats({})
    key = unsampled().key
    first = failed_cell("unknown layer", key=key)
    assert repeats.later(first)
    assert not repeats.later(first)
    assert repeats.later(failed_cell("bad marshal data", key=key))
    assert not repeats.later(failed_cell("bad marshal data", key=key))
    assert repeats.later(failed_cell("unknown layer", key=replace(key, loader="f" * 64)))


def test_one_drift_of_each_loader_is_repeated() -> None:
    """Drift has no error to tell kinds apart by."""
    repeats, key = Repeats({}), unsampled().key
    drift = cell(key=key, verdict=Verdict.DRIFT)
    assert [repeats.later(drift), repeats.later(drift)] == [True, False]


def test_what_accuses_us_is_not_repeated() -> None:
    """A broken harness is broken twice; the next run measures it again anyway."""
    broken = [numbered(number, verdict=Verdict.HARNESS_BROKEN) for number in range(1000)]
    assert not any(Repeats({}).later(one) or Repeats({}).at_once(REQUEST, one) for one in broken)


def test_the_sample_is_about_one_in_a_hundred_and_always_the_same() -> None:
    """The same cells whenever they are run, so that a night can be compared with another."""
    cells = [numbered(number) for number in range(5000)]
    chosen = [Repeats({}).later(one) for one in cells]
    assert chosen == [Repeats({}).later(one) for one in cells]
    assert 0.5 < sum(chosen) * SAMPLE / len(cells) < 1.5


def test_measurements_of_speed_repeat_nothing() -> None:
    """Not even a crash."""
    crash = cell(verdict=Verdict.CRASH)
    NEVER.confirm(REQUEST, crash)
    assert not NEVER.at_once(REQUEST, crash)
    assert not NEVER.later(crash)


def test_two_equal_goes_keep_the_first() -> None:
    """The first stands, and says that it was seen again."""
    first, second = cell(), cell(warnings=("second",))
    settled = settle(first, second)
    assert (settled.warnings, settled.repeated) == (first.warnings, Verdict.PASS)


def test_two_different_goes_keep_the_fresh_process() -> None:
    """The second counts, and what the first was is not forgotten."""
    settled = settle(failed_cell(), cell())
    assert (settled.verdict, settled.repeated, settled.failure) == (Verdict.PASS, Verdict.FAIL, None)
