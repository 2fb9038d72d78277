"""Files as people hand them in, made by hand: no TensorFlow wrote them, and yet they say what its files say."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from images.inspector import protos
from images.inspector.upload import inspected
from matrix.uploads.inspection import Inspection, read

Config = dict[str, Any]
TENSORFLOW_2_15 = "2.15.0"


def looked_into(folder: Path, name: str = "model.keras", /, **parts: bytes) -> Inspection:
    """What is said of an upload of these parts, as the host reads it."""
    folder.mkdir(exist_ok=True)
    for part, content in parts.items():
        (folder / part).write_bytes(content)
    asked = {part: {"file": part, "name": name if part == "model" else part} for part in parts}
    return read(inspected(asked, folder))


def code_of(found: Inspection) -> str | None:
    """Why an upload is refused, in a word."""
    return None if found.refused is None else found.refused.code


def keras_3_config(*, dtype: Any = None, words: bool = False) -> Config:
    """A functional model as Keras 3.4 to 3.12 write it: an input, an embedding if it reads words, a dense layer."""
    policy = dtype or {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": None,
    }
    own = {"module": "keras.layers", "registered_name": None}
    start: Config = {
        **own, "class_name": "InputLayer", "name": "x", "inbound_nodes": [],
        "config": {"batch_shape": [None, 4], "dtype": "int32" if words else "float32", "sparse": False, "name": "x"},
    }  # fmt: skip
    embedding = {
        **own, "class_name": "Embedding", "name": "embedding", "inbound_nodes": _node("x"),
        "config": {"name": "embedding", "trainable": True, "dtype": policy, "input_dim": 7, "output_dim": 4},
    }  # fmt: skip
    dense = {
        **own, "class_name": "Dense", "name": "y", "inbound_nodes": _node("embedding" if words else "x"),
        "config": {"name": "y", "trainable": True, "dtype": policy, "units": 3, "activation": "softmax"},
    }  # fmt: skip
    layers = [start, embedding, dense] if words else [start, dense]
    return {
        "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
        "config": {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]},
        "compile_config": {"optimizer": "adam", "loss": "mse"},
    }  # fmt: skip


def keras_2_config(*layers: Config) -> Config:
    """A Sequential model as tf.keras writes it: an input, what is given, a dense layer."""
    start = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "dtype": "float32", "name": "x"}}
    dense = {"class_name": "Dense", "config": {"name": "y", "trainable": True, "dtype": "float32", "units": 3}}
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [start, *layers, dense]}}


def layer(name: str, **config: Any) -> Config:
    """A layer of a class, as tf.keras writes it."""
    return {"class_name": name, "config": {"name": name.lower(), "trainable": True, **config}}


def keras_zip(
    config: Any = None,
    *,
    weights: bytes | None = None,
    version: str = "3.9.0",
    day: str = "2025-04-01",
    packed: bool = False,
) -> bytes:
    """A .keras file."""
    metadata = {"keras_version": version, "date_saved": f"{day}@10:11:12"}
    files = {
        "metadata.json": json.dumps(metadata).encode(),
        "config.json": json.dumps(config or keras_3_config()).encode(),
        "model.weights.h5": new_weights() if weights is None else weights,
    }
    return zip_of(files, packed=packed)


def new_weights(*, state: bool = False) -> bytes:
    """Weights as they lie in a .keras file of Keras 3."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((4, 3), "float32")
        file["layers/dense/vars/1"] = np.zeros(3, "float32")
        file["optimizer/vars/0"] = np.int64(1)
        if state:
            file["optimizer/vars/2"] = np.zeros((4, 3), "float32")
    return buffer.getvalue()


def h5(config: Any = None, *, keras: str | None = TENSORFLOW_2_15, weights: bool = True) -> bytes:
    """A whole model in HDF5, as tf.keras writes it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["backend"] = "tensorflow"
        if keras is not None:
            file.attrs["keras_version"] = keras
        file.attrs["model_config"] = json.dumps(config or keras_2_config())
        file.attrs["training_config"] = json.dumps({"optimizer_config": {"class_name": "Custom>Adam", "config": {}}})
        if weights:
            file["model_weights/y/y/kernel:0"] = np.zeros((4, 3), "float32")
            file["model_weights/y/y/bias:0"] = np.zeros(3, "float32")
            file["optimizer_weights/Adam/iter:0"] = np.int64(1)
            file["optimizer_weights/Adam/y/kernel/m:0"] = np.zeros((4, 3), "float32")
    return buffer.getvalue()


def with_layers(*layers: Config) -> bytes:
    """HDF5 of a Sequential with these layers."""
    return h5(keras_2_config(*layers))


def with_object(**fields: Any) -> bytes:
    """A .keras file whose dense layer names this object as its activation."""
    config = keras_3_config()
    config["config"]["layers"][1]["config"]["activation"] = {"config": None, **fields}
    return keras_zip(config)


def weights_h5(*, keras: str | None = "2.9.0") -> bytes:
    """Weights alone, as tf.keras writes them."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        if keras is not None:
            file.attrs["keras_version"] = keras
        file.attrs["layer_names"] = [b"x", b"y"]
        file["y/y/kernel:0"] = np.zeros((4, 3), "float32")
    return buffer.getvalue()


