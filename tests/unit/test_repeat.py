"""Which findings are looked at again, and which of two counts."""

from __future__ import annotations

from typing import Any

import pytest

from matrix.model import CellResult, Verdict
from matrix.repeat import NEVER, SAMPLE, Repeats, settle
from tests.store_samples import artifact, cell, failed_cell


def numbered(number: int, **changes: Any) -> CellResult:
    """A cell that passed; the number decides its artifact."""
    return cell(of=artifact(number), **changes)


def unsampled() -> CellResult:
    """A cell that the sample does not call for."""
    return next(one for one in map(numbered, range(1000)) if not Repeats({}).wanted(one))


@pytest.mark.parametrize("verdict", [Verdict.CRASH, Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY])
def test_abnormal_ends_are_always_repeated(verdict: Verdict) -> None:
    """However often they come."""
    repeats = Repeats({})
    assert [repeats.wanted(numbered(number, verdict=verdict)) for number in range(20)] == [True] * 20


def test_a_changed_verdict_is_repeated_and_the_same_is_not() -> None:
    """What differs from what is known must be seen twice."""
    one = unsampled()
    other = cell(key=one.key, verdict=Verdict.FAIL)
    assert Repeats({one.key: other}).wanted(one)
    assert not Repeats({one.key: one}).wanted(one)


def test_one_failure_of_each_kind_is_repeated() -> None:
    """One for each loader and fingerprint; another loader's is another kind."""
    repeats = Repeats({})
    key = unsampled().key
    first = failed_cell("unknown layer", key=key)
    assert repeats.wanted(first)
    assert not repeats.wanted(first)
    assert repeats.wanted(failed_cell("bad marshal data", key=key))
    assert not repeats.wanted(failed_cell("bad marshal data", key=key))


def test_the_sample_is_about_one_in_a_hundred_and_always_the_same() -> None:
    """The same cells whenever they are run, so that a night can be compared with another."""
    cells = [numbered(number) for number in range(5000)]
    chosen = [Repeats({}).wanted(one) for one in cells]
    assert chosen == [Repeats({}).wanted(one) for one in cells]
    assert 0.5 < sum(chosen) * SAMPLE / len(cells) < 1.5


def test_measurements_of_speed_repeat_nothing() -> None:
    """Not even a crash."""
    assert not NEVER.wanted(cell(verdict=Verdict.CRASH))


def test_two_equal_goes_keep_the_first() -> None:
    """The first stands, and says that it was seen again."""
    first, second = cell(), cell(warnings=("second",))
    settled = settle(first, second)
    assert (settled.warnings, settled.repeated) == (first.warnings, Verdict.PASS)


def test_two_different_goes_keep_the_fresh_process() -> None:
    """The second counts, and what the first was is not forgotten."""
    settled = settle(failed_cell(), cell())
    assert (settled.verdict, settled.repeated, settled.failure) == (Verdict.PASS, Verdict.FAIL, None)
