"""Files that do harm when they are read: each function makes one, inside an image, with the kit of kit.py.

What they reach for on the host is a canary, a file whose content and times are looked at afterwards.
"""

from __future__ import annotations

from typing import Any, Final

from matrix.model import Format, Method, Verdict
from tests.hostile.case import Cases

FILES: Final = Cases("Files that do harm when they are read")
LOADS, FAIL, TIMEOUT = Verdict.LOADS, Verdict.FAIL, Verdict.TIMEOUT
CRASH, OUT_OF_MEMORY = Verdict.CRASH, Verdict.OUT_OF_MEMORY

H5: Final = {"format": Format.H5}
KERAS: Final = {"format": Format.KERAS}
SAVEDMODEL: Final = {"format": Format.SAVEDMODEL, "method": Method.SAVED_MODEL_LOAD}
UNSAFE: Final = {"format": Format.KERAS, "method": Method.SAFE_MODE_FALSE}


@FILES.case(FAIL, often=True, **H5)
def external_link(kit: Any) -> Any:
    """An HDF5 link that leads into another file, of the host. Stopped by: the host's files are not in the container."""
    import h5py

    def edit(file):
        del file["model_weights/y"]
        file["model_weights/y"] = h5py.ExternalLink(kit.canary, "/")

    return kit.edited_h5(edit)


@FILES.case(FAIL, LOADS, **H5)
def external_storage(kit: Any) -> Any:
    """HDF5 weights whose bytes are those of a file of the host. Stopped by: the file is not there; newer Keras refuses."""

    def edit(file):
        kernel = next(name for name in _names(file) if name.endswith("kernel:0"))
        del file[kernel]
        file.create_dataset(kernel, (4, 2), "float32", external=[(kit.canary, 0, 32)])

    def _names(file):
        found = []
        file.visit(found.append)
        return found

    return kit.edited_h5(edit)


@FILES.case(FAIL, LOADS, **H5)
def virtual_dataset(kit: Any) -> Any:
    """HDF5 weights that are a view of a dataset in a file of the host. Stopped by: the file is not there."""
    import h5py

    def edit(file):
        found = []
        file.visit(found.append)
        kernel = next(name for name in found if name.endswith("kernel:0"))
        del file[kernel]
        layout = h5py.VirtualLayout((4, 2), "float32")
        layout[...] = h5py.VirtualSource(kit.canary, "kernel", (4, 2))
        file.create_virtual_dataset(kernel, layout)

    return kit.edited_h5(edit)


@FILES.case(FAIL, LOADS, TIMEOUT, **H5)
def cyclic_group(kit: Any) -> Any:
    """An HDF5 group that contains itself. Stopped by: nobody walks it to its end; else the clock."""

    def edit(file):
        file["model_weights/y/again"] = file["model_weights"]

    return kit.edited_h5(edit)


@FILES.case(FAIL, OUT_OF_MEMORY, CRASH, TIMEOUT, **H5)
def shape_bomb(kit: Any) -> Any:
    """HDF5 weights of 1.6 GB that need no byte in the file. Stopped by: the limit on memory; newer Keras refuses."""

    def edit(file):
        found = []
        file.visit(found.append)
        kernel = next(name for name in found if name.endswith("kernel:0"))
        del file[kernel]
        file.create_dataset(kernel, (100_000_000, 4), "float32", chunks=(1 << 20, 4))

    return kit.edited_h5(edit)


@FILES.case(FAIL, OUT_OF_MEMORY, CRASH, TIMEOUT, **H5)
def terabyte_layer(kit: Any) -> Any:
    """A config that asks for a layer of terabytes. Stopped by: the limit on memory, or the clock."""
    import json

    def edit(file):
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if "units" in layer["config"]:
                layer["config"]["units"] = 1 << 38
        file.attrs["model_config"] = json.dumps(config)

    return kit.edited_h5(edit)


@FILES.case(FAIL, CRASH, **H5)
def deep_config(kit: Any) -> Any:
    """A config nested so deeply that its reader runs out of stack. Stopped by: it is the child's stack."""

    def edit(file):
        del file.attrs["model_config"]
        file.attrs.create("model_config", "[" * 30000 + "]" * 30000)

    return kit.edited_h5(edit)


@FILES.case(FAIL, CRASH, **H5)
def foreign_bytecode(kit: Any) -> Any:
    """A Lambda whose marshalled code is of no Python. Stopped by: it brings down the child, which is a verdict."""
    import base64
    import json

    tf = kit.tf
    inputs = tf.keras.Input((4,), name="x")
    model = tf.keras.Model(inputs, tf.keras.layers.Lambda(lambda x: x, name="y")(inputs))

    def edit(file):
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if "function" in layer["config"]:
                code = base64.b64encode(b"\xe3" + b"\xff" * 200).decode()
                layer["config"]["function"] = [code, None, None]
        file.attrs["model_config"] = json.dumps(config)

    return kit.edited_h5(edit, model)


