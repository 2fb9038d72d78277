"""What somebody brought, on the host's side: what is asked of the probe, what comes back, and what it amounts to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from images.probe import wire
from matrix import protocol, verdict
from matrix.messages import AgainJob, Brought, Ending, EndKind, Limits, LoadCell, LoadJob, Packing, SaveJob
from matrix.model import CellKey, Method, Rung, Verdict
from matrix.protocol import ProtocolError
from matrix.uploads import attempt
from matrix.verdict import Unheld

LIMITS = Limits(seconds=60, grace=2, body=1 << 20)
KEY = CellKey(artifact="a" * 64, loader="b" * 64, method=Method.DEFAULT)
CELL = LoadCell(
    model="",
    format="savedmodel",
    method=Method.DEFAULT,
    artifact="a",
    is_tar=False,
    inputs="",
    brought=Brought(packing=Packing.TAR_GZ, root="deep/model", custom_objects="c"),
)
ENDING = Ending(
    kind=EndKind.EXIT, code=0, wall_seconds=0.5, peak_memory=9, lane="fork", noise="", tampered=False, clean=True
)
MADE: dict[str, Any] = {
    "reached": "called",
    "made": {
        "arrays": [{"name": "x", "dtype": "int8", "shape": [2], "bytes": 2, "more": "of what nobody asked"}],
        "structure": "dict",
        "notes": ["0 and 1 were made."],
    },
    "outputs": [{"name": "y", "dtype": "int8", "shape": [1], "bytes": 1}],
    "signature": {"inputs": [{"name": "x", "shape": [None], "dtype": "int8"}], "outputs": []},
    "length": 3,
}


def said(fields: dict[str, Any], body: bytes = b"") -> bytes:
    """A child's report on one cell."""
    return wire.pack({"cells": [{"length": len(body)} | fields]}, body)


def judged(fields: dict[str, Any], body: bytes = b"", **ending: Any) -> Unheld:
    """Judge that report."""
    return verdict.judge_brought(KEY, replace(ENDING, **ending), said(fields, body))


def test_a_load_says_what_goes_with_the_model() -> None:
    """Packing, root and the names of the other files travel with the cell; of a recipe's model there are none."""
    line = json.loads(protocol.line(1, LoadJob(cells=(CELL, replace(CELL, brought=None))), LIMITS))
    assert line["cells"][0]["brought"] == {
        "packing": "tar.gz",
        "root": "deep/model",
        "architecture": None,
        "custom_objects": "c",
        "builder": None,
    }
    assert line["cells"][1]["brought"] is None


def test_a_builder_is_saved_and_a_load_is_saved_again() -> None:
    """Both name their formats; the second names the load."""
    saving = json.loads(protocol.line(1, SaveJob(model="", formats=("h5",), brought=Brought(builder="b")), LIMITS))
    assert (saving["kind"], saving["formats"], saving["brought"]["builder"]) == ("save", ["h5"], "b")
    again = json.loads(protocol.line(2, AgainJob(cell=CELL, formats=("h5", "keras")), LIMITS))
    assert (again["kind"], again["formats"]) == ("again", ["h5", "keras"])
    assert again["cell"]["brought"]["root"] == "deep/model"


def test_inputs_that_a_child_made_come_back_as_a_frame_for_others() -> None:
    """The frame is what a later job is given: arrays and structure, nothing else that the child said."""
    report = protocol.load_report(said(MADE, b"\1\2\3"))
    assert report.inputs is not None
    header, body = wire.unpack(report.inputs)
    assert header == {"arrays": [{"name": "x", "dtype": "int8", "shape": [2], "bytes": 2}], "structure": "dict"}
    assert body == b"\1\2"
    assert [values.tolist() for _, values in report.outputs] == [[3]]
    assert report.notes == ("0 and 1 were made.",)


def test_a_child_that_was_given_inputs_returns_none() -> None:
    """Then the host has them."""
    report = protocol.load_report(said({"reached": "called"}))
    assert (report.inputs, report.notes) == (None, ())


@pytest.mark.parametrize("size", [-1, 4, "2", None])
def test_made_inputs_that_are_not_there_are_refused(size: object) -> None:
    """A size that the body has not is no honest child's."""
    spec = MADE["made"]["arrays"][0] | {"bytes": size}
    with pytest.raises(ProtocolError):
        protocol.load_report(said(MADE | {"made": {"arrays": [spec]}}, b"\1\2\3"))


