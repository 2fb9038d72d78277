"""Overlays among the results: lines of their own beside that of the TensorFlows, named by their Keras."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix import catalog
from matrix.model import Environment, Flavour, Format, Method, Verdict
from matrix.results import MatrixRow
from reports.cube import cube_of
from reports.findings import upgrades
from reports.grid import Results
from reports.lines import in_order
from reports.pages.heats import environment_axis
from reports.ranges import spans
from tests import fake_matrix
from tests.fake_matrix import find_in
from tests.known import known_of

EVERY = catalog.load_environments()
ORDER = [one.id for one in in_order(EVERY)]
BASES = tuple(one for one in EVERY if one.base is None)
KERAS_3 = frozenset(one.id for one in EVERY if one.base is not None and one.flavour is Flavour.KERAS3)
WHOLE = next(row for row in fake_matrix.rows() if row.primary and row.verdict is Verdict.PASS)


def row(saver: str, loader: str, verdict: Verdict = Verdict.PASS, format_: Format = Format.H5) -> MatrixRow:
    """A cell of dense."""
    return replace(
        WHOLE, saver=saver, loader=loader, verdict=verdict, model="dense", format=format_, method=Method.DEFAULT
    )


def verdict(saver: Environment, loader: Environment, format_: Format) -> Verdict:
    """No Keras 3 reads a SavedModel; Keras 2 reads no h5 of Keras 3, and Keras before 3.5 none from 3.5 on."""
    if format_ is Format.SAVEDMODEL:
        return Verdict.FAIL if loader.flavour is Flavour.KERAS3 else Verdict.PASS
    newer = saver.flavour is Flavour.KERAS3 and saver.keras_version >= (3, 5)
    older = loader.flavour is not Flavour.KERAS3 or loader.keras_version < (3, 5)
    return Verdict.FAIL if newer and older else Verdict.PASS


def results(environments: tuple[Environment, ...]) -> Results:
    """Dense in two formats, from each environment into each."""
    rows = tuple(
        row(saver.id, loader.id, verdict(saver, loader, format_), format_)
        for format_ in (Format.H5, Format.SAVEDMODEL)
        for saver in environments
        for loader in environments
    )
    return replace(fake_matrix.results(), environments=environments, rows=rows, failures={})


ALONE, MIXED = results(BASES), results(EVERY)


def said(found: Results) -> list[str]:
    """The findings' sentences."""
    return [finding.text for finding in find_in(found)]


def test_overlays_come_after_the_tensorflows() -> None:
    """The line of TensorFlows is not cut up; Keras 3 follows by its own minors, then tf_keras."""
    assert ORDER[:18] == [f"tf2.{minor}" for minor in range(4, 22)]
    assert [name.partition("+")[2] for name in ORDER[18:34]] == [f"keras3.{minor}" for minor in range(16)]
    assert [name.partition("+")[2] for name in ORDER[34:]] == [f"tf_keras2.{minor}" for minor in range(16, 22)]


def test_spans_end_where_a_line_ends() -> None:
    """The newest TensorFlow and the oldest Keras 3 stand side by side and are no range."""
    assert spans(ORDER, ORDER) == "2.4-2.21, Keras 3.0-3.15, tf_keras 2.16-2.21"
    some = {"tf2.20", "tf2.21", "tf2.16+keras3.0", "tf2.16+keras3.1", "tf2.17+keras3.5", "tf2.18+tf_keras2.18"}
    assert spans(some, ORDER) == "2.20-2.21, Keras 3.0-3.1, 3.5, tf_keras 2.18"


def test_findings_of_the_tensorflows_are_the_same_with_overlays_and_without() -> None:
    """What overlays do changes no sentence about TensorFlow versions, and these come first."""
    alone = said(ALONE)
    assert any(text.startswith("No savedmodel file loads in 2.16-2.21, whichever version") for text in alone)
    assert [text for text in said(MIXED) if "Keras" not in text and "tf_keras" not in text] == alone
    assert said(MIXED)[: len(alone) - 1] == alone[:-1]


