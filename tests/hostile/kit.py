"""What makers of hostile files have at hand. Sent into a container as source: nothing of ours is imported."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from typing import Any


class Kit:
    """The framework, a folder, the path of the host's canary, and the parts that files are put together from."""

    BUILDER = b"""
import tensorflow as tf

def build_model():
    inputs = tf.keras.Input((4,), name="x")
    return tf.keras.Model(inputs, tf.keras.layers.Dense(2, name="y")(inputs))
"""

    def __init__(self, tf: Any, canary: str) -> None:
        self.tf, self.canary = tf, canary
        self.folder = tempfile.mkdtemp()

    def honest(self) -> Any:
        """A small model that does no harm."""
        inputs = self.tf.keras.Input((4,), name="x")
        return self.tf.keras.Model(inputs, self.tf.keras.layers.Dense(2, name="y")(inputs))

    def h5(self, model: Any = None) -> str:
        """Write a model as h5; return the path."""
        path = os.path.join(self.folder, "model.h5")
        (model or self.honest()).save(path)
        return path

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        with open(path, "rb") as file:
            return file.read()

    def weights(self) -> bytes:
        """The weights of an honest model, as h5 in the old layout."""
        path = os.path.join(self.folder, "weights.h5")
        self.honest().save_weights(path)
        return self.read(path)

    def scrambled(self, whole: bytes, first: int = 200, step: int = 97) -> bytes:
        """The same with bytes turned over, all through it."""
        turned = bytearray(whole)
        for at in range(first, len(turned), step):
            turned[at] ^= 0xFF
        return bytes(turned)

    def edited_h5(self, edit: Any, model: Any = None) -> bytes:
        """A model as h5 after ``edit(file)``."""
        import h5py

        path = self.h5(model)
        with h5py.File(path, "r+") as file:
            edit(file)
        return self.read(path)

    def zip(self, members: dict[str, bytes]) -> bytes:
        """A zip of these members."""
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return whole.getvalue()

    def keras(self, edit: Any = None, config: bytes = b"", **others: bytes) -> bytes:
        """A .keras as this version writes it, after ``edit(layer)``; or with this text as its whole config."""
        path = os.path.join(self.folder, "model.keras")
        self.honest().save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        whole = json.loads(members["config.json"])
        if edit:
            edit(whole["config"]["layers"][1])
        return self.zip({**members, "config.json": config or json.dumps(whole).encode(), **others})

    def calling(self, module: str, name: str, **arguments: Any) -> bytes:
        """A .keras with a Lambda that names a function of a module, without any code of its own."""
        function = {"module": module, "class_name": "function", "config": name, "registered_name": name}

        def edit(layer):
            layer.update(class_name="Lambda", module="keras.layers", registered_name=None, build_config=None)
            layer["config"] = {"name": layer["config"]["name"], "function": function, "arguments": arguments}
            if self.tf.__version__ < "2.16":
                layer["config"].update(function=name, function_type="function", module=module)
                layer["config"].update(output_shape=None, output_shape_type="raw", output_shape_module=None)

        return self.keras(edit)

    def savedmodel(self, function: Any, edit: Any = None) -> bytes:
        """A SavedModel whose only signature calls this function of one float tensor, as a tar."""
        tf, path = self.tf, os.path.join(self.folder, "saved")
        shutil.rmtree(path, ignore_errors=True)
        module = tf.Module()
        module.serve = tf.function(function, input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
        tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
        if edit:
            edit(path)
        return self.tar(path)

    def tar(self, path: str) -> bytes:
        """A folder as a tar."""
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as archive:
            for name in sorted(os.listdir(path)):
                archive.add(os.path.join(path, name), name)
        return whole.getvalue()
