"""What is counted, what is never counted as failing, and what is said about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.model import Format, Method, SaveOutcome, Verdict
from matrix.results import MatrixRow
from reports.cube import cube_of
from reports.findings import upgrades
from reports.grid import (
    Look,
    Outcome,
    Results,
    Selection,
    Tally,
    outcome_of,
    pair,
    percentage,
    tally,
    tally_by,
)
from reports.ranges import spans
from tests import fake_matrix
from tests.fake_matrix import find_in

FAKE = fake_matrix.results()
ROW = next(row for row in FAKE.rows if row.primary and row.verdict is Verdict.PASS)


def _with(*rows: MatrixRow) -> Results:
    return replace(FAKE, rows=rows)


def _row(verdict: Verdict | None, save: SaveOutcome = SaveOutcome.SAVED, **changes: object) -> MatrixRow:
    return replace(ROW, verdict=verdict, save_outcome=save, **changes)  # type: ignore[arg-type]


def test_share_is_of_loads_that_happened() -> None:
    """Saves that gave nothing, and what our harness broke, are neither passed nor failed."""
    rows = [
        _row(Verdict.PASS),
        _row(Verdict.FAIL),
        _row(Verdict.DRIFT),
        _row(Verdict.TIMEOUT),
        _row(Verdict.HARNESS_BROKEN),
        _row(None),
        _row(None, SaveOutcome.UNSUPPORTED),
        _row(None, SaveOutcome.NOT_APPLICABLE),
        _row(None, SaveOutcome.FAILED),
    ]
    counted = tally(rows)
    assert (counted.passed, counted.drifted, counted.failed, counted.measured, counted.share) == (1, 1, 2, 4, 25)
    assert sum(counted.counts.values()) == 9


@pytest.mark.parametrize(
    ("save", "outcome"),
    [
        (None, Outcome.NOT_MEASURED),
        (SaveOutcome.SAVED, Outcome.NOT_MEASURED),
        (SaveOutcome.FAILED, Outcome.SAVE_FAILED),
        (SaveOutcome.UNSUPPORTED, Outcome.UNSUPPORTED),
        (SaveOutcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE),
    ],
)
def test_a_row_without_verdict_says_why(save: SaveOutcome | None, outcome: Outcome) -> None:
    """Missing is never zero: the save tells whether there was nothing to load or nothing was run."""
    assert outcome_of(replace(ROW, verdict=None, save_outcome=save)) is outcome


@given(part=st.integers(0, 10_000), more=st.integers(0, 10_000))
def test_percentage_never_rounds_to_all_or_none(part: int, more: int) -> None:
    """100 means all and 0 means none."""
    share = percentage(part, part + more)
    assert (share is None) is (part + more == 0)
    assert (share == 100) is (part > 0 and more == 0)
    assert (share == 0) is (part == 0 and more > 0)


@pytest.mark.parametrize(
    ("counts", "look"),
    [
        ({Outcome.PASS: 3}, Look.ALL),
        ({Outcome.FAIL: 3}, Look.NONE),
        ({Outcome.DRIFT: 3}, Look.ALL_DRIFT),
        ({Outcome.DRIFT: 3, Outcome.FAIL: 1}, Look.NONE),
        ({Outcome.PASS: 1, Outcome.FAIL: 1000}, Look.FEW),
        ({Outcome.PASS: 50, Outcome.FAIL: 50}, Look.HALF),
        ({Outcome.PASS: 999, Outcome.FAIL: 1}, Look.MOST),
        ({Outcome.HARNESS_BROKEN: 1, Outcome.UNSUPPORTED: 9}, Look.HARNESS_BROKEN),
        ({Outcome.NOT_MEASURED: 1, Outcome.UNSUPPORTED: 9}, Look.NOT_MEASURED),
        ({Outcome.UNSUPPORTED: 9}, Look.NOTHING),
        ({}, Look.NOT_MEASURED),
    ],
)
def test_look(counts: dict[Outcome, int], look: Look) -> None:
    """Each state of a square is told apart; harness-broken and unsupported never look like failing."""
    assert Tally(counts=counts).look is look


def test_selection_counts_primary_cells_unless_methods_are_named() -> None:
    """Without methods the primary cells count; with them, exactly those."""
    assert sum(tally(FAKE.rows).counts.values()) == sum(row.primary for row in FAKE.rows) == 18 * 10 * 4 * 18
    chosen = Selection(
        models=frozenset({"custom-activation"}), formats=frozenset({Format.H5}), methods=frozenset({Method.DEFAULT})
    )
    assert sum(tally(FAKE.rows, chosen).counts.values()) == 18 * 18
    assert tally(FAKE.rows, chosen).passed == 0


def test_pairs_add_up_to_the_total() -> None:
    """No row is lost or counted twice between the squares and the sum."""
    pairs = tally_by(FAKE.rows, pair)
    assert len(pairs) == 18 * 18
    for outcome in Outcome:
        assert sum(p.counts.get(outcome, 0) for p in pairs.values()) == tally(FAKE.rows).counts.get(outcome, 0)


def test_spans_name_gaps() -> None:
    """A set of versions is written as its contiguous ranges."""
    order = [f"tf2.{n}" for n in range(4, 22)]
    assert spans({"tf2.9", "tf2.10", "tf2.4", "nowhere"}, order) == "2.4, 2.9-2.10"
    assert spans(set(), order) == ""


def test_findings_name_the_walls() -> None:
    """The great breaks are found, not typed in; a harness gap inside a wall does not split it."""
    said = [finding.text for finding in find_in(FAKE)]
    assert "No savedmodel file loads in 2.16-2.21, whichever version saved it (720 cells)." in said
    assert "No h5 file loads in 2.4-2.15, when saved in 2.16-2.21 (680 cells)." in said
    assert any(text.startswith("Moving up from 2.15 to 2.16 costs most") for text in said)
    assert any(text.startswith("Going back from 2.16 to 2.15 costs most") for text in said)
    assert any("answered differently: masking and recurrent" in text for text in said)
    assert any(text.startswith("Our harness failed in 2.7") for text in said)
    assert "2.6-2.10 read everything that any of them saved, with equal outputs." in said


def test_findings_are_silent_without_results() -> None:
    """Nothing is claimed where nothing was measured."""
    assert find_in(fake_matrix.empty()) == ()


def test_steps_skip_versions_that_were_not_measured() -> None:
    """With only some versions measured, the costliest step is found between those."""
    few = {"tf2.4", "tf2.15", "tf2.21"}
    said = [finding.text for finding in find_in(_with(*(r for r in FAKE.rows if {r.saver, r.loader} <= few)))]
    assert any(text.startswith("Moving up from 2.15 to 2.21 costs most") for text in said)


def test_findings_survive_one_row_and_strangers() -> None:
    """A single row, or rows of environments that are no longer listed, raise nothing."""
    find_in(_with(ROW))
    find_in(
        _with(replace(ROW, saver="tf9.9", loader="gone"), _row(Verdict.FAIL, loader="gone", fingerprint="unheard-of"))
    )


def test_everything_passing_has_no_breaks() -> None:
    """Where all passes there is one finding: that it does."""
    rows = tuple(_row(Verdict.PASS, saver=f"tf2.{a}", loader=f"tf2.{b}") for a in range(4, 22) for b in range(4, 22))
    assert [finding.kind for finding in find_in(_with(*rows))] == ["pass"]


def test_directions() -> None:
    """Loads in the same, a newer and an older version partition the matrix."""
    cube = cube_of(FAKE)
    directions = upgrades(cube, cube.primary)
    assert sum(d.measured for d in directions.values()) == tally(FAKE.rows).measured
    assert directions["same"].share == 100
