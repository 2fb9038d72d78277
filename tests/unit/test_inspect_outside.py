"""What reaches outside of a model's file is told, as ops, names, paths and links; what every honest model has is not."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from images.inspector import protos
from images.inspector.outside import IF_NAMED
from tests.handed_in import h5, keras_zip, layer, looked_into, saved_model, with_layers, with_object, zip_of


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
