"""How stored inputs reach a model: what it states of itself comes first, then the saver's structure."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.probe_code import probe

feed = probe("feed")
EYES = [("right", 1), ("left", 2)]


def spec(name: str) -> SimpleNamespace:
    """A TensorSpec, as far as its name is concerned."""
    return SimpleNamespace(name=name)


def restored(*positional: Any, **named: Any) -> Any:
    """A restored function with one trace; it answers the arguments it was given."""

    class Function:
        concrete_functions = (SimpleNamespace(structured_input_signature=(positional, named)),)

        def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            return {"args": args, **kwargs} if not args else {"args": args[0] if len(args) == 1 else list(args)}

    return Function()


@pytest.mark.parametrize(
    ("structure", "taken", "names", "expected"),
    [
        ("dict", None, None, {"right": 1, "left": 2}),
        ("list", None, None, [1, 2]),
        ("dict", {"left": 0, "right": 0}, None, {"left": 2, "right": 1}),
        ("dict", {"a": 0, "b": 0}, None, {"a": 2, "b": 1}),  # sorted on both sides, as nest flattens
        ("list", {"a": 0, "b": 0}, None, {"a": 1, "b": 2}),
        ("dict", [0, 0], ["right", "left"], [1, 2]),
        ("dict", [0, 0], ["input_1", "input_2"], [2, 1]),
        ("list", [0, 0], ["left", "right"], [2, 1]),
        ("list", (0, 0), ["input_1", "input_2"], [1, 2]),
    ],
)
def test_inputs_take_the_structure_the_model_states(structure: str, taken: Any, names: Any, expected: Any) -> None:
    """Names decide where both sides have the same; else the order does, a dictionary's being sorted."""
    assert feed.arranged(EYES, structure, taken, names) == expected


@pytest.mark.parametrize(
    ("structure", "taken", "expected"),
    [("single", None, 5), ("single", object(), 5), ("single", [0], [5]), ("list", object(), 5), ("list", None, [5])],
)
def test_one_input_goes_bare_unless_the_model_wants_a_list(structure: str, taken: Any, expected: Any) -> None:
    """A model of one input takes it bare, whatever list the saver wrapped it in."""
    assert feed.arranged([("x", 5)], structure, taken, ["x"]) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (restored([spec("left"), spec("right")]), [2, 1]),  # Keras 2.13 to 2.15 export a dictionary as a list
        (restored({"left": spec("left"), "right": spec("right")}), {"left": 2, "right": 1}),
        (restored(spec("left"), spec("right")), [2, 1]),
    ],
)
def test_serve_is_called_as_its_trace_says(function: Any, expected: Any) -> None:
    """The versions export several inputs each in its own way."""
    positional, named = feed._serve(function, EYES, "dict")
    assert (positional[0] if len(positional) == 1 else positional) == expected
    assert named == {}


def test_serve_takes_keywords_where_it_has_nothing_else() -> None:
    """A trace without positional arguments is called by name."""
    assert feed._serve(restored(left=spec("left"), right=spec("right")), EYES, "dict") == ([], {"left": 2, "right": 1})


def test_without_serve_the_default_signature_answers() -> None:
    """Old SavedModels have signatures only; these take keywords."""

    class Endpoint:
        structured_input_signature: tuple[tuple[()], dict[str, Any]] = (
            (),
            {"left": spec("left"), "right": spec("right")},
        )

        def __call__(self, left: Any, right: Any) -> dict[str, Any]:
            return {"sum": left + 10 * right}

    tf = SimpleNamespace(constant=np.asarray)
    loaded = SimpleNamespace(signatures={"serving_default": Endpoint()})
    assert feed.call_saved_model(tf, loaded, EYES, "dict") == [("sum", 12)]


def test_a_savedmodel_with_nothing_to_call_says_so() -> None:
    """Two signatures and no default: guessing would be ours, not the file's."""
    tf = SimpleNamespace(constant=np.asarray)
    with pytest.raises(feed.NoEndpoint):
        feed.call_saved_model(tf, SimpleNamespace(signatures={"a": 1, "b": 2}), EYES, "dict")


@pytest.mark.parametrize(
    ("taken", "expected"),
    [(None, "tensor"), (object(), "tensor"), ([0], ["tensor"]), ({"words": 0}, {"words": "tensor"})],
)
def test_a_sparse_input_is_one_tensor_of_three_arrays(
    monkeypatch: pytest.MonkeyPatch, taken: Any, expected: Any
) -> None:
    """It travels as plain named arrays, and a model takes it as it takes any single input."""
    inputs = [("indices", 1), ("values", 2), ("dense_shape", 3)]
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(sparse=SimpleNamespace(SparseTensor=sparse_tensor)))
    assert feed.as_saved(inputs, "sparse") == "tensor"
    assert feed.arranged(inputs, "sparse", taken, ["words"]) == expected


def sparse_tensor(indices: int, values: int, dense_shape: int) -> str:
    """A SparseTensor, as far as what it is made of is concerned."""
    assert (indices, values, dense_shape) == (1, 2, 3)
    return "tensor"