@pytest.mark.parametrize("made", ["x", [1], {"arrays": "x"}, {"arrays": [1]}])
def test_made_inputs_that_are_none_are_refused(made: object) -> None:
    """Whatever stands in their place."""
    with pytest.raises(ProtocolError):
        protocol.load_report(said(MADE | {"made": made}, b"\1\2\3"))


def test_a_model_that_answers_loads() -> None:
    """With its answer, its signature and its inputs, so that the others can be held against it; never pass or drift."""
    found = judged(MADE, b"\1\2\3")
    assert (found.result.verdict, found.result.rung) == (Verdict.LOADS, Rung.CALLED)
    assert found.result.differences == ()
    assert found.result.signature_equal is None
    assert [np.asarray(values).tolist() for _, values in found.outputs] == [[3]]
    assert found.signature is not None
    assert found.inputs is not None


def test_a_model_that_nobody_can_call_loads_as_far_as_that() -> None:
    """Its rung tells that it was not called, and the notes why."""
    found = judged({"reached": "deserialized", "made": {"arrays": [], "notes": ["The model states no inputs."]}})
    assert (found.result.verdict, found.result.rung) == (Verdict.LOADS, Rung.DESERIALIZED)
    assert (found.outputs, found.inputs, found.notes) == ((), None, ("The model states no inputs.",))


@pytest.mark.parametrize("reached", ["nothing", "opened", "deserialized"])
def test_what_raises_fails_where_it_got_to(reached: str) -> None:
    """Also where it was the call that raised."""
    found = judged({"reached": reached, "exception": {"class": "ValueError", "message": "no", "traceback": ""}})
    assert (found.result.verdict, found.result.rung.label) == (Verdict.FAIL, reached)
    assert found.result.failure is not None
    assert found.result.failure.exception == "ValueError"


def test_a_report_that_claims_more_than_a_child_can_know_does_not_count() -> None:
    """A child cannot say that outputs are equal: it knows no others."""
    found = judged({"reached": "outputs_equal", "outputs": MADE["outputs"]}, b"\3")
    assert found.result.verdict is Verdict.FAIL
    assert found.outputs == ()


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ({"kind": EndKind.TIMEOUT, "code": 1}, Verdict.TIMEOUT),
        ({"kind": EndKind.SIGNAL, "code": 11}, Verdict.CRASH),
        ({"kind": EndKind.OUT_OF_MEMORY, "code": 9}, Verdict.OUT_OF_MEMORY),
        ({"code": 3}, Verdict.CRASH),
    ],
)
def test_a_process_that_did_not_end_well_is_not_believed(ending: dict[str, Any], expected: Verdict) -> None:
    """Not even where its report is whole."""
    found = judged(MADE, b"\1\2\3", **ending)
    assert (found.result.verdict, found.outputs, found.inputs) == (expected, (), None)


def test_what_is_no_report_is_a_crash_and_tampering_is_kept() -> None:
    """A forged line is not read; that somebody wrote more than a report stays visible."""
    found = verdict.judge_brought(KEY, replace(ENDING, tampered=True), b"PASS")
    assert found.result.verdict is Verdict.CRASH
    assert found.result.tampered


def test_what_the_probe_does_not_know_accuses_us() -> None:
    """A method without what it needs is a mistake of the host's."""
    assert judged({"unsupported": "no such method"}).result.verdict is Verdict.HARNESS_BROKEN


def test_answers_that_do_not_leave_the_sandbox_are_no_failure() -> None:
    """It was called, so it loads; why there is nothing to compare is told. Of a script that is built, likewise."""
    why = "Its answers have 9 bytes; no more than 8 are taken out of a sandbox, so they cannot be compared."
    found = judged({"reached": "called", "outputs": [], "notes": [why]})
    assert (found.result.verdict, found.result.rung, found.outputs) == (Verdict.LOADS, Rung.CALLED, ())
    assert found.remarks == (why,)
    built = attempt.built(
        KEY, ENDING, wire.pack({"saves": [], "notes": [why], "made": {"from": "model", "notes": ["x"]}})
    )
    assert (built.result.verdict, built.outputs, built.remarks) == (Verdict.LOADS, (), (why,))
    assert (built.source, built.notes) == ("model", ("x",))


@pytest.mark.parametrize("source", ["given", "nowhere", 3, None])
def test_where_a_child_has_inputs_from_is_one_of_two_places(source: object) -> None:
    """Whatever else it says: that somebody gave them is not its to say."""
    assert judged(MADE | {"made": MADE["made"] | {"from": source}}, b"\1\2\3").source == ""
