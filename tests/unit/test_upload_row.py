"""A row while it fills: cells merely load until the reference stands, and then agree with it or drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from matrix import catalog
from matrix.messages import Arrays
from matrix.model import CellKey, Environment, Format, Method, Rung, Verdict
from matrix.results import CellResult, Effort, Failure
from matrix.uploads.agreement import is_steady
from matrix.uploads.model import ITSELF, UploadCell
from matrix.uploads.order import Origin
from matrix.uploads.row import Row

BASES = tuple(one for one in catalog.load_environments() if one.base is None)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def answer(value: float | str) -> Arrays:
    """One output, which also names it: a digest to whoever does not look into it."""
    return (("output", np.full((2, 3), float(value), "float32")),)


def a_row(origin: Origin, environments: Sequence[Environment] = BASES, *, comparable: bool = True) -> Row:
    """A row that reads answers as ``answer`` makes them."""
    return Row(origin, environments, answer=answer, comparable=comparable)


def cell(
    verdict: Verdict = Verdict.LOADS,
    method: Method = Method.DEFAULT,
    kind: str = "f",
    value: float | None = None,
) -> UploadCell:
    """What one way came to; the value is what it answered."""
    outputs = None if value is None else str(value)
    failure = Failure(exception="ValueError", message="no", traceback="", frames=(), fingerprint=kind)
    result = CellResult(
        key=CellKey(artifact="a" * 64, loader="b" * 64, method=method),
        verdict=verdict,
        rung=Rung.CALLED if verdict is Verdict.LOADS else Rung.OPENED,
        signature_equal=None,
        signal=None,
        failure=None if verdict is Verdict.LOADS else failure,
        differences=(),
        warnings=(),
        effort=Effort(steps={}, wall_seconds=0.1, peak_memory=1),
    )
    return UploadCell(saver=ITSELF, format=Format.H5, result=result, outputs=outputs, group=None, measured_at=NOW)


def loaded(row: Row, place: int, value: float) -> UploadCell:
    """An environment loads it and answers; the cell as it is judged then."""
    if place not in row.places:
        row.take(place)
    return row.add(place, cell(value=value))


def test_the_saver_is_the_reference_and_others_are_held_to_it() -> None:
    """The first that answers merely loads; once its environment is done, it passes, and so does whoever answers the same."""
    row = a_row(Origin(tensorflow="2.9.0"), BASES)
    assert loaded(row, row.home, 1.0).result.verdict is Verdict.LOADS
    assert row.reference is None
    (judged,) = row.end(row.home)
    assert (judged.result.verdict, judged.result.rung, judged.group) == (Verdict.PASS, Rung.OUTPUTS_EQUAL, 0)
    assert row.reference is not None
    assert row.reference.id == "tf2.9"
    same, other, third = loaded(row, 0, 1.0), loaded(row, 1, 2.0), loaded(row, 2, 2.0)
    assert (same.result.verdict, same.group) == (Verdict.PASS, 0)
    assert (other.result.verdict, other.group, third.group) == (Verdict.DRIFT, 1, 1)
    assert other.result.differences[0].max_absolute == 1.0
    assert loaded(row, 3, 3.0).group == 2


def test_another_is_the_reference_once_all_nearer_ones_failed() -> None:
    """What was measured before is judged then."""
    row = a_row(Origin(tensorflow="2.9.0"), BASES)
    loaded(row, row.home + 1, 1.0)
    row.end(row.home + 1)
    assert row.reference is None
    row.take(row.home)
    row.add(row.home, cell(Verdict.FAIL))
    changed = row.end(row.home)
    assert [one.result.verdict for one in changed] == [Verdict.PASS]
    assert row.reference is BASES[row.home + 1]


@pytest.mark.parametrize("origin", [Origin(tensorflow="2.18.1"), Origin(tensorflow="2.13.1")])
@pytest.mark.parametrize("loading", [{"tf2.11", "tf2.15"}, {"tf2.9", "tf2.17"}, {"tf2.15", "tf2.21"}])
def test_the_reference_is_the_same_with_overlays_and_without(origin: Origin, loading: set[str]) -> None:
    """Overlays that stand in the line move no environment further from what saved the file."""
    found = []
    for environments in (BASES, catalog.load_environments()):
        row = a_row(origin, environments)
        while (place := row.claim()) is not None:
            one = row.line[place]
            if one.base is not None or one.id in loading:
                loaded(row, place, 1.0)
            else:
                row.add(place, cell(Verdict.FAIL))
            row.end(place)
        found.append(row.reference.id if row.reference else None)
    assert found[0] == found[1]
    assert found[0] in loading


def asked_twice(found: UploadCell, second: Verdict) -> UploadCell:
    """A cell that was asked again, and answered the same (``loads``) or otherwise (``drift``)."""
    return replace(found, result=replace(found.result, repeated=second))


def test_whoever_answers_at_random_is_no_reference() -> None:
    """Nothing is held against anything from then on."""
    row = a_row(Origin(tensorflow="2.9.0"), BASES)
    row.take(row.home)
    row.add(row.home, asked_twice(cell(value=1.0), Verdict.DRIFT))
    assert row.end(row.home) == ()
    assert row.is_unsteady
    assert loaded(row, 0, 5.0).result.verdict is Verdict.LOADS
    assert row.end(0) == ()
    assert row.reference is None
    assert is_steady([answer(1.0), answer(1.0)])
    assert not is_steady([answer(1.0), answer(2.0)])


def test_another_version_that_answers_at_random_drifts() -> None:
    """Such as one that loads the file without its weights: that is what the comparison is for."""
    row = a_row(Origin(tensorflow="2.9.0"), BASES)
    row.take(len(BASES) - 1)
    row.add(len(BASES) - 1, asked_twice(cell(value=7.0), Verdict.DRIFT))
    row.end(len(BASES) - 1)
    row.take(row.home)
    row.add(row.home, asked_twice(cell(value=1.0), Verdict.LOADS))
    assert {one.result.verdict for one in row.end(row.home)} == {Verdict.PASS, Verdict.DRIFT}
    assert not row.is_unsteady


def test_numbers_of_groups_mean_the_same_to_whoever_comes_later() -> None:
    """In whichever order it is filled then, and whichever versions are asked for."""
    first = a_row(Origin(tensorflow="2.9.0"), BASES)
    loaded(first, first.home, 1.0)
    first.end(first.home)
    known = [loaded(first, 17, 2.0), loaded(first, 0, 3.0)]
    assert [one.group for one in known] == [1, 2]
    second = a_row(Origin(tensorflow="2.9.0"), BASES)
    second.remember([*known, *first.places[first.home].cells])
    loaded(second, second.home, 1.0)
    second.end(second.home)
    assert [loaded(second, place, value).group for place, value in ((0, 3.0), (17, 2.0), (5, 4.0))] == [2, 1, 3]


def test_what_is_built_anew_is_compared_with_nothing() -> None:
    """Weights are drawn anew in each version."""
    row = a_row(Origin(), BASES, comparable=False)
    loaded(row, row.home, 1.0)
    assert row.end(row.home) == ()
    assert loaded(row, 0, 2.0).result.verdict is Verdict.LOADS


def test_a_further_way_that_answers_is_judged_and_the_failure_stays() -> None:
    """Only the way that answered has numbers."""
    row = a_row(Origin(tensorflow="2.9.0"), BASES)
    loaded(row, row.home, 1.0)
    row.end(row.home)
    row.take(0)
    failed = row.add(0, cell(Verdict.FAIL))
    other = row.add(0, cell(method=Method.COMPILE_FALSE, value=1.0))
    assert (failed.result.verdict, other.result.verdict) == (Verdict.FAIL, Verdict.PASS)


def test_a_row_is_complete_when_every_place_is_done() -> None:
    """Each place is handed out once; one that was let go is handed out again."""
    row = a_row(Origin(tensorflow="2.4.0"), BASES)
    while (place := row.claim()) is not None:
        row.add(place, cell(Verdict.FAIL, kind=str(place % 2)))
        row.end(place)
    assert row.is_complete
    assert row.answering() == ()
    row.release(3)
    assert not row.is_complete
    assert row.claim() == 3


def test_overlays_come_after_environments_of_their_own() -> None:
    """But for the one that is nearest to what saved the file."""
    everything = catalog.load_environments()
    row = a_row(Origin(keras="3.5.0"), everything)
    order = []
    while (place := row.claim()) is not None:
        row.add(place, cell(value=1.0))
        row.end(place)
        order.append(row.line[place])
    assert order[0].keras_version == (3, 5)
    assert all(one.base is None for one in order[1 : 1 + len(BASES) - (order[0].base is None)])
    assert len(order) == len(everything)


def test_a_model_that_loads_and_cannot_be_called_is_not_compared() -> None:
    """Nobody knows what to call it with: it loads, as far as that was tried."""
    row = a_row(Origin(tensorflow="2.4.0"), BASES)
    row.take(0)
    uncalled = cell()
    uncalled = replace(uncalled, result=replace(uncalled.result, rung=Rung.DESERIALIZED))
    assert row.add(0, uncalled).result.verdict is Verdict.LOADS
    assert row.end(0) == ()
