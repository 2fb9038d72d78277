"""The rows that pages and tables are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from matrix.model import LOAD_VERSION, SAVE_VERSION, Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import Difference, MatrixRow
from matrix.store import Store, open_store
from tests.databases import Place
from tests.store_samples import LATER, NOON, cell, environment, failed_cell, failed_save, failure, save

OLD, NEW = environment("tf2.9"), environment("tf2.15")


def default(_model: str, _format: Format) -> Method:
    """Every format is primarily loaded by ``load_model``."""
    return Method.DEFAULT


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """A database in which run 1 has begun."""
    with open_store(place) as opened:
        opened.write.begin_run({}, {}, NOON)
        yield opened


def rows(store: Store, save_version: int = SAVE_VERSION, load_version: int = LOAD_VERSION) -> tuple[MatrixRow, ...]:
    """The matrix of the two environments."""
    return store.read.matrix([OLD, NEW], save_version, load_version, default)


def test_an_empty_database_has_no_rows(store: Store) -> None:
    """Nothing saved, nothing shown."""
    assert rows(store) == ()


def test_every_method_measured_is_a_row(store: Store) -> None:
    """Rows come in the environments' order, the primary method marked."""
    store.write.record_save(1, save(), NOON)
    other = replace(cell(), key=replace(cell().key, method=Method.CUSTOM_OBJECTS))
    store.write.record_cells(1, [failed_cell(loader="tf2.15"), other, cell()], LATER)
    assert [(row.loader, row.method, row.primary, row.verdict, row.rung) for row in rows(store)] == [
        ("tf2.9", Method.CUSTOM_OBJECTS, False, Verdict.PASS, Rung.OUTPUTS_EQUAL),
        ("tf2.9", Method.DEFAULT, True, Verdict.PASS, Rung.OUTPUTS_EQUAL),
        ("tf2.15", Method.DEFAULT, True, Verdict.FAIL, Rung.OPENED),
    ]
    last = rows(store)[-1]
    assert (last.fingerprint, last.measured_at, last.wall_seconds) == (failure().fingerprint, LATER, 0.5)


def test_a_save_without_artifact_is_a_row_in_every_loader(store: Store) -> None:
    """It has no verdict, the primary method, and the save's own error."""
    store.write.record_save(1, failed_save(), NOON)
    assert [(row.loader, row.method, row.primary, row.verdict) for row in rows(store)] == [
        ("tf2.9", Method.DEFAULT, True, None),
        ("tf2.15", Method.DEFAULT, True, None),
    ]
    assert {(row.save_outcome, row.fingerprint) for row in rows(store)} == {
        (SaveOutcome.FAILED, failure("cannot save").fingerprint)
    }


def test_a_cell_that_has_yet_to_run_is_a_row_without_verdict(store: Store) -> None:
    """The save worked, so there is something to measure."""
    store.write.record_save(1, save(), NOON)
    store.write.record_cell(1, cell(), NOON)
    assert [(row.loader, row.verdict, row.save_outcome) for row in rows(store)] == [
        ("tf2.9", Verdict.PASS, SaveOutcome.SAVED),
        ("tf2.15", None, SaveOutcome.SAVED),
    ]


def test_savers_with_the_same_bytes_share_their_cells(store: Store) -> None:
    """A verdict belongs to content: what one artifact does is shown for each that saved it."""
    store.write.record_save(1, save(), NOON)
    store.write.record_save(1, save(saver="tf2.15", artifact=save().artifact), NOON)
    store.write.record_cell(1, cell(), NOON)
    assert [(row.saver, row.verdict) for row in rows(store) if row.loader == "tf2.9"] == [
        ("tf2.9", Verdict.PASS),
        ("tf2.15", Verdict.PASS),
    ]


def test_other_environments_and_versions_stay_out(store: Store) -> None:
    """Only the recipe digests and versions asked for are shown."""
    store.write.record_save(1, save(), NOON)
    store.write.record_save(1, save(saver="tf2.4"), NOON)
    store.write.record_cells(1, [cell(), cell(loader="tf2.4")], NOON)
    assert {(row.saver, row.loader) for row in rows(store)} == {("tf2.9", "tf2.9"), ("tf2.9", "tf2.15")}
    assert rows(store, save_version=SAVE_VERSION + 1) == ()
    assert {row.verdict for row in rows(store, load_version=LOAD_VERSION + 1)} == {None}


@pytest.mark.parametrize(
    ("found", "largest"),
    [
        ((), None),
        ((None,), None),
        ((1.0, None, 3.0), 3.0),
        ((1.0, math.inf), math.inf),
        ((math.inf, math.nan), math.nan),
    ],
)
def test_the_largest_difference_is_shown(store: Store, found: tuple[float | None, ...], largest: float | None) -> None:
    """Over all outputs, where they could be subtracted at all; NaN is the largest of all."""
    differences = tuple(
        Difference(output=str(number), equal=False, max_absolute=value, max_relative=value)
        for number, value in enumerate(found)
    )
    store.write.record_save(1, save(), NOON)
    store.write.record_cell(1, cell(verdict=Verdict.DRIFT, differences=differences), NOON)
    row = rows(store)[0]
    assert row.max_absolute == pytest.approx(largest, nan_ok=True)
    assert row.max_relative == pytest.approx(largest, nan_ok=True)
