"""Failures with messages and tracebacks as long as real ones."""

from __future__ import annotations

import json
import random
from functools import cache
from string import Template
from typing import Final

from matrix.messages import Raised
from matrix.model import Environment, Flavour
from matrix.results import Failure
from matrix.verdict import failure as fingerprinted
from tests.big_matrix.texts import HOSTILE, KINDS, LONGEST, ODD, Kind

_OPTIMIZERS: Final = {"rmsprop": "RMSprop", "optimizer-state": "Adam", "learning-rate-schedule": "Adam"}
_SHORTENED: Final = 400
_FRAMES_KEPT: Final = 5
_LAYERS: Final = 9
_AGAIN: Final = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
_CARETS_SINCE: Final = (3, 11)


@cache
def failure(kind: str, model: str, loader: Environment) -> Failure:
    """Return the failure of a kind that a model's file meets in an environment; ``odd-1`` and ``hostile-1`` are kinds, too."""
    found = _kind(kind)
    words = {
        "model": model.replace("-", "_"),
        "layer": f"{model.replace('-', ' ').title().replace(' ', '')}Layer",
        "optimizer": _OPTIMIZERS.get(model, "SGD"),
        "number": str(2 + len(model) % 5),
        "config": _config(model),
    }
    message = _cut(Template(found.message).safe_substitute(words))
    calls = tuple(_placed(call, loader) for call in found.calls)
    traceback = _traceback(found, message, calls, loader.python) if calls else ""
    frames = calls[-_FRAMES_KEPT:]
    return fingerprinted(Raised(exception=found.exception, message=message, traceback=traceback, frames=frames))


def _kind(name: str) -> Kind:
    family, _, number = name.rpartition("-")
    if family not in {"odd", "hostile"}:
        return KINDS[name]
    exception, message = (ODD if family == "odd" else HOSTILE)[int(number)]
    return Kind(exception=exception, message=message, calls=("saving.save:load_model", "engine.training:from_config"))


def _placed(call: str, loader: Environment) -> str:
    """Put a function where an environment's Keras has it."""
    if call.startswith("h5py."):
        return call
    if call.startswith("saved_model."):
        return f"tensorflow.python.{call}"
    if loader.flavour is Flavour.TF_KERAS:
        return f"tf_keras.src.{call}"
    since_src, since_own = (2, 13), (2, 6)
    version = loader.keras_version
    return f"{'keras.src' if version >= since_src else 'keras' if version >= since_own else 'tensorflow.python.keras'}.{call}"


def _traceback(kind: Kind, message: str, calls: tuple[str, ...], python: str) -> str:
    """Build a traceback: what the probe calls, the framework around it, the innermost calls, and what came before."""
    dice = random.Random(f"{kind.exception}{message}{calls}")  # noqa: S311  (a fixture, not a secret)
    around = [f"{calls[0].split(':')[0]}:call_{number}" for number in range(dice.randrange(4, 14))]
    frames = [_frame("/probe/load", "load_cell", python, dice), _frame("/probe/ways", "load", python, dice)]
    frames += [_frame(_path(call, python), call.split(":")[1], python, dice) for call in (*around, *calls)]
    last = f"{''.join(frames)}{kind.exception}: {message}"
    short = f"{''.join(frames[-3:])}{kind.exception}: {message[:_SHORTENED]}"
    head = "Traceback (most recent call last):\n"
    return head + (_AGAIN + head).join([*[short] * kind.chain, last])


def _path(call: str, python: str) -> str:
    return f"/usr/local/lib/python{python}/site-packages/{call.split(':', maxsplit=1)[0].replace('.', '/')}"


def _frame(path: str, function: str, python: str, dice: random.Random) -> str:
    code = f"return {function}(path, custom_objects=custom_objects, **options)"
    lines = [f'  File "{path}.py", line {dice.randrange(20, 1500)}, in {function}', f"    {code}"]
    if tuple(map(int, python.split("."))) >= _CARETS_SINCE:
        lines.append(f"    {' ' * 7}{'^' * (len(code) - 7)}")
    return "\n".join(lines) + "\n"


def _config(model: str) -> str:
    """Return a configuration as Keras puts it into a message, whole."""
    layers = [
        {
            "module": "keras.layers",
            "class_name": "Dense",
            "config": {"name": f"{model}_{number}", "trainable": True, "dtype": "float32", "units": 8 * number},
            "registered_name": None,
            "build_config": {"input_shape": [None, 784]},
            "inbound_nodes": [[f"{model}_{number - 1}", 0, 0, {}]],
        }
        for number in range(1, _LAYERS + 3 * (len(model) % 11))
    ]
    return json.dumps({"module": "keras.src.models.functional", "class_name": "Functional", "config": layers})


def _cut(message: str) -> str:
    """Cut a message in its middle, as the probe does."""
    if len(message) <= LONGEST:
        return message
    half = LONGEST // 2 - 20
    return f"{message[:half]}\n[... {len(message) - 2 * half} bytes left out ...]\n{message[-half:]}"
