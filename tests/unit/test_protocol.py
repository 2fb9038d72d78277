"""What comes from a container is checked, bounded and cleaned: it becomes values or a ProtocolError, never anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.probe import wire
from matrix import protocol
from matrix.messages import EndKind, Limits, LoadCell, LoadJob, SaveJob
from matrix.model import Format, Method, Rung, SaveOutcome
from matrix.protocol import ProtocolError
from tests.protocol_samples import ENDING, LOADED, READERS, SAVED, put, read

few = settings(derandomize=True, max_examples=80, deadline=None)
LIMITS = Limits(seconds=60, grace=2, body=1 << 20)

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
readers = pytest.mark.parametrize("name", READERS)


def survives(name: str, fields: dict[str, Any], body: bytes | None = None) -> None:
    """Let the reader accept or refuse; whatever else it raises fails the test."""
    try:
        read(name, fields, body)
    except ProtocolError:
        return


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place within a JSON value."""
    match value:
        case dict():
            inner = [place for key, one in value.items() for place in places(one, (*path, key))]
        case list():
            inner = [place for index, one in enumerate(value) for place in places(one, (*path, index))]
        case _:
            inner = []
    return [path, *inner] if path else inner


@readers
def test_an_honest_frame_is_read(name: str) -> None:
    """The frames that the tests below damage are good ones."""
    _, fields, _ = READERS[name]
    assert read(name, fields) is not None


@readers
@few
@given(data=st.binary(max_size=80))
def test_bytes_that_are_no_frame_are_a_protocol_error(name: str, data: bytes) -> None:
    """Noise where a frame is expected is refused as such."""
    with pytest.raises(ProtocolError):
        READERS[name][0](data)


@readers
@few
@given(cut=st.integers(0, 10_000))
def test_a_frame_cut_short_is_a_protocol_error(name: str, cut: int) -> None:
    """A child that dies while it writes leaves no report."""
    reader, fields, body = READERS[name]
    frame = wire.pack(fields, body)
    with pytest.raises(ProtocolError):
        reader(frame[: cut % len(frame)])


@readers
@few
@given(
    fields=st.dictionaries(st.sampled_from(sorted({*ENDING, *LOADED, *SAVED, "hello", "arrays", "cells"})), anything)
)
def test_an_object_of_anything_is_read_or_refused(name: str, fields: dict[str, Any]) -> None:
    """Whatever stands under the known names, no other exception comes out."""
    survives(name, fields)


HOSTILE: tuple[object, ...] = (
    None, True, -1, 5, 10**400, 0.5, float("inf"), float("nan"), "", "text", [], [None], ["x"], [[]], [{}], {}, {"x": []},
)  # fmt: skip
"""What a hostile child may put where something else belongs; all of it is JSON as Python reads it."""


@pytest.mark.parametrize(
    ("name", "place"),
    [(name, place) for name, (_, fields, _) in READERS.items() for place in places(fields)],
    ids=lambda value: value if isinstance(value, str) else ".".join(map(str, value)),
)
def test_a_damaged_field_is_refused_or_ignored(name: str, place: tuple[str | int, ...]) -> None:
    """One wrong value at any place of an honest frame is never more than a ProtocolError."""
    escaped = []
    for value in HOSTILE:
        try:
            survives(name, put(READERS[name][1], place, value))
        except Exception as error:  # noqa: BLE001  which one it was is the finding
            escaped.append(f"{value!r:.20} -> {type(error).__name__}: {error}"[:150])
    assert escaped == []


def test_a_job_line_carries_everything_a_child_needs() -> None:
    """One JSON line: the job, its limits, and paths in the container rather than names."""
    cell = LoadCell(model="dense", format="h5", method=Method.CUSTOM_OBJECTS, artifact="a", is_tar=False, inputs="b")
    job = LoadJob(cells=(cell, replace(cell, artifact="c", marks=True)))
    text = protocol.line(7, job, LIMITS, fresh=True)
    fields = {
        "model": "dense",
        "format": "h5",
        "method": "custom_objects",
        "is_tar": False,
        "artifact": "a",
        "inputs": "b",
        "marks": False,
        "brought": None,
    }
    assert text.count(b"\n") == 1
    assert json.loads(text) == {
        "job": 7,
        "fresh": True,
        "kind": "load",
        "cells": [fields, fields | {"artifact": "c", "marks": True}],
        "limits": {"seconds": 60, "grace": 2, "body": 1 << 20, "file": None},
    }
    saving = json.loads(protocol.line(8, SaveJob(model="dense", formats=(Format.H5, Format.KERAS)), LIMITS))
    assert (saving["kind"], saving["formats"], saving["fresh"]) == ("save", ["h5", "keras"], False)