@FILES.case(FAIL, LOADS, often=True, **H5)
def vocabulary_of_the_host(kit: Any) -> Any:
    """A vocabulary that is a file of the host. Stopped by: the file is not there; newer Keras refuses."""
    import json

    tf = kit.tf
    inputs = tf.keras.Input((1,), dtype="string", name="x")
    layer = tf.keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot", name="y")
    model = tf.keras.Model(inputs, layer(inputs))

    def edit(file):
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["vocabulary"] = kit.canary
        file.attrs["model_config"] = json.dumps(config)

    return kit.edited_h5(edit, model)


@FILES.case(FAIL, LOADS, **H5)
def vocabulary_of_a_process(kit: Any) -> Any:
    """A vocabulary that is the environment of the zygote. Stopped by: it is another user's."""
    import json

    tf = kit.tf
    inputs = tf.keras.Input((1,), dtype="string", name="x")
    layer = tf.keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot", name="y")
    model = tf.keras.Model(inputs, layer(inputs))

    def edit(file):
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["vocabulary"] = "/proc/1/environ"
        file.attrs["model_config"] = json.dumps(config)

    return kit.edited_h5(edit, model)


@FILES.case(FAIL, LOADS, TIMEOUT, **H5)
def vocabulary_of_the_network(kit: Any) -> Any:
    """A vocabulary at an address of a cloud, which TensorFlow would fetch with the machine's own rights.
    Stopped by: no network; the name does not even resolve.
    """
    import json

    tf = kit.tf
    inputs = tf.keras.Input((1,), dtype="string", name="x")
    layer = tf.keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot", name="y")
    model = tf.keras.Model(inputs, layer(inputs))

    def edit(file):
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["vocabulary"] = "gs://bucket/words.txt"
        file.attrs["model_config"] = json.dumps(config)

    return kit.edited_h5(edit, model)


@FILES.case(FAIL, LOADS, often=True, **KERAS)
def names_a_function(kit: Any) -> Any:
    """A .keras whose config names os.system as a layer's function (CVE-2025-1550).
    Stopped by: safe mode, where the loader has it; else it runs as nobody, in a container without anything.
    """
    return kit.calling("os", "system")


@FILES.case(FAIL, LOADS, **KERAS)
def names_a_class(kit: Any) -> Any:
    """A .keras whose config names subprocess.Popen as a layer.
    Stopped by: it is no Keras class; where it is made all the same, it runs as nobody.
    """

    def edit(layer):
        layer.update(
            class_name="Popen", module="subprocess", registered_name="Popen", config={"args": ["touch", "/in/owned"]}
        )

    return kit.keras(edit)


@FILES.case(FAIL, LOADS, **KERAS)
def switches_safe_mode_off(kit: Any) -> Any:
    """A .keras whose config first calls enable_unsafe_deserialization, then has a Lambda (CVE-2025-9906).
    Stopped by: newer Keras refuses; the sandbox does not depend on it.
    """
    old = kit.tf.__version__ < "2.16"
    return kit.calling("keras.src.saving.serialization_lib" if old else "keras.config", "enable_unsafe_deserialization")


@FILES.case(FAIL, LOADS, **KERAS)
def fetches_and_unpacks(kit: Any) -> Any:
    """A .keras whose config calls get_file to fetch an archive and unpack it (CVE-2025-8747).
    Stopped by: no network, and nothing to unpack into but its own folder.
    """
    return kit.calling("keras.utils", "get_file", origin="file:///etc/passwd", extract=True, cache_dir="/in")


@FILES.case(FAIL, LOADS, **KERAS)
def loads_another_model(kit: Any) -> Any:
    """A .keras whose config calls load_model on another path without safe mode.
    Stopped by: there is no other model; safe mode, where the loader has it.
    """
    return kit.calling("keras.saving", "load_model", safe_mode=False)


@FILES.case(FAIL, **KERAS)
def layer_of_a_path(kit: Any) -> Any:
    """A .keras with a TFSMLayer, which loads a SavedModel from a path (CVE-2026-1462). Stopped by: nothing lies there."""

    def edit(layer):
        layer.update(class_name="TFSMLayer", module="keras.layers", registered_name=None, build_config=None)
        layer["config"] = {"filepath": kit.canary, "call_endpoint": "serve", "name": layer["config"]["name"]}

    return kit.keras(edit)


