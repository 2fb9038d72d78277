"""What is told of a model's inside: layers and classes, what is not Keras' own, and its signature."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrix.results import Tensor
from tests.handed_in import h5, keras_2_config, layer, looked_into, saved_model, with_layers, with_object, zip_of


def test_layers_within_models_within_models_are_counted(tmp_path: Path) -> None:
    """A model within a model is no layer; what is in it is."""
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [layer("Dense"), layer("Dropout")]}}
    found = looked_into(tmp_path, model=with_layers(inner, layer("Dense")))
    assert found.model.layers == 5
    assert found.model.layer_classes == {"Dense": 3, "InputLayer": 1, "Dropout": 1}


@pytest.mark.parametrize(
    ("model", "custom"),
    [
        (with_layers(layer("MyAttention")), ("MyAttention",)),
        (with_layers(layer("my_package>MyAttention")), ("my_package>MyAttention",)),
        (with_layers(layer("TimeDistributed", layer=layer("Inner"))), ("Inner",)),
        (with_layers(layer("Dense", kernel_initializer={"class_name": "Odd", "config": {}})), ("Odd",)),
        (with_layers(layer("LSTM"), layer("TFOpLambda"), layer("Custom>Adam")), ()),
        (with_object(module="my.package", class_name="Act", registered_name="mine>Act"), ("mine>Act",)),
        (with_object(module="my.package", class_name="Act", registered_name=None), ("my.package.Act",)),
        (with_object(module=None, class_name="Act", registered_name="Act"), ("Act",)),
        (
            with_object(module="builtins", class_name="function", config="my_act", registered_name="function"),
            ("my_act",),
        ),
        (with_object(module="builtins", class_name="function", config="relu", registered_name="function"), ()),
        (with_object(module="keras.activations", class_name="function", config="relu"), ()),
        (with_object(module="keras.src.activations.activations", class_name="ReLU", registered_name="ReLU"), ()),
    ],
)
def test_what_is_not_keras_own_is_named(tmp_path: Path, model: bytes, custom: tuple[str, ...]) -> None:
    """By the module where one is stated, else by the name; and who hands it in is told what to bring."""
    found = looked_into(tmp_path, model=model)
    assert found.model.custom == custom
    assert any("custom_objects.py" in note for note in found.notes) is bool(custom)


def test_custom_objects_that_lack_what_the_model_names_are_told(tmp_path: Path) -> None:
    """Better now than after eighteen loads."""
    model = with_layers(layer("mine>Known"), layer("Unknown"))
    found = looked_into(tmp_path, model=model, custom_objects=b"class Known: ...")
    assert [note for note in found.notes if "does not define" in note] == [
        "custom_objects.py does not define Unknown, which the model names."
    ]
    by_function = looked_into(tmp_path, model=model, custom_objects=b"def custom_objects(): return {}")
    assert not any("does not define" in note for note in by_function.notes)


def test_lambdas_are_named(tmp_path: Path) -> None:
    """They are Python code in a model's file."""
    found = looked_into(tmp_path, model=with_layers(layer("Lambda", function=["4wEAAA", None, None])))
    assert found.model.lambdas == ("lambda",)
    assert any("bytecode" in note for note in found.notes)


def test_a_signature_of_a_saved_model_counts_where_its_config_states_nothing(tmp_path: Path) -> None:
    """A subclassed model in a SavedModel has no config."""
    found = looked_into(tmp_path, model=zip_of(saved_model()))
    assert found.signature is not None
    assert found.signature.inputs == (Tensor(name="x", shape=(None, 4), dtype="float32"),)


def test_hostile_names_are_shown_without_harm(tmp_path: Path) -> None:
    """Names of layers are anybody's text: cut, and without control characters."""
    config = keras_2_config(layer("A" * 5000), layer("b\x1b[31m\u202e"))
    config["config"]["layers"].extend(layer(f"C{number}") for number in range(500))
    found = looked_into(tmp_path, model=h5(config))
    assert found.refused is None
    assert len(found.model.custom) == 200
    assert all(len(name) <= 160 and name.isprintable() for name in found.model.custom)
    assert json.dumps(found.to_json(None))
