"""HDF5 that does harm when it is read: by where its links lead, what its config asks for, and what its layers look up."""

from __future__ import annotations

from typing import Any, Final

from matrix.model import Format, Verdict
from tests.hostile.case import Cases

ATTACKS: Final = Cases("HDF5 that does harm when it is read")
LOADS, FAIL, TIMEOUT = Verdict.LOADS, Verdict.FAIL, Verdict.TIMEOUT
CRASH, OUT_OF_MEMORY = Verdict.CRASH, Verdict.OUT_OF_MEMORY

H5: Final = {"format": Format.H5}


@ATTACKS.case(FAIL, often=True, **H5)
def external_link(kit: Any) -> Any:
    """An HDF5 link that leads into another file, of the host. Stopped by: the host's files are not in the container."""
    import h5py

    def edit(file):
        del file["model_weights/y"]
        file["model_weights/y"] = h5py.ExternalLink(kit.canary, "/")

    return kit.edited_h5(edit)


@ATTACKS.case(FAIL, LOADS, **H5)
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


@ATTACKS.case(FAIL, LOADS, **H5)
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


@ATTACKS.case(FAIL, LOADS, TIMEOUT, **H5)
def cyclic_group(kit: Any) -> Any:
    """An HDF5 group that contains itself. Stopped by: nobody walks it to its end; else the clock."""

    def edit(file):
        file["model_weights/y/again"] = file["model_weights"]

    return kit.edited_h5(edit)


@ATTACKS.case(FAIL, OUT_OF_MEMORY, CRASH, TIMEOUT, **H5)
def shape_bomb(kit: Any) -> Any:
    """HDF5 weights of 1.6 GB that need no byte in the file. Stopped by: the limit on memory; newer Keras refuses."""

    def edit(file):
        found = []
        file.visit(found.append)
        kernel = next(name for name in found if name.endswith("kernel:0"))
        del file[kernel]
        file.create_dataset(kernel, (100_000_000, 4), "float32", chunks=(1 << 20, 4))

    return kit.edited_h5(edit)


@ATTACKS.case(FAIL, OUT_OF_MEMORY, CRASH, TIMEOUT, **H5)
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


@ATTACKS.case(FAIL, CRASH, **H5)
def deep_config(kit: Any) -> Any:
    """A config nested so deeply that its reader runs out of stack. Stopped by: it is the child's stack."""

    def edit(file):
        del file.attrs["model_config"]
        file.attrs.create("model_config", "[" * 30000 + "]" * 30000)

    return kit.edited_h5(edit)


@ATTACKS.case(FAIL, CRASH, **H5)
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


@ATTACKS.case(FAIL, LOADS, often=True, **H5)
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


@ATTACKS.case(FAIL, LOADS, **H5)
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


@ATTACKS.case(FAIL, LOADS, TIMEOUT, **H5)
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
