"""A line that a person can paste to see for themselves what a cell saw, without this project's code."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import assert_never

from matrix.config import ROOT
from matrix.model import Artifact, CellRequest, Environment, Format, Method


def command(artifact: Artifact, blob: Path, loader: Environment, request: CellRequest) -> str:
    """Return a ``docker run`` that loads one artifact in one environment and prints what it is, or the error."""
    format_, method, model = request.format, request.method, request.model
    name = {Format.H5: "model.h5", Format.KERAS: "model.keras"}.get(format_, "model")
    unpack = f"mkdir /tmp/{name} && tar -xf /in -C /tmp/{name}" if artifact.is_tar else f"cp /in /tmp/{name}"
    mounts = ["-v", f"{blob}:/in:ro"]
    if method is Method.CUSTOM_OBJECTS:
        mounts += ["-v", f"{ROOT / 'images' / 'probe'}:/probe:ro"]
    program = _program(f"/tmp/{name}", model, method)  # noqa: S108  inside the container
    words = ["docker", "run", "--rm", "--network", "none", *mounts, loader.image]
    return shlex.join([*words, "sh", "-c", f"{unpack} && python -c {shlex.quote(program)}"])


def _program(path: str, model: str, method: Method) -> str:
    match method:
        case Method.DEFAULT:
            load = f"tf.keras.models.load_model({path!r})"
        case Method.CUSTOM_OBJECTS:
            custom = f"recipes.RECIPES[{model!r}].build(tf).custom_objects"
            load = f"tf.keras.models.load_model({path!r}, custom_objects={custom})"
        case Method.SAVED_MODEL_LOAD:
            load = f"tf.saved_model.load({path!r})"
        case _:
            assert_never(method)
    imports = "import sys; sys.path.insert(0, '/probe'); import recipes; " if method is Method.CUSTOM_OBJECTS else ""
    return f"{imports}import tensorflow as tf; print({load})"
