"""Inputs made from a signature: the same for the same one, within bounds, with all that was assumed said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.probe import wire
from tests.probe_code import probe

invent = probe("invent")


def tensor(*shape: Any, dtype: str = "float32", name: str = "x") -> dict[str, Any]:
    """An input as the probe states it."""
    return {"name": name, "shape": list(shape), "dtype": dtype}


def made(*tensors: dict[str, Any], **options: Any) -> list[Any]:
    """The arrays made, without what is said of them."""
    return [array for _, array in invent.invent(list(tensors), **options)[0]]


def packed(*tensors: dict[str, Any]) -> Any:
    """The bytes that travel."""
    return wire.encode_arrays(invent.invent(list(tensors))[0])


def test_the_same_signature_gives_the_same_bytes_whatever_the_inputs_are_called() -> None:
    """Versions name an input differently; two alike are not the same, though."""
    specs, body = packed(tensor(None, 3), tensor(None, 3, name="y"))
    assert body == packed(tensor(None, 3, name="a"), tensor(None, 3, name="b"))[1]
    assert body[: specs[0]["bytes"]] != body[specs[0]["bytes"] :]


def test_values_stay_as_they_are() -> None:
    """Stored inputs of one version are compared with those another makes: what is drawn is not to change by itself."""
    (array,) = made(tensor(None, 2))
    assert array.dtype == "float32"
    assert np.round(array.astype("float64"), 4).tolist() == [[0.8082, 0.4366], [0.5112, 0.2658]]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((None, 4), (2, 4)),
        ((None, None), (2, 16)),
        ((None, None, 8), (2, 16, 8)),
        ((None, None, None, 3), (2, 64, 64, 3)),
        ((1, 28, 28), (1, 28, 28)),
        ((), ()),
        ((-1, 4), (2, 4)),
        ((None, 0), (2, 0)),
    ],
)
def test_open_dimensions_become_a_batch_a_length_or_an_image(shape: Any, expected: Any) -> None:
    """What is stated stays, what is not becomes the usual."""
    assert made(tensor(*shape))[0].shape == expected


def test_a_batch_that_one_input_fixes_holds_for_all() -> None:
    """A model exported for one row takes one row of each input."""
    assert [array.shape for array in made(tensor(1, 4), tensor(None, 2, name="y"))] == [(1, 4), (1, 2)]


@pytest.mark.parametrize("dtype", ["int32", "uint16", "float32"])
def test_a_range_is_kept_to_and_used(dtype: str) -> None:
    """An embedding of seven takes 0 to 6, also where the input is a float that is cast."""
    (array,) = made(tensor(None, 200, dtype=dtype), ranges={"x": (0, 7)})
    assert array.dtype == dtype
    assert set(array.ravel().tolist()) == set(range(7))


def test_a_range_beyond_the_dtype_is_cut() -> None:
    """An embedding of a million behind an int8."""
    (array,) = made(tensor(None, 500, dtype="int8"), ranges={"x": (0, 1_000_000)})
    assert array.min() >= 0


def test_integers_of_unknown_range_are_nought_and_one_and_pixels_are_bytes() -> None:
    """Almost every table has two rows; an image of uint8 takes them all."""
    assert set(made(tensor(None, 100, dtype="int64"))[0].ravel().tolist()) == {0, 1}
    assert made(tensor(None, 30, 30, 3, dtype="uint8"))[0].max() > 200


def test_texts_are_words_or_of_those_that_the_model_knows() -> None:
    """Text travels as bytes."""
    (words,) = made(tensor(None, dtype="string"))
    assert words.shape == (2,)
    assert all(isinstance(text, bytes) and text for text in words)
    (known,) = made(tensor(None, 50, dtype="string"), ranges={"x": ["é", b"b"]})
    assert set(known.ravel().tolist()) == {"é".encode(), b"b"}


def test_what_is_too_large_is_made_smaller_where_it_may_be() -> None:
    """One row in place of two, small images in place of large ones."""
    assert made(tensor(None, 1, 1, 5_000_000))[0].shape[0] == 1
    assert made(tensor(None, None, None, 1_500))[0].shape == (1, 64, 64, 1_500)
    assert made(tensor(None, None, None, None, 1_000))[0].nbytes <= invent.MAX_BYTES


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (tensor(None, 1 << 40), "more than 64 MB"),
        (tensor(1 << 62, 1 << 62, 1 << 62), "more than 64 MB"),
        (tensor(0, 1 << 62), "no array has"),
        (tensor(0, 1 << 62, dtype="string"), "no array has"),
        (tensor(None, dtype="complex64"), "cannot be made up"),
        (tensor(None, dtype="resource"), "cannot be made up"),
        (tensor(*[1] * 40), "40 dimensions"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_made(wrong: dict[str, Any], said: str) -> None:
    """Half of the inputs call no model."""
    arrays, notes = invent.invent([tensor(None, 2, name="fine"), wrong])
    assert arrays == []
    assert len(notes) == 1
    assert said in notes[0]


def test_too_many_inputs_are_not_made() -> None:
    """A signature of a hundred thousand inputs is an attack, not a model."""
    assert invent.invent([tensor(1)] * 257)[0] == []


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"name": "x", "shape": None, "dtype": "float32"}, "states no shape"),
        (tensor(None, None), "leaves sizes open"),
        (tensor(None, dtype="string"), "everyday words"),
        (tensor(None, 3, dtype="int32"), "is not known"),
        (tensor(None, 3, dtype="bfloat16"), "as float32"),
    ],
)
def test_what_was_assumed_is_said(stated: dict[str, Any], said: str) -> None:
    """Whoever reads an answer sees what was asked."""
    arrays, notes = invent.invent([stated])
    assert len(arrays) == 1
    assert any(said in note for note in notes)


def test_nothing_is_said_where_nothing_was_assumed() -> None:
    """A model that states all gets its inputs without a word."""
    assert invent.invent([tensor(None, 4), tensor(None, 4, dtype="int32", name="i")], {"i": (0, 9)})[1] == []


SHAPES = st.none() | st.lists(
    st.none() | st.integers(-2, 70) | st.integers() | st.booleans() | st.text(max_size=2), max_size=6
)
DTYPES = st.sampled_from([*invent.INTEGERS, *invent.FLOATS, "bool", "string", "variant", ""])


@pytest.fixture(scope="module")
def little_room() -> Iterator[None]:
    """Bounds that are reached without making megabytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(invent, "MAX_BYTES", 1 << 16)
        yield


@pytest.mark.usefixtures("little_room")
@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"name": st.text(max_size=5), "shape": SHAPES, "dtype": DTYPES}), max_size=4))
def test_whatever_is_stated_ends_in_arrays_that_travel_or_in_a_sentence(tensors: list[dict[str, Any]]) -> None:
    """A hostile signature neither raises nor fills the memory."""
    arrays, notes = invent.invent(tensors)
    assert len(arrays) == len(tensors) or notes
    specs, body = wire.encode_arrays(arrays)
    assert len(body) <= invent.MAX_BYTES
    assert len(wire.decode_arrays(specs, body)) == len(arrays)
