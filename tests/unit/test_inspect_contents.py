"""What is told of a model's inside: layers and classes, what is not Keras' own, what reaches outside, and its inputs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from images.inspector import protos
from images.inspector.outside import IF_NAMED
from matrix.results import Tensor
from tests.handed_in import (
    Config,
    h5,
    keras_2_config,
    keras_3_config,
    keras_zip,
    layer,
    looked_into,
    npz,
    saved_model,
    weights_h5,
    zip_of,
)


def with_layers(*layers: Config) -> bytes:
    """HDF5 of a Sequential with these layers."""
    return h5(keras_2_config(*layers))


def with_object(**fields: Any) -> bytes:
    """A .keras file whose dense layer names this object as its activation."""
    config = keras_3_config()
    config["config"]["layers"][1]["config"]["activation"] = {"config": None, **fields}
    return keras_zip(config)


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


@pytest.mark.parametrize(
    ("model", "reaches"),
    [
        (with_object(module="os", class_name="function", config="system"), "the config names os.system"),
        (
            with_object(module="keras.utils", class_name="function", config="get_file"),
            "the config names keras.utils.get_file",
        ),
        (
            with_object(module="keras.config", class_name="function", config="enable_unsafe_deserialization"),
            "the config names",
        ),
        (with_layers(layer("StringLookup", vocabulary="/etc/passwd")), "reads its vocabulary from /etc/passwd"),
        (with_layers(layer("TextVectorization", vocabulary="gs://x")), "reads its vocabulary from gs://x"),
        (with_layers(layer("TFSMLayer", filepath="/data/x")), "loads the model at /data/x"),
        (zip_of(saved_model("ReadFile")), "op ReadFile reads files"),
        (zip_of(saved_model("WriteFile")), "op WriteFile writes files"),
        (zip_of(saved_model("MatchingFiles")), "op MatchingFiles lists files"),
        (zip_of(saved_model("SaveV2")), "op SaveV2 writes files"),
        (zip_of(saved_model("PrintV2")), "op PrintV2 prints to file:///tmp/x"),
        (zip_of(saved_model("EagerPyFunc")), "op EagerPyFunc calls Python"),
        (zip_of(saved_model("InitializeTableFromTextFileV2")), "reads its vocabulary from a file"),
        (zip_of(saved_model("LMDBReader")), "op LMDBReader reads files"),
        (zip_of(saved_model("WriteRawProtoSummary")), "op WriteRawProtoSummary writes files"),
        (zip_of(saved_model("DebugIdentityV3")), "writes files, or calls over the network"),
        (zip_of(saved_model("CollectiveReduceV2")), "exchanges data with other processes"),
        (zip_of(saved_model(assets=("../../x",))), "an asset outside of the archive: ../../x"),
    ],
)
def test_what_reaches_outside_is_told_and_loaded_all_the_same(tmp_path: Path, model: bytes, reaches: str) -> None:
    """A label, no boundary: that is the container."""
    found = looked_into(tmp_path, model=model)
    assert found.refused is None
    assert len(found.model.reaches) == 1
    assert reaches in found.model.reaches[0]


@pytest.mark.parametrize(
    "model",
    [keras_zip(), h5(), with_layers(layer("StringLookup", vocabulary=["a", "b"])), zip_of(saved_model("MatMul"))],
)
def test_an_honest_model_reaches_for_nothing(tmp_path: Path, model: bytes) -> None:
    """Every SavedModel has ops that save and restore it, in functions of that name."""
    assert looked_into(tmp_path, model=model).model.reaches == ()


def changed(change: Callable[[Any], object]) -> bytes:
    """A zipped SavedModel whose graph was changed."""
    files = saved_model()
    whole = protos.message("SavedModel")
    whole.ParseFromString(files["saved_model.pb"])
    change(whole)
    return zip_of({**files, "saved_model.pb": whole.SerializeToString()})


def a_function_of_that_name(whole: Any) -> None:
    """One that nothing calls, called as TensorFlow's own."""
    function = whole.meta_graphs[0].graph.library.functions.add()
    function.signature.name = b"__inference__traced_restore_99"
    function.nodes.add(name=b"RestoreV2", op=b"RestoreV2")


def a_call_in_the_model(whole: Any) -> None:
    """The model calls what restores."""
    node = whole.meta_graphs[0].graph.library.functions[0].nodes.add(name=b"x", op=b"PartitionedCall")
    node.attributes.add(key=b"f").value.function.name = b"__inference__traced_restore_7"


def a_call_in_a_list(whole: Any) -> None:
    """One of the branches of a Case."""
    node = whole.meta_graphs[0].graph.nodes.add(name=b"x", op=b"Case")
    node.attributes.add(key=b"branches").value.list.functions.add(name=b"__inference__traced_restore_7")


def a_function_to_call(whole: Any) -> None:
    """What loads the model may call it by its name."""
    whole.meta_graphs[0].objects.concrete.add(key=b"__inference__traced_restore_7")