@FILES.case(FAIL, LOADS, often=True, **KERAS)
def pickled_weights(kit: Any) -> Any:
    """A .keras whose weights are an .npz of pickled objects. Stopped by: numpy unpickles nothing that it is not told to."""
    import io
    import os
    import zipfile

    import numpy as np

    class Evil:
        def __reduce__(self):
            return os.system, ("touch /tmp/owned-by-pickle",)

    whole, objects = io.BytesIO(), np.array([Evil(), Evil()], dtype=object)
    places = [
        top + name + end
        for top in ("layers/", "_layer_checkpoint_dependencies/")
        for name in ("y", "dense")
        for end in ("", "/vars")
    ]
    np.savez(whole, **dict.fromkeys(places, objects))
    with zipfile.ZipFile(io.BytesIO(kit.keras())) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".h5")}
    return kit.zip({**found, "model.weights.npz": whole.getvalue()})


@FILES.case(FAIL, often=True, **KERAS)
def lambda_in_safe_mode(kit: Any) -> Any:
    """A .keras with a Lambda's marshalled code. Stopped by: safe mode, the loader's own default."""
    import os

    tf = kit.tf
    inputs = tf.keras.Input((4,), name="x")
    layer = tf.keras.layers.Lambda(lambda x: x, name="y")
    model = tf.keras.Model(inputs, layer(inputs))
    path = os.path.join(kit.folder, "lambda.keras")
    model.save(path)
    return kit.read(path)


@FILES.case(FAIL, LOADS, **UNSAFE)
def lambda_out_of_safe_mode(kit: Any) -> Any:
    """The same, loaded with safe_mode=False, writing wherever it can. Stopped by: the sandbox alone; it runs."""
    import os

    tf = kit.tf
    inputs = tf.keras.Input((4,), name="x")
    source = "lambda x: (open('/in/owned', 'w'), x)[1]"
    layer = tf.keras.layers.Lambda(lambda x: x, name="y")
    model = tf.keras.Model(inputs, layer(inputs))
    layer.function = eval(source)
    path = os.path.join(kit.folder, "lambda.keras")
    model.save(path)
    return kit.read(path)


@FILES.case(OUT_OF_MEMORY, FAIL, TIMEOUT, CRASH, **KERAS)
def config_bomb(kit: Any) -> Any:
    """A .keras of 2 MB whose config.json has 1.5 GB. Stopped by: the limit on memory."""
    return kit.keras(config=b'{"a": "' + b" " * (1500 << 20) + b'"}')


@FILES.case(FAIL, LOADS, **KERAS)
def zip_slip_in_keras(kit: Any) -> Any:
    """A .keras with members that lead outside of it. Stopped by: Keras unpacks what it looks for; else the read-only root."""
    members = {"../../../../tmp/owned": b"x", "/in/owned": b"x", "/probe/load.py": b"raise SystemExit"}
    return kit.keras(**members)


@FILES.case(FAIL, often=True, **SAVEDMODEL)
def reads_a_file(kit: Any) -> Any:
    """A SavedModel that reads a file of the host when it is called. Stopped by: the file is not there."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.io.read_file(tf.constant(kit.canary))})


@FILES.case(LOADS, often=True, **SAVEDMODEL)
def reads_the_image(kit: Any) -> Any:
    """A SavedModel that reads a file of the image and answers with it. Stopped by: nothing; the image holds no secret."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.io.read_file(tf.constant("/etc/passwd"))})


@FILES.case(FAIL, often=True, **SAVEDMODEL)
def writes_a_file(kit: Any) -> Any:
    """A SavedModel that writes a file when it is called. Stopped by: a read-only root and read-only mounts."""
    tf = kit.tf

    def serve(x):
        with tf.control_dependencies([tf.io.write_file(tf.constant("/in/owned"), tf.constant("x"))]):
            return {"y": tf.identity(x)}

    return kit.savedmodel(serve)


@FILES.case(FAIL, LOADS, **SAVEDMODEL)
def prints_to_a_file(kit: Any) -> Any:
    """A SavedModel that prints into the probe and beside the canary. Stopped by: the same."""
    tf = kit.tf

    def serve(x):
        first = tf.print("raise SystemExit", output_stream="file:///probe/load.py")
        with tf.control_dependencies([first, tf.print("x", output_stream="file://" + kit.canary)]):
            return {"y": tf.identity(x)}

    return kit.savedmodel(serve)


