"""A line that a person can paste to see for themselves what a cell saw, without this project's code."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matrix.catalog import base_image
from matrix.config import ROOT
from matrix.model import CellRequest, Environment, Flavour, Format, Method
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """A cell as somebody else may see it: the artifact at an address of this site, and whether its model has own classes.

    Where it has, or is built anew, a line wants a checkout for the recipes.
    """

    artifact: Artifact
    address: str
    request: CellRequest
    own_classes: bool

    @property
    def name(self) -> str:
        """What the downloaded artifact is called: the model, its saver, and what it is."""
        suffix = ".tar" if self.artifact.is_tar else _NAMES.get(self.request.format, "model").removeprefix("model")
        return f"{self.request.model}-{self.request.saver}{suffix}"

    @property
    def wants_recipes(self) -> bool:
        """Whether loading needs the code of the model."""
        return _wants_recipes(self.request.method, own_classes=self.own_classes)


def for_anybody(shared: Shared, loader: Environment, base: Environment) -> str:
    """Return one line for a machine that has Docker and nothing of ours: fetch the artifact, install as of the day, load.

    ``base`` is what an overlay stands on, else the loader itself.
    """
    steps = ["pip install -q uv", _install(base, f"tensorflow-cpu=={base.tensorflow}")]
    if loader.base is not None:
        package = "tf-keras" if loader.flavour is Flavour.TF_KERAS else "keras"
        steps.append(_install(loader, f"{package}=={loader.keras}"))
    if loader.flavour is Flavour.TF_KERAS:
        steps.append("export TF_USE_LEGACY_KERAS=1")
    return _fetched(shared, base_image(base.python), steps)


def with_image(shared: Shared, loader: Environment) -> str:
    """Return the same with the image that the cell was measured in, for who has built it, without a network."""
    return _fetched(shared, f"--network none {loader.image}", [])


def _fetched(shared: Shared, image: str, steps: list[str]) -> str:
    name = shlex.quote(shared.name)
    mounts = f'-v "$PWD/{shared.name}:/in:ro"'
    if shared.wants_recipes:
        mounts += ' -v "$PWD/images/probe:/probe:ro"'
    script = " && ".join([*steps, _inside(shared)])
    fetch = f'curl -fsSLo {name} "$SITE{shared.address}"'
    return f"{fetch} && docker run --rm {mounts} {image} sh -c {shlex.quote(script)}"


def _install(environment: Environment, requirement: str) -> str:
    """Of the day of the environment: TensorFlow bounds its dependencies from below only, and today's break the old ones."""
    return f"uv pip install -q --system --exclude-newer {environment.cut_off.isoformat()} {requirement}"


def _inside(shared: Shared) -> str:
    request = shared.request
    path = f"/tmp/{_NAMES.get(request.format, 'model')}"  # noqa: S108  inside the container
    unpack = f"mkdir {path} && tar -xf /in -C {path}" if shared.artifact.is_tar else f"cp /in {path}"
    program = _program(path, request.model, request.format, request.method, own_classes=shared.own_classes)
    spelt = program.replace("'", r"\"")  # the line stands in single quotes, and nothing in it is a shell's
    return f'{unpack} && python -c "{spelt}"'


def _wants_recipes(method: Method, *, own_classes: bool) -> bool:
    """Whether loading needs the code of the model: to build it anew, or for the classes that it brings."""
    if method in {Method.WEIGHTS, Method.CHECKPOINT_READ}:
        return True
    return own_classes and method not in _PLAIN


def _program(  # noqa: PLR0913
    path: str,
    model: str,
    format_: Format,
    method: Method,
    *,
    probe: Path = Path("/probe"),
    own_classes: bool = True,
) -> str:
    """Return the lines that a person would write; ``m`` is what came of the load."""
    recipe = f"recipes.RECIPES[{model!r}]"
    is_wanted = _wants_recipes(method, own_classes=own_classes)
    imports = f"import sys; sys.path.insert(0, {str(probe)!r}); import recipes; " if is_wanted else ""
    custom = f", custom_objects={recipe}.custom_objects(tf)" if is_wanted else ""
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