def a_signature(whole: Any) -> None:
    """What answers a caller comes from the node that restores."""
    signature = whole.meta_graphs[0].signatures.add(key=b"other").value
    signature.outputs.add(key=b"y").value.name = b"of_restore:0"


def a_node_after_it(whole: Any) -> None:
    """A node that waits for it."""
    whole.meta_graphs[0].graph.nodes.add(name=b"x", op=b"Identity", inputs=[b"saver_filename", b"^of_restore"])


def what_is_run_at_first(whole: Any) -> None:
    """A SavedModel of TensorFlow 1 names the ops that are run when it is loaded."""
    whole.meta_graphs[0].collections.add(key=b"saved_model_main_op").value.nodes.names.append(b"of_restore")


def a_node_of_that_name(whole: Any) -> None:
    """In the graph itself, called as a saver of TensorFlow 1."""
    whole.meta_graphs[0].graph.nodes.add(name=b"save/RestoreV2", op=b"RestoreV2")


def in_another_graph(whole: Any) -> None:
    """A second graph, which is not for serving."""
    other = whole.meta_graphs.add()
    other.graph.nodes.add(name=b"x", op=b"RestoreV2")


@pytest.mark.parametrize(
    "change",
    [
        a_function_of_that_name,
        a_call_in_the_model,
        a_call_in_a_list,
        a_function_to_call,
        a_signature,
        a_node_after_it,
        what_is_run_at_first,
        a_node_of_that_name,
        in_another_graph,
    ],
)
def test_what_restores_is_told_where_more_than_the_saver_comes_to_it(
    tmp_path: Path, change: Callable[[Any], object]
) -> None:
    """The names of functions are the author's to choose; whom they are called by tells what they are for."""
    assert looked_into(tmp_path, model=changed(change)).model.reaches == ("op RestoreV2 reads files",)


def test_the_saver_of_a_graph_without_functions_is_no_reach(tmp_path: Path) -> None:
    """As TensorFlow 1 wrote it: restored values are assigned, and a group waits for all of that."""

    def change(whole: Any) -> None:
        graph = whole.meta_graphs[0]
        for name, op, inputs in (
            (b"w", b"VarHandleOp", ()),
            (b"save/RestoreV2", b"RestoreV2", (b"saver_filename",)),
            (b"save/Assign", b"AssignVariableOp", (b"w", b"save/RestoreV2:0")),
            (b"save/restore_all", b"NoOp", (b"^save/Assign",)),
            (b"read", b"ReadVariableOp", (b"w",)),
        ):
            graph.graph.nodes.add(name=name, op=op, inputs=inputs)
        del graph.graph.library.functions[1:], graph.graph.nodes[1:3]
        graph.saver.save, graph.saver.restore = b"", b"save/restore_all"

    assert looked_into(tmp_path, model=changed(change)).model.reaches == ()


@pytest.mark.parametrize("op", IF_NAMED)
def test_an_op_that_may_read_a_file_is_told_where_it_names_one(tmp_path: Path, op: str) -> None:
    """A sampler holds its counts itself, or reads them."""

    def change(whole: Any) -> None:
        node = whole.meta_graphs[0].graph.nodes.add(name=b"x", op=op.encode())
        node.attributes.add(key=IF_NAMED[op]).value.text = b"/etc/passwd"

    assert looked_into(tmp_path, model=zip_of(saved_model(op))).model.reaches == ()
    assert looked_into(tmp_path, model=changed(change)).model.reaches == (f"op {op} reads files",)


def test_a_message_type_that_is_known_is_no_file(tmp_path: Path) -> None:
    """What decodes messages may hold their description itself."""

    def change(whole: Any) -> None:
        node = whole.meta_graphs[0].graph.nodes.add(name=b"x", op=b"DecodeProtoV2")
        node.attributes.add(key=b"descriptor_source").value.text = b"local://"

    assert looked_into(tmp_path, model=changed(change)).model.reaches == ()


def test_hdf5_that_leads_out_is_told_and_not_followed(tmp_path: Path) -> None:
    """External links, arrays stored elsewhere, arrays of other files' parts: named, never opened."""
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.arange(3)
    buffer = io.BytesIO(h5())
    with h5py.File(buffer, "a") as file:
        file["link"] = h5py.ExternalLink(str(secret), "/x")
        file.create_dataset("stored", (10,), "u1", external=[("/etc/passwd", 0, 10)])
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource(str(secret), "x", (3,))
        file.create_virtual_dataset("parts", layout)
    found = looked_into(tmp_path / "in", model=buffer.getvalue())
    assert found.refused is None
    assert sorted(reach.partition(" /")[0] for reach in found.model.reaches) == [
        "external link",
        "external storage of",
        "virtual dataset",
    ]
    assert any("/etc/passwd" in reach for reach in found.model.reaches)


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