def test_findings_of_overlays_name_their_keras() -> None:
    """A wall in the axis of Keras, a step along it, and what a line reads of itself."""
    found = said(MIXED)
    assert "No savedmodel file loads in Keras 3.0-3.15, whichever version saved it (640 cells)." in found
    assert any(
        text.startswith("No h5 file loads in Keras 3.0-3.4, when saved in 2.17-2.21, Keras 3.5-3.15 (")
        for text in found
    )
    assert any(text.startswith("Going back from Keras 3.5 to Keras 3.4 costs most: 11 of ") for text in found)
    assert "tf_keras 2.16-2.21 read everything that any of them saved, with equal outputs." in found


def test_what_stops_at_overlays_files_does_not_stop_at_every_version_s() -> None:
    """A TensorFlow that reads none of an overlay's files was not asked about others': the overlays are named."""
    rows = tuple(one for one in MIXED.rows if one.saver in KERAS_3 and one.loader not in KERAS_3)
    found = said(replace(MIXED, rows=rows))
    assert "No savedmodel file loads in 2.16-2.21, when saved in Keras 3.0-3.15 (96 cells)." in found


def test_overlays_make_no_model_harder() -> None:
    """Which model is the hardest to carry over is asked of TensorFlows alone."""
    hard = replace(row("tf2.4", "tf2.5", Verdict.FAIL), model="lambda")
    overlay = row("tf2.4", "tf2.16+keras3.0", Verdict.FAIL)
    found = said(replace(MIXED, rows=(row("tf2.4", "tf2.5"), hard, *[overlay] * 9)))
    assert any("hardest to carry over is Lambda: 0 %" in text and text.endswith("with 100 %.") for text in found)


def test_a_step_is_taken_within_a_line() -> None:
    """No sentence moves from a TensorFlow to an overlay, or from Keras 3 to tf_keras."""
    steps = [text for text in said(MIXED) if text.startswith(("Moving up", "Going back"))]
    assert steps
    for text in steps:
        assert text.partition(" costs")[0].count("Keras") in {0, 2}
        assert "tf_keras" not in text


@pytest.mark.parametrize(
    ("saver", "loader", "words"),
    [
        ("tf2.9", "tf2.20+keras3.12", "saved in 2.9, loaded in Keras 3.12"),
        ("tf2.20+keras3.12", "tf2.9", "saved in Keras 3.12, loaded in 2.9"),
        ("tf2.18+tf_keras2.18", "tf2.20+keras3.12", "saved in tf_keras 2.18, loaded in Keras 3.12"),
        ("tf2.9", "tf2.18", "saved in 2.9, loaded in 2.18"),
    ],
)
def test_what_overlays_find_is_told_whichever_side_they_are_on(saver: str, loader: str, words: str) -> None:
    """Of a cell between two lines the sentence names both, once."""
    found = said(replace(MIXED, rows=(row(saver, loader, Verdict.DRIFT),)))
    assert [words in text for text in found].count(True) == 1


def test_the_page_tells_newer_from_older_among_tensorflows_alone() -> None:
    """An overlay is neither newer nor older than the TensorFlow it stands on."""
    assert upgrades(cube_of(MIXED), cube_of(MIXED).primary) == upgrades(cube_of(ALONE), cube_of(ALONE).primary)


def test_the_page_has_a_band_for_each_line() -> None:
    """Keras 3 of a TensorFlow's own time is not the band of the overlays."""
    known = known_of(MIXED)
    axis = environment_axis(known)
    assert [(band.text, band.width) for band in axis.bands] == [
        ("Keras 2", 12),
        ("Keras 3", 6),
        ("Keras 3 overlays", 16),
        ("tf_keras", 6),
    ]
    firsts = {head.id for head in axis.heads if head.first_of_band}
    assert firsts == {"tf2.16", "tf2.16+keras3.0", "tf2.16+tf_keras2.16"}
    assert {one.id for one in known.environments[18:34]} == KERAS_3
