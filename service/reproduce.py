"""A line that a person can paste to see for themselves what a cell saw, without this project's code."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from matrix.config import ROOT
from matrix.model import CellRequest, Environment, Format, Method
from matrix.results import Artifact


def command(artifact: Artifact, blob: Path, loader: Environment, request: CellRequest) -> str:
    """Return a ``docker run`` that loads one artifact in one environment and prints what it is, or the error."""
    format_, method, model = request.format, request.method, request.model
    name = _NAMES.get(format_, "model")
    unpack = f"mkdir /tmp/{name} && tar -xf /in -C /tmp/{name}" if artifact.is_tar else f"cp /in /tmp/{name}"
    mounts = ["-v", f"{blob}:/in:ro"]
    if method not in _PLAIN:
        mounts += ["-v", f"{ROOT / 'images' / 'probe'}:/probe:ro"]
    program = _program(f"/tmp/{name}", model, format_, method)  # noqa: S108  inside the container
    words = ["docker", "run", "--rm", "--network", "none", *mounts, loader.image]
    return shlex.join([*words, "sh", "-c", f"{unpack} && python -c {shlex.quote(program)}"])


# Names and paths stand in the probe's ways.py as well, which the service cannot import; a test holds them equal.
_NAMES: Final = {Format.H5: "model.h5", Format.KERAS: "model.keras", Format.WEIGHTS_H5: "model.weights.h5"}
_PLAIN: Final = frozenset({Method.DEFAULT, Method.TFSM_LAYER, Method.SAVED_MODEL_LOAD})
_OPTIONS: Final = {Method.COMPILE_FALSE: ", compile=False", Method.SAFE_MODE_FALSE: ", safe_mode=False"}
_WEIGHTS: Final = {
    Format.SAVEDMODEL: "/variables/variables",
    Format.CHECKPOINT: "/weights",
    Format.JSON_WEIGHTS: "/model.weights.h5",
}


def venv_command(artifact: Artifact, blob: Path, python: Path, request: CellRequest) -> str:
    """Return the same without a container, for the ``venv`` engine: with the interpreter of the row's environment."""
    name = _NAMES.get(request.format, "model")
    source = shlex.quote(str(blob))
    unpack = f"mkdir {name} && tar -xf {source} -C {name}" if artifact.is_tar else f"cp {source} {name}"
    program = _program(name, request.model, request.format, request.method, probe=ROOT / "images" / "probe")
    words = shlex.join([str(python), "-c", program])
    return f"(cd $(mktemp -d) && {unpack} && OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 {words})"


def _program(path: str, model: str, format_: Format, method: Method, *, probe: Path = Path("/probe")) -> str:
    """Return the lines that a person would write; ``m`` is what came of the load."""
    recipe = f"recipes.RECIPES[{model!r}]"
    imports = "" if method in _PLAIN else f"import sys; sys.path.insert(0, {str(probe)!r}); import recipes; "
    custom = "" if method is Method.DEFAULT else f", custom_objects={recipe}.custom_objects(tf)"
    match method:
        case Method.WEIGHTS:
            load = f"m = {recipe}.build(tf).model; m.load_weights({path + _WEIGHTS.get(format_, '')!r})"
        case Method.CHECKPOINT_READ:
            read = f"tf.train.Checkpoint(m).read({path + _WEIGHTS[format_]!r})"
            load = f"m = {recipe}.build(tf).model; {read}.assert_existing_objects_matched()"
        case Method.TFSM_LAYER:
            endpoint = "serve" if format_ is Format.EXPORT else "serving_default"
            load = f"m = tf.keras.layers.TFSMLayer({path!r}, call_endpoint={endpoint!r})"
        case Method.SAVED_MODEL_LOAD:
            load = f"m = tf.saved_model.load({path!r})"
        case _ if format_ is Format.JSON_WEIGHTS:
            weights = f"m.load_weights({path + _WEIGHTS[format_]!r})"
            load = f"m = tf.keras.models.model_from_json(open({path + '/model.json'!r}).read(){custom}); {weights}"
        case _:
            load = f"m = tf.keras.models.load_model({path!r}{custom}{_OPTIONS.get(method, '')})"
    return f"{imports}import tensorflow as tf; {load}; print(m)"
