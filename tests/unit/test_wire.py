"""The codec of host and probe: what goes in comes out, and bytes that are no frame are refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.probe import wire

few = settings(derandomize=True, max_examples=60, deadline=None)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
arrays = st.sampled_from(sorted(wire.NUMERIC)).flatmap(lambda dtype: hnp.arrays(dtype, shapes))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
headers = st.dictionaries(st.text(max_size=8), json_values, max_size=4)


@few
@given(headers, st.binary(max_size=64))
def test_a_frame_comes_back_as_it_was(header: dict[str, Any], body: bytes) -> None:
    """Unpacking is the exact inverse of packing."""
    assert wire.unpack(wire.pack(header, body)) == (header, body)


@few
@given(st.lists(st.tuples(st.text(max_size=8), arrays), max_size=4))
def test_arrays_come_back_bit_by_bit(named: list[tuple[str, Any]]) -> None:
    """Names, dtypes, shapes and bytes survive, those of NaN, empty and zero-dimensional arrays too."""
    specs, data = wire.encode_arrays(named)
    back = wire.decode_arrays(json.loads(json.dumps(specs)), data)
    assert [(n, a.dtype, a.shape, a.tobytes()) for n, a in back] == [
        (n, a.dtype, a.shape, a.tobytes()) for n, a in named
    ]


@few
@given(hnp.arrays(object, shapes, elements=st.binary(max_size=12), fill=st.nothing()))
def test_strings_come_back_as_bytes(strings: Any) -> None:
    """A string array keeps its shape and every byte, zero bytes included."""
    specs, data = wire.encode_arrays([("text", strings)])
    assert specs[0]["dtype"] == wire.STRING
    ((_, back),) = wire.decode_arrays(specs, data)
    assert back.shape == strings.shape
    assert back.ravel().tolist() == strings.ravel().tolist()


def test_big_endian_and_strided_arrays_travel_as_their_values() -> None:
    """Byte order and memory layout are the sender's own matter."""
    values = np.arange(12, dtype=">i4").reshape(3, 4).T[::2]
    ((_, back),) = wire.decode_arrays(*wire.encode_arrays([("v", values)]))
    assert back.dtype == np.dtype("int32")
    assert np.array_equal(back, values)


def test_what_has_no_name_on_the_wire_is_refused_when_sent() -> None:
    """A complex array does not travel, and says so by name."""
    with pytest.raises(wire.WireError, match=r"'z'.*complex64"):
        wire.encode_arrays([("z", np.zeros(2, "complex64"))])


@few
@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: wire.MAGIC + tail))
def test_any_bytes_are_a_frame_or_a_wire_error(data: bytes) -> None:
    """Nothing but WireError ever leaves the decoder."""
    try:
        header, _ = wire.unpack(data)
    except wire.WireError:
        return
    assert isinstance(header, dict)


@few
@given(headers, st.binary(max_size=32), st.data())
def test_a_frame_cut_or_lengthened_is_refused(header: dict[str, Any], body: bytes, data: st.DataObject) -> None:
    """A frame is whole or it is nothing."""
    frame = wire.pack(header, body)
    cut = data.draw(st.integers(0, len(frame) - 1))
    for wrong in (frame[:cut], frame + b"\0"):
        with pytest.raises(wire.WireError):
            wire.unpack(wrong)


def test_announced_lengths_are_bounded_before_anything_is_read() -> None:
    """The prefix alone is enough to refuse a frame over the limit."""
    for header, body in ((wire.MAX_HEADER + 1, 0), (2, wire.MAX_BODY + 1)):
        with pytest.raises(wire.WireError, match="over the limit"):
            wire.lengths(wire.FRAME.pack(wire.MAGIC, header, body))
    with pytest.raises(wire.WireError, match="over the limit"):
        wire.lengths(wire.FRAME.pack(wire.MAGIC, 2, 11), max_body=10)
    assert wire.lengths(wire.FRAME.pack(wire.MAGIC, 2, 10), max_body=10) == (2, 10)


def test_a_header_that_is_over_the_limit_is_not_packed() -> None:
    """The sender learns of it, not the receiver."""
    with pytest.raises(wire.WireError, match="over the limit"):
        wire.pack({"text": "x" * wire.MAX_HEADER})


@pytest.mark.parametrize(
    "text", [b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}"], ids=lambda text: text[:8]
)
def test_a_header_is_a_json_object(text: bytes) -> None:
    """Other JSON, broken JSON, bad UTF-8, and depth or digits beyond reason are refused alike."""
    with pytest.raises(wire.WireError):
        wire.unpack(wire.FRAME.pack(wire.MAGIC, len(text), 0) + text)


GOOD: dict[str, Any] = {"name": "x", "dtype": "int8", "shape": [2], "bytes": 2}


@pytest.mark.parametrize(
    "specs",
    [
        None,
        "text",
        [None],
        [[]],
        [{}],
        [GOOD | {"name": 1}],
        [GOOD | {"dtype": "object"}],
        [GOOD | {"shape": [-2]}],
        [GOOD | {"shape": [True, 2]}],
        [GOOD | {"shape": 2}],
        [GOOD | {"shape": [1] * 33}],
        [GOOD | {"shape": [3]}],
        [GOOD | {"bytes": -1}],
        [GOOD | {"bytes": 2.0}],
        [GOOD | {"bytes": 3}],
        [GOOD, GOOD],
        [],
        [GOOD | {"dtype": "string", "shape": [1 << 40]}],
        [GOOD | {"dtype": "string", "shape": [0]}],
    ],
    ids=repr,
)
def test_specs_that_do_not_fit_their_bytes_are_refused(specs: object) -> None:
    """Wrong types, sizes that disagree, and arrays larger than what was sent never become arrays."""
    with pytest.raises(wire.WireError):
        wire.decode_arrays(specs, b"\1\2")


def test_a_dtype_that_is_no_text_is_refused() -> None:
    """A list where the dtype's name belongs is a WireError like any other."""
    with pytest.raises(wire.WireError):
        wire.decode_arrays([GOOD | {"dtype": ["int8"]}], b"\1\2")


def test_an_impossible_shape_of_nothing_is_refused() -> None:
    """Zero bytes fit a shape with a zero in it, whose other sizes numpy cannot hold."""
    with pytest.raises(wire.WireError):
        wire.decode_arrays([GOOD | {"shape": [0, 1 << 70], "bytes": 0}], b"")
