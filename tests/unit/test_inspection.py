"""The inspector's answer as the host reads it: it has handled hostile bytes, and is believed in nothing that is not checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.inspector.upload import inspected, refusal
from images.probe import wire
from matrix.messages import Packing
from matrix.protocol import ProtocolError
from matrix.uploads.inspection import read
from tests.handed_in import keras_zip

HOSTILE = "a\x00\x1b[31m\u202eb"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bytes]:
    """What an honest inspector says of an honest model."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "model").write_bytes(keras_zip())
    return wire.unpack(inspected({"model": {"file": "model", "name": "m.keras"}}, folder))


def said(honest: tuple[dict[str, Any], bytes], body: bytes | None = None, **changes: Any) -> bytes:
    """The honest answer with some of it changed."""
    header = json.loads(json.dumps(honest[0]))
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = header
        for parent in parents:
            place = place[parent]
        place[name] = value
    return wire.pack(header, honest[1] if body is None else body)


def test_an_honest_answer_is_read_and_kept_as_it_is(honest: tuple[dict[str, Any], bytes]) -> None:
    """What is kept for the pages says what the inspector said; the inputs become a frame that a load job takes."""
    found = read(said(honest))
    assert (found.kind, found.packing, found.model.parameters) == ("keras", Packing.FILE, 15)
    kept = found.to_json("digest")
    for name in ("kind", "packing", "root", "members", "unpacked", "saved_with", "model", "structure", "notes"):
        assert json.loads(json.dumps(kept[name])) == honest[0][name], name
    assert (kept["inputs"], kept["inputs_from"], kept["refused"]) == ("digest", "signature", None)
    header, body = wire.unpack(found.frame or b"")
    assert header["structure"] == "single"
    assert np.array_equal(wire.decode_arrays(header["arrays"], body)[0][1], found.inputs[0][1])


def test_a_refusal_is_read() -> None:
    """Code, sentence, next step; no inputs."""
    found = read(refusal("too-slow", "It takes long.", "Try another."))
    assert found.refused is not None
    assert (found.refused.code, found.refused.message, found.refused.next_step) == (
        "too-slow",
        "It takes long.",
        "Try another.",
    )
    assert (found.frame, found.kind) == (None, None)


@pytest.mark.parametrize(
    ("place", "lie"),
    [
        ("kind", "pickle"),
        ("kind", None),  # and not refused
        ("kind", ["keras"]),
        ("packing", "rar"),
        ("root", "/etc"),
        ("root", "a/../../b"),
        ("root", HOSTILE),
        ("root", 7),
        ("root", "x" * 2000),
        ("members", -1),
        ("unpacked", 1.5),
        ("unpacked", 1 << 70),
        ("saved_with", None),
        ("saved_with__tensorflow", "2.9; rm -rf /"),
        ("saved_with__oldest", "two"),
        ("saved_with__newest", 2.15),
        ("saved_with__evidence", "text"),
        ("model__layers", "many"),
        ("model__layers", True),
        ("model__layer_classes", ["Dense"]),
        ("model__layer_classes", {"Dense": "x"}),
        ("model__parameters", -3),
        ("model__reaches", {"a": 1}),
        ("signature__inputs", {"x": 1}),
        ("signature__inputs", [{"name": "x", "shape": [-1], "dtype": "float32"}]),
        ("signature__inputs", [{"name": "x"}]),
        ("signature__inputs", [{}] * 1000),
        ("structure", "sparse"),
        ("inputs_from", "nowhere"),
        ("arrays", []),  # and yet there are bytes
        ("arrays", [{"name": "x", "dtype": "object", "shape": [1], "bytes": 8}]),
        ("refused", {"code": "x"}),
        ("refused", {"code": "<script>", "message": "", "next_step": ""}),
        ("notes", None),
    ],
)
def test_no_lie_gets_through(honest: tuple[dict[str, Any], bytes], place: str, lie: Any) -> None:
    """What an honest inspector never says is not repaired: nothing of the answer counts."""
    with pytest.raises(ProtocolError):
        read(said(honest, **{place: lie}))


@pytest.mark.parametrize(
    "frame", [b"", b"TFM1", b"x" * 100, wire.pack({}), wire.pack({"kind": "keras"}), wire.pack({}, b"x")]
)
def test_what_is_no_answer_is_none(frame: bytes) -> None:
    """Bytes that are no frame, and frames that say too little."""
    with pytest.raises(ProtocolError):
        read(frame)


def test_texts_are_cleaned_and_cut(honest: tuple[dict[str, Any], bytes]) -> None:
    """Nothing that a terminal or a page obeys gets through, and nothing endless."""
    lies: dict[str, Any] = {
        "model__class": HOSTILE,
        "model__custom": [HOSTILE] * 1000,
        "model__reaches": ["y" * 100_000],
        "notes": [HOSTILE, {"a": 1}],
        "inputs_note": HOSTILE,
        "signature__inputs": [{"name": HOSTILE, "shape": [None] * 100, "dtype": HOSTILE}],
    }
    found = read(said(honest, **lies))
    assert (found.model.class_name, found.inputs_note, found.notes[0]) == ("ab", "ab", "ab")
    assert (len(found.model.custom), len(found.model.reaches[0])) == (200, 600)
    assert found.signature is not None
    assert (found.signature.inputs[0].name, len(found.signature.inputs[0].shape or ())) == ("ab", 32)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    "refused", "kind", "packing", "root", "members", "saved_with", "saved_with__tensorflow", "saved_with__evidence", "model",
    "model__layers", "model__layer_classes", "model__custom", "signature", "signature__inputs", "arrays", "structure",
    "inputs_from", "inputs_note", "notes",
]  # fmt: skip


@settings(deadline=None)
@given(place=st.sampled_from(PLACES), lie=JSON, body=st.none() | st.binary(max_size=40))
def test_whatever_is_said_ends_in_an_answer_or_in_a_protocol_error(
    honest: tuple[dict[str, Any], bytes], place: str, lie: Any, body: bytes | None
) -> None:
    """There is no third way; and what is read can be written down."""
    try:
        found = read(said(honest, body, **{place: lie}))
    except ProtocolError:
        return
    json.dumps(found.to_json(None)).encode()


def test_a_name_in_the_inbox_leads_nowhere_else(tmp_path: Path) -> None:
    """Names are the host's own; were they not, they would still be names."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(keras_zip())
    found = read(inspected({"model": {"file": "../secret", "name": "x"}}, tmp_path / "in"))
    assert found.refused is not None
