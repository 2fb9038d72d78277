"""The inputs of a model: made from what it states, within what it looks up and in its own structure; given ones win."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.handed_in import (
    h5,
    keras_2_config,
    keras_3_config,
    keras_zip,
    layer,
    looked_into,
    npz,
    weights_h5,
    with_layers,
)


@pytest.mark.parametrize(
    ("model", "largest"),
    [
        (keras_zip(keras_3_config(words=True)), 7),
        (with_layers(layer("Embedding", input_dim=5)), 5),
        (with_layers(layer("Reshape"), layer("Embedding", input_dim=9)), 9),
        (with_layers(layer("TimeDistributed", layer=layer("Embedding", input_dim=6))), 6),
        (with_layers(layer("IntegerLookup", vocabulary=[4, 11])), 12),
        (
            h5(
                {
                    "class_name": "Sequential",
                    "config": {"layers": [layer("Embedding", input_dim=4, batch_input_shape=[None, 9])]},
                }
            ),
            4,
        ),
    ],
)
def test_integers_stay_within_what_an_embedding_looks_up(tmp_path: Path, model: bytes, largest: int) -> None:
    """Followed from the input to the table; whole numbers also where the input is a float."""
    found = looked_into(tmp_path, model=model)
    values = found.inputs[0][1]
    assert found.inputs_note is None
    assert 1 < values.max() < largest
    assert np.array_equal(values, np.round(values))


def test_texts_are_of_those_that_a_lookup_knows(tmp_path: Path) -> None:
    """A vocabulary in the config is what the input may hold."""
    config = keras_2_config(layer("StringLookup", vocabulary=["red", "green"]))
    config["config"]["layers"][0]["config"]["dtype"] = "string"
    found = looked_into(tmp_path, model=h5(config))
    assert set(found.inputs[0][1].ravel()) <= {b"red", b"green"}


TWO = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {
                "class_name": "InputLayer",
                "name": name,
                "config": {"batch_input_shape": [None, width], "dtype": "float32"},
            }
            for name, width in (("b", 2), ("a", 3))
        ],
        "output_layers": [["b", 0, 0]],
    },
}


def two(input_layers: Any) -> bytes:
    """HDF5 of a model of two inputs, put together this way."""
    return h5({**TWO, "config": {**TWO["config"], "input_layers": input_layers}})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("input_layers", "structure", "names"),
    [
        ([["b", 0, 0], ["a", 0, 0]], "list", ["b", "a"]),
        ({"one": ["b", 0, 0], "another": ["a", 0, 0]}, "dict", ["another", "one"]),
        ([["a", 0, 0]], "single", ["a"]),
        (["a", 0, 0], "single", ["a"]),
    ],
)
def test_inputs_come_in_the_structure_that_the_model_takes(
    tmp_path: Path, input_layers: Any, structure: str, names: list[str]
) -> None:
    """A list in its order, a dictionary by its keys, one input bare."""
    found = looked_into(tmp_path, model=two(input_layers))
    assert (found.structure, [name for name, _ in found.inputs]) == (structure, names)


def test_a_model_that_states_nothing_gets_no_inputs(tmp_path: Path) -> None:
    """A model written as a class; where it was built, its shape is known."""
    silent = {"class_name": "Mine", "config": {}, "registered_name": "p>Mine", "module": "p"}
    assert looked_into(tmp_path, model=keras_zip(silent)).inputs_from == "none"
    built = looked_into(tmp_path, model=keras_zip({**silent, "build_config": {"input_shape": [None, 5]}}))
    assert [array.shape for _, array in built.inputs] == [(2, 5)]


@pytest.mark.parametrize("unusual", ["sparse", "ragged"])
def test_unusual_inputs_are_left_to_whoever_knows_them(tmp_path: Path, unusual: str) -> None:
    """A sparse tensor travels as three arrays, which say nothing alone."""
    config = keras_2_config()
    config["config"]["layers"][0]["config"][unusual] = True
    found = looked_into(tmp_path, model=h5(config))
    assert (found.inputs, found.inputs_from) == ((), "none")
    assert any("give inputs" in note for note in found.notes)


def test_inputs_that_were_given_win(tmp_path: Path) -> None:
    """By name, in the type that the model takes; what was changed is said."""
    found = looked_into(tmp_path, model=keras_zip(), inputs=npz(x=np.ones((3, 4))))
    (pair,) = found.inputs
    assert (pair[0], pair[1].dtype.name, pair[1].shape, found.inputs_from) == ("x", "float32", (3, 4), "given")
    assert found.inputs_note == "The array for x was float64, and was made float32, as the model takes it."


def test_inputs_of_other_names_count_by_their_order(tmp_path: Path) -> None:
    """numpy.savez calls them arr_0, arr_1."""
    inputs = npz(arr_0=np.zeros((1, 2), "float32"), arr_1=np.ones((1, 3), "float32"))
    found = looked_into(tmp_path, model=two([["b", 0, 0], ["a", 0, 0]]), inputs=inputs)
    assert [(name, float(array.max())) for name, array in found.inputs] == [("b", 0.0), ("a", 1.0)]
    assert "their order counted" in str(found.inputs_note)


def test_one_plain_array_is_taken_as_well(tmp_path: Path) -> None:
    """What numpy.save writes."""
    buffer = io.BytesIO()
    np.save(buffer, np.ones((2, 4), "float32"))
    assert looked_into(tmp_path, model=keras_zip(), inputs=buffer.getvalue()).inputs_from == "given"


def test_given_inputs_are_taken_as_they_are_where_nothing_is_stated(tmp_path: Path) -> None:
    """Weights with a builder, and two named arrays."""
    parts = {"builder": b"def build_model(): ...", "inputs": npz(b=np.zeros((1, 2)), a=np.array(["x"]))}
    found = looked_into(tmp_path, model=weights_h5(), **parts)
    assert (found.structure, [name for name, _ in found.inputs], found.refused) == ("dict", ["b", "a"], None)


def test_the_same_model_gets_the_same_inputs(tmp_path: Path) -> None:
    """An answer is stored under its content; what is known is not measured again."""
    frames = {looked_into(tmp_path / str(number), model=keras_zip()).frame for number in range(2)}
    assert len(frames) == 1
