"""What the probe makes of exceptions, warnings, models and outputs."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.probe_code import probe

observe = probe("observe")


class UnprintableError(Exception):
    """An exception that cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def tensor(name: str, *shape: int | None) -> SimpleNamespace:
    """A symbolic tensor, as far as a signature is concerned."""
    return SimpleNamespace(name=name, shape=shape, dtype=np.dtype("float32"))


def caught(error: BaseException) -> BaseException:
    """The exception with a traceback, as if a framework had raised it."""
    with pytest.raises(type(error)) as raised:
        raise error
    return raised.value


def test_an_exception_is_told_with_its_qualified_class() -> None:
    """A built-in goes by its bare name, any other by its module too."""
    assert observe.exception(caught(ValueError("no")))["class"] == "ValueError"
    assert observe.exception(caught(UnprintableError()))["class"].endswith("test_probe_observe.UnprintableError")


def test_an_exception_that_cannot_print_itself_is_still_told() -> None:
    """A model's own exception class may raise while it is read."""
    assert observe.exception(caught(UnprintableError()))["message"] == "<its message could not be made: RuntimeError>"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), RecursionError("deep"), MemoryError()])
def test_what_ends_programs_is_told_like_any_other(error: BaseException) -> None:
    """A model that calls ``exit()`` is a finding and not the end of the probe."""
    assert observe.exception(caught(error))["class"] == type(error).__name__


def test_texts_lose_colours_and_control_characters() -> None:
    """Keras 3 colours its messages, and a hostile one could move the cursor of whoever reads it."""
    assert observe.clean("\x1b[1mDense\x1b[0m\r\nis\tnew\x00\x9b", 100) == "Dense\nis\tnew"


def test_a_long_text_keeps_both_ends() -> None:
    """Keras puts the object first and the cause last; the middle can go."""
    text = observe.clean("object" + "x" * 9000 + "cause", 1000)
    assert text.startswith("object")
    assert text.endswith("cause")
    assert "bytes left out" in text
    assert len(text.encode()) <= 1000


def test_lone_surrogates_become_storable() -> None:
    """A text that UTF-8 cannot hold would stop the database, not only this cell."""
    assert observe.clean("a\ud800b", 100) == "a?b"