def saved_model(
    *ops: str, version: str = "2.9.3", keras: bool = True, assets: tuple[str, ...] = ()
) -> dict[str, bytes]:
    """The files of a SavedModel, with ops in one of its functions."""
    whole = protos.message("SavedModel")
    graph = whole.meta_graphs.add()
    graph.meta_info.tags.append(b"serve")
    graph.meta_info.tensorflow_version = version.encode()
    function = graph.graph.library.functions.add()
    function.signature.name = b"__inference_call_1"
    for op in ops:
        node = function.nodes.add(name=op.encode(), op=op.encode())
        if op == "PrintV2":
            node.attributes.add(key=b"output_stream").value.text = b"file:///tmp/x"
    _save_and_restore(graph)
    _state(graph)
    for name in assets:
        graph.assets.add(filename=name.encode())
    files = {"saved_model.pb": whole.SerializeToString(), "variables/variables.index": b"x"}
    files["variables/variables.data-00000-of-00001"] = b"x"
    if keras:
        files["keras_metadata.pb"] = _keras_metadata()
    return files


def _save_and_restore(graph: Any) -> None:
    """What TensorFlow puts into every SavedModel: two functions, each called by one node that only the saver names."""
    graph.graph.nodes.add(name=b"saver_filename", op=b"Placeholder")
    for name, ops in (("save", ("SaveV2", "MergeV2Checkpoints")), ("restore", ("RestoreV2",))):
        function = graph.graph.library.functions.add()
        function.signature.name = f"__inference__traced_{name}_7".encode()
        for op in ops:
            function.nodes.add(name=op.encode(), op=op.encode(), inputs=[b"file_prefix"])
        node = graph.graph.nodes.add(
            name=f"of_{name}".encode(), op=b"StatefulPartitionedCall", inputs=[b"saver_filename"]
        )
        node.attributes.add(key=b"f").value.function.name = function.signature.name
    graph.saver.save, graph.saver.restore = b"of_save:0", b"of_restore"


def zip_of(files: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files: Mapping[str, bytes], *, packed: bool = False) -> bytes:
    """A tar of these files."""
    members = []
    for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        members.append((member, content))
    return tar_of_members(members, packed=packed)


def tar_of_members(members: list[tuple[tarfile.TarInfo, bytes]], *, packed: bool = False) -> bytes:
    """A tar of these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if packed else "w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def under(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files, in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}


def npz(**arrays: Any) -> bytes:
    """Inputs as numpy.savez writes them."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _node(name: str) -> list[Any]:
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "keras_history": [name, 0, 0]}}
    return [{"args": [tensor], "kwargs": {}}]


def _state(graph: Any) -> None:
    """A kernel that is the model's own, a moment that is its optimizer's, and a signature."""
    nodes = [graph.objects.nodes.add() for _ in range(4)]
    nodes[0].children.add(node=1, name=b"variables")
    nodes[1].children.add(node=2, name=b"0")
    for node in nodes[2:]:
        node.variable.name = b"y/kernel"
        for size in (4, 3):
            node.variable.shape.dimensions.add(size=size)
    nodes[0].slots.add(slot=3)
    signature = graph.signatures.add(key=b"serving_default").value
    for entries, name, width in ((signature.inputs, b"x", 4), (signature.outputs, b"y", 3)):
        info = entries.add(key=name).value
        info.dtype = 1
        for size in (-1, width):
            info.shape.dimensions.add(size=size)


def _keras_metadata() -> bytes:
    root = {
        **keras_2_config(),
        "keras_version": "2.9.0",
        "training_config": {"optimizer_config": {"class_name": "SGD"}},
    }
    metadata = protos.message("KerasMetadata")
    metadata.nodes.add(identifier=b"_tf_keras_sequential", metadata=json.dumps(root).encode())
    return bytes(metadata.SerializeToString())


def other_hdf5() -> bytes:
    """HDF5 that has nothing to do with Keras."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["notes"] = "text"
    return buffer.getvalue()


def h5_saying(config: str) -> bytes:
    """HDF5 whose model config is this text."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = config
    return buffer.getvalue()


def hdf5_declaring(shape: tuple[int, ...]) -> bytes:
    """HDF5 whose one array has this shape, and no bytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(keras_2_config())
        file.create_dataset("model_weights/y/kernel:0", shape, "float32", chunks=(1,) * len(shape))
    return buffer.getvalue()