def test_a_load_report_is_read_whole() -> None:
    """Rung, outputs, signature and exception arrive as what the child wrote."""
    report = protocol.load_report(wire.pack({"cells": [LOADED]}, b"\1\2"))
    assert (report.reached, report.steps, report.warnings) == (Rung.CALLED, {"opened": 0.1}, ("old",))
    ((name, values),) = report.outputs
    assert (name, values.tolist()) == ("y", [1, 2])
    assert report.signature is not None
    assert report.signature.inputs[0].shape == (None, 2)
    assert report.raised is not None
    assert report.raised.frames == ("keras:load",)


def test_a_save_report_is_cut_into_inputs_outputs_and_artifacts() -> None:
    """Each part of the body goes where its length says, and the inputs are a frame that a load job can be given."""
    report = protocol.save_report(wire.pack(SAVED, b"\1\2\3abc"))
    assert [(one.format, one.outcome, one.data) for one in report.saves] == [
        (Format.H5, SaveOutcome.SAVED, b"abc"),
        (Format.KERAS, SaveOutcome.UNSUPPORTED, b""),
    ]
    assert wire.unpack(report.inputs) == ({"arrays": SAVED["inputs"], "structure": "dict"}, b"\1")
    ((_, outputs),) = protocol.arrays(report.outputs)
    assert np.array_equal(outputs, [2, 3])


def test_bytes_that_belong_to_no_save_are_refused() -> None:
    """A body longer than its parts is no honest child's."""
    with pytest.raises(ProtocolError, match="belong to no save"):
        read("save_report", SAVED, b"\1\2\3abcd")


def test_a_save_of_negative_length_is_refused() -> None:
    """Lengths only go forward: -1 and 4 make 3, and two artifacts of the same bytes."""
    with pytest.raises(ProtocolError):
        read("save_report", put(put(SAVED, ("saves", 0, "length"), -1), ("saves", 1, "length"), 4))


def test_names_that_grow_when_packed_again_are_a_protocol_error() -> None:
    """A header just within its limit, of UTF-8 that JSON writes three times as long, does not end the run."""
    fields = {**SAVED, "inputs": [{**SAVED["inputs"][0], "name": "\u00e9" * (300 << 10)}]}
    text = json.dumps(fields, ensure_ascii=False).encode()
    with pytest.raises(ProtocolError):
        protocol.save_report(wire.FRAME.pack(wire.MAGIC, len(text), 6) + text + b"\1\2\3abc")


def test_an_answer_to_another_job_is_refused() -> None:
    """Answers are told apart by the number the host gave."""
    with pytest.raises(ProtocolError, match="answered job 8"):
        read("answer", {**ENDING, "job": 8})


@pytest.mark.parametrize("kind", EndKind)
def test_every_ending_is_read(kind: EndKind) -> None:
    """Exit, signal, timeout and out-of-memory are told apart by the zygote's word."""
    ending, said = protocol.answer(wire.pack({**ENDING, "end": {"kind": kind, "code": 9}}, b"said"), 7)
    assert (ending.kind, ending.code, said) == (kind, 9, b"said")


@few
@given(st.text(alphabet=st.characters(codec=None)), st.integers(0, 20))
def test_cleaned_text_is_bounded_and_moves_no_cursor(text: str, limit: int) -> None:
    """No escape, no direction override, no carriage return is left, and no more than the limit."""
    cleaned = protocol.clean(text, limit)
    assert len(cleaned) <= limit
    assert not set(cleaned) & {"\x1b", "\r", "\0", "\u202e", "\u2066", "\x9b", "\x7f"}


def test_cleaning_takes_colours_away_whole() -> None:
    """A colour code leaves nothing behind; tabs and line ends stay."""
    assert protocol.clean("\x1b[1;31mred\x1b[0m\n\tblue", 100) == "red\n\tblue"


def test_cleaned_text_can_be_written_down() -> None:
    """JSON may hold half a character; what passes here can be hashed and stored as UTF-8."""
    protocol.clean(json.loads('"\\ud800"'), 100).encode()
