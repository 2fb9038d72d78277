"""The matrix as arrays says what its rows say, and follows what is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pytest

from matrix import catalog
from matrix.methods import primary_method
from matrix.model import LOAD_VERSION, SAVE_VERSION, Format, Method
from reports.assembly import Assembly
from reports.cube import Cube, cube_of, tally_of
from reports.grid import Outcome, Selection, outcome_of, pair, tally_by
from tests import fake_matrix

FAKE: Final = fake_matrix.results()
CUBE: Final = cube_of(FAKE)
BASES: Final = tuple(one for one in catalog.load_environments() if one.base is None)
OVERLAY: Final = next(one for one in catalog.load_environments() if one.base is not None)
MODELS: Final = catalog.load_models()
OLD, NEW = BASES[0].recipe_digest, BASES[-1].recipe_digest
NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(), {}),
        (Selection(models=frozenset({"lambda"})), {"models": ["lambda"]}),
        (Selection(formats=frozenset({Format.H5, Format.KERAS})), {"formats": [Format.H5, Format.KERAS]}),
        (Selection(methods=frozenset({Method.DEFAULT})), {"methods": [Method.DEFAULT]}),
    ],
)
def test_counts_are_those_of_the_rows(selection: Selection, words: dict[str, Any]) -> None:
    """Every square of the matrix, counted from arrays and from rows, is the same."""
    counts = CUBE.counts(CUBE.where(**words), "saver", "loader")
    wanted = tally_by(FAKE.rows, pair, selection)
    found = {
        (saver.id, loader.id): tally_of(counts[row, column])
        for row, saver in enumerate(CUBE.environments)
        for column, loader in enumerate(CUBE.environments)
        if counts[row, column].any()
    }
    assert {key: dict(one.counts) for key, one in found.items()} == {
        key: dict(one.counts) for key, one in wanted.items()
    }


def test_a_row_comes_back_as_it_was() -> None:
    """What a row of the cube says is what went in, whatever its outcome."""
    rows = {(one.saver, one.model, one.format, one.loader, one.method): one for one in FAKE.rows}
    for outcome in {outcome_of(one) for one in FAKE.rows}:
        place = int(np.flatnonzero(CUBE.outcome == list(Outcome).index(outcome))[0])
        found = CUBE.row(place)
        was = rows[found.saver, found.model, found.format, found.loader, found.method]
        assert (found.verdict, found.fingerprint, found.primary) == (was.verdict, was.fingerprint, was.primary)
        assert outcome_of(found) is outcome


def test_what_is_not_there_is_not_found() -> None:
    """An environment, a model or a way that nothing is known of has no row."""
    assert CUBE.find("tf2.4", "dense", Format.H5, "tf2.5") is not None
    assert CUBE.find("tf9.9", "dense", Format.H5, "tf2.5") is None
    assert CUBE.find("tf2.4", "dense", Format.H5, "tf2.5", Method.TFSM_LAYER) is None


def _assembly() -> Assembly:
    models = {model.id: model for model in MODELS}
    return Assembly((*BASES, OVERLAY), MODELS, lambda model, format_: primary_method(models[model], format_))


def _save(number: int, saver: str, artifact: str | None, *, current: bool = True, **changed: Any) -> tuple[Any, ...]:
    values = {"model": "dense", "format": "h5", "version": SAVE_VERSION, "fingerprint": None} | changed
    outcome = "saved" if artifact else "unsupported"
    place = saver, values["model"], values["format"], values["version"]
    return number, current, *place, outcome, artifact, values["fingerprint"], 1


def _cell(number: int, artifact: str, loader: str, verdict: str = "pass", *, current: bool = True) -> tuple[Any, ...]:
    differences = [["a", False, 0.5, 0.1, None], ["b", False, float("nan"), None, None]] if verdict == "drift" else None
    error = "e1" if verdict == "fail" else None
    return (
        number, current, artifact, loader, "default", LOAD_VERSION, verdict, 5, error, 0.2, NOON, None, differences, 1
    )  # fmt: skip


def _outcomes(cube: Cube) -> dict[tuple[str, str], Outcome]:
    return {(row.saver, row.loader): outcome_of(row) for row in cube.rows(cube.where())}


def test_saves_that_wrote_the_same_bytes_share_their_cells() -> None:
    """Both are in the matrix, and the second is marked."""
    held = _assembly()
    held.take([_save(1, OLD, "a"), _save(2, NEW, "a")], [[_cell(1, "a", NEW)]], [])
    rows = list(held.cube().rows(held.cube().measured))
    assert [(row.saver, row.loader, row.shared) for row in rows] == [
        (BASES[0].id, BASES[-1].id, False),
        (BASES[-1].id, BASES[-1].id, True),
    ]


def test_every_save_has_a_row_in_each_environment_of_its_own() -> None:
    """What has not been loaded yet is not measured; what was never saved says so; an overlay nobody ran has no row."""
    held = _assembly()
    held.take([_save(1, OLD, "a"), _save(2, NEW, None)], [[_cell(1, "a", OLD)]], [])
    outcomes = _outcomes(held.cube())
    assert len(outcomes) == 2 * len(BASES)
    assert outcomes[BASES[0].id, BASES[0].id] is Outcome.PASS
    assert outcomes[BASES[0].id, BASES[1].id] is Outcome.NOT_MEASURED
    assert outcomes[BASES[-1].id, BASES[0].id] is Outcome.UNSUPPORTED


def test_an_overlay_is_shown_once_something_is_known_of_it() -> None:
    """Then it has rows for every save."""
    held = _assembly()
    held.take([_save(1, OLD, "a")], [[_cell(1, "a", OVERLAY.recipe_digest)]], [])
    assert (BASES[0].id, OVERLAY.id) in _outcomes(held.cube())


def test_what_is_written_later_takes_the_place_of_what_was() -> None:
    """A new state, its closed predecessor, and an error that nobody had seen."""
    held = _assembly()
    held.take([_save(1, OLD, "a")], [[_cell(1, "a", NEW)]], [])
    before = held.cube()
    held.take([], [[_cell(1, "a", NEW, current=False), _cell(2, "a", NEW, "fail")]], [("e1", "ValueError", "no")])
    after = held.cube()
    assert _outcomes(before)[BASES[0].id, BASES[-1].id] is Outcome.PASS
    assert _outcomes(after)[BASES[0].id, BASES[-1].id] is Outcome.FAIL
    row = after.row(int(np.flatnonzero(after.failing)[0]))
    assert held.kinds[row.fingerprint or ""].message == "no"


def test_differences_are_kept_where_answers_drift() -> None:
    """The largest, and one that is no number is larger than all."""
    held = _assembly()
    held.take([_save(1, OLD, "a")], [[_cell(1, "a", NEW, "drift")]], [])
    cube = held.cube()
    (place,) = np.flatnonzero(cube.outcome == list(Outcome).index(Outcome.DRIFT))
    assert np.isnan(cube.absolute[place])
    assert cube.relative[place] == pytest.approx(0.1)


@pytest.mark.parametrize("changed", [{"version": SAVE_VERSION - 1}, {"model": "gone"}])
def test_what_is_no_longer_ours_is_left_out(changed: dict[str, Any]) -> None:
    """A save of an older version of our code, or of a model that is gone."""
    held = _assembly()
    held.take([_save(1, OLD, "a", **changed), _save(2, "f" * 64, "b")], [[_cell(1, "a", NEW), _cell(2, "b", NEW)]], [])
    assert len(held.cube()) == 0
