"""What a model that somebody brought is called with: inputs given, or of its script, or made; and which of these is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from images.probe import wire
from tests.brought_python import Keras, built, inbox, what
from tests.probe_code import probe

__all__ = ["inbox"]

brought = probe("brought")


@pytest.mark.parametrize(
    ("returned", "names", "structure"),
    [
        ("np.zeros((2, 3))", ["input_0"], "single"),
        ("[np.zeros(2), np.ones(2)]", ["input_0", "input_1"], "list"),
        ("{'b': np.zeros(2), 'a': np.ones(2)}", ["b", "a"], "dict"),
    ],
)
def test_sample_inputs_are_taken_as_they_are_given(
    inbox: Path, tmp_path: Path, returned: str, names: list[str], structure: str
) -> None:
    """An array, a list of arrays or a dictionary."""
    made = built(inbox, tmp_path, f"def build_model(): return Keras()\ndef sample_inputs(): return {returned}\n")
    assert ([name for name, _ in made.inputs], made.structure) == (names, structure)


def test_a_list_of_samples_takes_the_names_that_the_model_gives() -> None:
    """Where it names as many."""
    assert brought._sampled([1, 2], ["a", "b"])[0] == [("a", 1), ("b", 2)]
    assert [name for name, _ in brought._sampled([1, 2], ["a"])[0]] == ["input_0", "input_1"]


def test_a_model_that_states_nothing_is_not_called() -> None:
    """And it is said why."""
    assert brought.inputs(Keras(), what(), "/nowhere") == ([], "single", {"from": "", "notes": [brought.UNCALLED]})


def test_inputs_that_were_given_are_what_a_built_model_is_called_with(inbox: Path, tmp_path: Path) -> None:
    """Nothing is made, and sample_inputs() is not asked: they come from whoever hands the script in."""
    (inbox / "b").write_text(
        f"from {__name__} import Keras\ndef build_model(): return Keras()\ndef sample_inputs(): raise RuntimeError\n"
    )
    specs, raw = wire.encode_arrays([("x", np.ones(2, "float32"))])
    (inbox / "i").write_bytes(wire.pack({"arrays": specs, "structure": "dict"}, raw))
    chosen = brought.given({"inputs": "i"})
    made = brought.recipe(what(builder="b"), str(tmp_path / "work"), chosen).build(None)
    assert ([name for name, _ in made.inputs], made.structure, made.made) == (["x"], "dict", None)
    assert brought.given({"inputs": ""}) == ([], "single")


def test_where_made_inputs_come_from_is_told(inbox: Path, tmp_path: Path) -> None:
    """Of the script, or of what the model states; and what was assumed."""
    made = built(inbox, tmp_path, "def build_model(): return Keras()\ndef sample_inputs(): return np.zeros(2)\n")
    assert made.made == {"from": "sample_inputs", "notes": []}
    words = SimpleNamespace(name="words", shape=(None, 5), dtype="int32")
    model = Keras(inputs=[words], outputs=[words], input_names=["words"], layers=[])
    _, _, said = brought.inputs(model, what(), "/nowhere")
    assert said["from"] == "model"
    assert "is not known" in said["notes"][0]


def test_inputs_of_an_embedding_stay_within_it() -> None:
    """The smallest of the tables that look one input up is what counts."""
    words, other = (SimpleNamespace(name=name, shape=(None, 5), dtype="int32") for name in ("words", "other"))

    class Embedding:
        def __init__(self, input_dim: int, tensor: Any) -> None:
            self.input_dim, self.input = input_dim, tensor

    model = Keras(
        inputs=[words, other],
        outputs=[other],
        input_names=["words", "other"],
        _nested_inputs=[words, other],
        layers=[Embedding(50, words), Embedding(7, words), SimpleNamespace(input=other)],
    )
    assert brought.ranges(model) == {"words": (0, 7)}
    named, structure, _ = brought.inputs(model, what(), "/nowhere")
    values = dict(named)
    assert structure == "list"
    assert values["words"].dtype == np.int32
    assert values["words"].max() > 1, "the table's size was not used"
    assert 0 <= values["words"].min() <= values["words"].max() < 7