@FILES.case(FAIL, LOADS, **SAVEDMODEL)
def saves_and_restores(kit: Any) -> Any:
    """A SavedModel that saves its tensors over the host's file and restores from it. Stopped by: the same."""
    tf = kit.tf

    def serve(x):
        saved = tf.raw_ops.SaveV2(prefix=kit.canary, tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        with tf.control_dependencies([saved]):
            return {
                "y": tf.raw_ops.RestoreV2(
                    prefix=kit.canary, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
                )[0]
            }

    return kit.savedmodel(serve)


@FILES.case(LOADS, FAIL, **SAVEDMODEL)
def lists_files(kit: Any) -> Any:
    """A SavedModel that lists files, the host's and those of other uploads. Stopped by: there are none but its own."""
    tf = kit.tf
    return kit.savedmodel(
        lambda x: {"y": tf.io.matching_files(tf.constant(["/in/*", "/var/uploads/*/*", kit.canary + "*"]))}
    )


@FILES.case(TIMEOUT, often=True, **SAVEDMODEL)
def never_ends(kit: Any) -> Any:
    """A SavedModel with a loop that never ends, in TensorFlow's own threads. Stopped by: the clock; SIGTERM ends it."""
    tf = kit.tf

    def serve(x):
        return {
            "y": x
            + tf.cast(tf.while_loop(lambda n: n > -1, lambda n: [(n + 1) % 1000], [tf.constant(0)])[0], tf.float32)
        }

    return kit.savedmodel(serve)


@FILES.case(OUT_OF_MEMORY, FAIL, CRASH, TIMEOUT, **SAVEDMODEL)
def eats_memory_in_a_graph(kit: Any) -> Any:
    """A SavedModel that asks for a tensor of 4 TB. Stopped by: the limit on memory, or the clock."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.reduce_sum(tf.fill([1 << 20, 1 << 20], x[0, 0]))})


@FILES.case(FAIL, **SAVEDMODEL)
def calls_python(kit: Any) -> Any:
    """A SavedModel with a py_function, which names code in the saver's process. Stopped by: that process is not this one."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.py_function(lambda n: n, [x], tf.float32)})


@FILES.case(FAIL, LOADS, **SAVEDMODEL)
def asset_outside(kit: Any) -> Any:
    """A SavedModel whose asset is a path that leads out of its folder. Stopped by: there is nothing but the image."""
    import os

    from tensorflow.core.protobuf import saved_model_pb2

    def edit(path):
        place = os.path.join(path, "saved_model.pb")
        message = saved_model_pb2.SavedModel()
        with open(place, "rb") as file:
            message.ParseFromString(file.read())
        asset = message.meta_graphs[0].asset_file_def.add()
        asset.filename, asset.tensor_info.name = "../../../../.." + kit.canary, "Const:0"
        with open(place, "wb") as file:
            file.write(message.SerializeToString())

    return kit.savedmodel(lambda x: {"y": x + 1.0}, edit)


@FILES.case(FAIL, CRASH, **SAVEDMODEL)
def kernel_that_checks(kit: Any) -> Any:
    """A SavedModel that calls kernels with arguments on which old ones crash (CVE-2022-35982, CVE-2022-36011 and the like).
    Stopped by: a crash is one process; newer kernels raise.
    """
    tf = kit.tf

    def serve(x):
        huge = tf.constant([1 << 62], tf.int64)
        first = tf.raw_ops.SparseBincount(
            indices=tf.constant([], tf.int64, (0, 0)),
            values=tf.constant([], tf.int64),
            dense_shape=tf.constant([-5], tf.int64),
            size=huge[0],
            weights=tf.constant([], tf.float32),
            binary_output=False,
        )
        return {"y": first}

    return kit.savedmodel(serve)


@FILES.case(FAIL, format=Format.H5, method=Method.CUSTOM_OBJECTS)
def python_that_does_not_import(kit: Any) -> Any:
    """Custom objects that raise when they are imported. Stopped by: imported in the child alone; its words are the error."""
    return {"model": kit.read(kit.h5()), "custom_objects": b"import no_such_module_at_all\n"}


@FILES.case(LOADS, format=Format.H5, method=Method.CUSTOM_OBJECTS)
def python_in_place_of_a_layer(kit: Any) -> Any:
    """Custom objects named like Keras's own layers. Stopped by: nothing; who brings them is who they answer."""
    source = b"import tensorflow as tf\nclass Dense(tf.keras.layers.Dense):\n    def call(self, x):\n        return x[:, :2] * 0\n"
    return {"model": kit.read(kit.h5()), "custom_objects": source}


@FILES.case(TIMEOUT, format=Format.H5, method=Method.CUSTOM_OBJECTS)
def python_that_never_ends(kit: Any) -> Any:
    """Custom objects whose import never ends. Stopped by: the clock."""
    return {"model": kit.read(kit.h5()), "custom_objects": b"while True: pass\n"}


@FILES.case(FAIL, CRASH, **H5)
def truncated_h5(kit: Any) -> Any:
    """The first half of an h5 file. Stopped by: the reader's own checks; else one process."""
    whole = kit.read(kit.h5())
    return whole[: len(whole) // 2]


@FILES.case(FAIL, CRASH, LOADS, **H5)
def scrambled_h5(kit: Any) -> Any:
    """An h5 file with bytes turned over all through it. Stopped by: the same."""
    return kit.scrambled(kit.read(kit.h5()))


@FILES.case(FAIL, **KERAS)
def truncated_keras(kit: Any) -> Any:
    """The first half of a .keras. Stopped by: a zip without its directory is none."""
    whole = kit.keras()
    return whole[: len(whole) // 2]


@FILES.case(FAIL, **KERAS)
def h5_under_another_name(kit: Any) -> Any:
    """An h5 file that is said to be a .keras. Stopped by: the bytes decide."""
    return kit.read(kit.h5())


@FILES.case(FAIL, **H5)
def nothing_at_all(kit: Any) -> Any:
    """An empty file. Stopped by: it is no file of its kind."""
    del kit
    return b""


@FILES.case(FAIL, CRASH, **SAVEDMODEL)
def scrambled_savedmodel(kit: Any) -> Any:
    """A SavedModel with bytes of its graph turned over. Stopped by: the reader's own checks; else one process."""
    import os

    def edit(path):
        with open(os.path.join(path, "saved_model.pb"), "r+b") as file:
            whole = bytearray(file.read())
            for at in range(50, len(whole), 31):
                whole[at] ^= 0x55
            file.seek(0)
            file.write(whole)

    return kit.savedmodel(lambda x: {"y": x + 1.0}, edit)


@FILES.case(FAIL, CRASH, LOADS, **KERAS)
def scrambled_keras(kit: Any) -> Any:
    """A .keras with bytes turned over all through it. Stopped by: the sums of its zip, and the reader's own checks."""
    return kit.scrambled(kit.keras())


@FILES.case(FAIL, CRASH, LOADS, format=Format.JSON_WEIGHTS)
def scrambled_weights_beside_json(kit: Any) -> Any:
    """Weights with bytes turned over, beside an honest architecture. Stopped by: the reader's own checks; else one process."""
    return {"model": kit.scrambled(kit.weights()), "architecture": kit.honest().to_json().encode()}


@FILES.case(FAIL, format=Format.JSON_WEIGHTS)
def half_of_an_architecture(kit: Any) -> Any:
    """Honest weights, beside the first half of their JSON. Stopped by: it is no JSON."""
    text = kit.honest().to_json().encode()
    return {"model": kit.weights(), "architecture": text[: len(text) // 2]}


@FILES.case(FAIL, CRASH, format=Format.CHECKPOINT, method=Method.WEIGHTS)
def scrambled_checkpoint(kit: Any) -> Any:
    """A checkpoint with bytes of its index turned over. Stopped by: the reader's own checks; else one process."""
    import os

    folder = os.path.join(kit.folder, "checkpoint")
    os.makedirs(folder, exist_ok=True)
    kit.tf.train.Checkpoint(kit.honest()).write(os.path.join(folder, "weights"))
    index = os.path.join(folder, "weights.index")
    whole = kit.scrambled(kit.read(index), first=10, step=13)
    with open(index, "wb") as file:
        file.write(whole)
    return {"model": kit.tar(folder), "builder": kit.BUILDER}


@FILES.case(FAIL, format=Format.WEIGHTS_H5, method=Method.WEIGHTS)
def scrambled_builder(kit: Any) -> Any:
    """Honest weights, beside a script with bytes turned over. Stopped by: Python does not read it; in the child alone."""
    return {"model": kit.weights(), "builder": kit.scrambled(kit.BUILDER, first=5, step=7)}


@FILES.case(FAIL, own_inputs=True, **H5)
def scrambled_inputs(kit: Any) -> Any:
    """An honest model, beside an .npz with bytes turned over. Stopped by: the inspector; a child that gets it all the same."""
    import io

    import numpy as np

    whole = io.BytesIO()
    np.savez(whole, x=np.ones((2, 4), "float32"))
    return {"model": kit.read(kit.h5()), "inputs": kit.scrambled(whole.getvalue(), first=3, step=11)}