def test_frames_are_those_of_libraries_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither our own code nor the standard library's tells one failure from another."""
    (tmp_path / "keras_like.py").write_text("import json\ndef load(text):\n    return json.loads(text)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    library = __import__("keras_like")
    with pytest.raises(ValueError, match="property name") as raised:
        library.load("{")
    frames = observe.exception(raised.value)["frames"]
    assert frames[-1] == "keras_like:load"
    assert not [frame for frame in frames if frame.startswith("json")]


def test_tracebacks_are_kept_whole_without_switching_messages_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework's own switch would take its explanations out of the messages."""
    module = SimpleNamespace(_process_traceback_frames=lambda _trace: None)
    monkeypatch.setitem(sys.modules, "keras_like.utils.traceback_utils", module)
    observe.keep_tracebacks()
    whole = object()
    assert module._process_traceback_frames(whole) is whole


def test_each_warning_is_heard_once_and_developers_ones_not_at_all() -> None:
    """What a user would see is kept: Python's warnings and the framework's log records."""
    with observe.listening() as heard:
        for _ in range(2):
            warnings.warn("moved", UserWarning, stacklevel=1)
            logging.getLogger("absl").warning("legacy %s", "file")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.getLogger("tensorflow").info("chatter")
    assert heard == ["UserWarning: moved", "WARNING: legacy file"]


def test_no_more_than_twenty_warnings_are_kept() -> None:
    """A model that warns for ever must not fill the answer."""
    with observe.listening() as heard:
        for number in range(30):
            warnings.warn(str(number), UserWarning, stacklevel=1)
    assert len(heard) == observe.MAX_WARNINGS


def test_loggers_are_left_as_they_were() -> None:
    """Listening changes levels and handlers for its time only."""
    logger = logging.getLogger("tensorflow")
    before = logger.level, list(logger.handlers)
    with observe.listening():
        pass
    assert (logger.level, logger.handlers) == before


@pytest.mark.parametrize(
    ("outputs", "names", "expected"),
    [
        (np.float32(1), ["digit"], ["digit"]),
        (np.float32(1), None, ["output_0"]),
        ({"risk": 1.0, "gaze": 2.0}, ["x", "y"], ["gaze", "risk"]),
        ([1.0, 2.0], ["b", "a"], ["b", "a"]),
        ([1.0, 2.0], ["same", "same"], ["output_0", "output_1"]),
        ((1.0, 2.0), ["too", "many", "names"], ["output_0", "output_1"]),
        ({"state": [1.0, {"c": 2.0}]}, None, ["state/0", "state/1/c"]),
    ],
)
def test_outputs_become_an_ordered_list_of_names(outputs: Any, names: list[str] | None, expected: list[str]) -> None:
    """Dictionaries by sorted key, lists in their order with the model's names where it has as many."""
    assert [name for name, _ in observe.flatten(outputs, names)] == expected


def test_ragged_and_sparse_outputs_travel_in_parts() -> None:
    """Neither has one array; each part is compared by itself."""
    ragged = SimpleNamespace(flat_values=np.arange(3), nested_row_splits=(np.array([0, 1, 3]),))
    sparse = SimpleNamespace(dense_shape=np.array([2]), indices=np.array([[0]]), values=np.array([1.0]))
    assert [name for name, _ in observe.flatten(ragged, ["r"])] == ["r/row_splits/0", "r/values"]
    assert [name for name, _ in observe.flatten(sparse, ["s"])] == ["s/indices", "s/shape", "s/values"]


def test_a_model_states_names_shapes_and_types() -> None:
    """Open dimensions are ``None``, dictionary inputs go by their keys, outputs by the model's names."""
    pixels, age = tensor("input_1", None, 784), tensor("input_2", None, 1)
    model = SimpleNamespace(
        inputs=[pixels, age],
        outputs=[tensor("dense/Softmax:0", None, 10)],
        output_names=["digit"],
        _nested_inputs={"pixels": pixels, "age": age},
        _nested_outputs=None,
    )
    assert observe.model_signature(model) == {
        "inputs": [
            {"name": "age", "shape": [None, 1], "dtype": "float32"},
            {"name": "pixels", "shape": [None, 784], "dtype": "float32"},
        ],
        "outputs": [{"name": "digit", "shape": [None, 10], "dtype": "float32"}],
    }


def test_a_sequential_of_keras_3_is_asked_through_its_functional_model() -> None:
    """By itself it names its outputs after a counter, which differs between save and load."""
    inner = SimpleNamespace(output_names=["digit"], _inputs_struct=[tensor("pixels", None, 784)])
    model = SimpleNamespace(
        _functional=inner, inputs=inner._inputs_struct, outputs=[tensor("keras_tensor_7", None, 10)]
    )
    assert [output["name"] for output in observe.model_signature(model)["outputs"]] == ["digit"]


def test_a_model_that_was_never_built_states_nothing() -> None:
    """Its properties raise, which is no failure of the load."""

    class Unbuilt:
        @property
        def inputs(self) -> object:
            raise AttributeError

    assert observe.model_signature(Unbuilt()) is None


def test_a_step_that_raises_is_the_one_under_way() -> None:
    """Steps that ended have seconds; the one that raised is named and taken out."""
    steps: dict[str, float | None] = {}
    with observe.timed(steps, "build"):
        pass
    with pytest.raises(ValueError, match="no"), observe.timed(steps, "train"):
        raise ValueError("no")
    assert observe.under_way(steps) == "train"
    assert list(steps) == ["build"]
    assert observe.under_way(steps) is None
