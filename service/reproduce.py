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


def venv_command(artifact: Artifact, blob: Path, python: Path, request: CellRequest) -> str:
    """Return the same without a container, for the ``venv`` engine: with the interpreter of the row's environment."""
    name = {Format.H5: "model.h5", Format.KERAS: "model.keras"}.get(request.format, "model")
    source = shlex.quote(str(blob))
    unpack = f"mkdir {name} && tar -xf {source} -C {name}" if artifact.is_tar else f"cp {source} {name}"
    program = _program(name, request.model, request.method, probe=ROOT / "images" / "probe")
    words = shlex.join([str(python), "-c", program])
    return f"(cd $(mktemp -d) && {unpack} && OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 {words})"


def _program(path: str, model: str, method: Method, *, probe: Path = Path("/probe")) -> str:
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
    imports = (
        f"import sys; sys.path.insert(0, {str(probe)!r}); import recipes; " if method is Method.CUSTOM_OBJECTS else ""
    )
    return f"{imports}import tensorflow as tf; print({load})"
