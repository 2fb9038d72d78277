"""Reads a Keras model's config: its layers, what in it is not Keras' own, and what it would reach for. Runs none of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from images.inspector.clues import look_for_clues
from images.inspector.findings import Findings
from images.inspector.known import KNOWN
from images.inspector.refusal import Refused, shown

Config = dict[str, Any]
MAX_JSON = 64 << 20
MAX_NODES = 2_000_000
KERAS = ("keras", "tf_keras", "tensorflow.keras", "keras_core")
HARMLESS = frozenset(
    ["activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "mixed_precision", "models",
     "ops", "optimizers", "quantizers", "random", "regularizers", "src"]
)  # fmt: skip
FUNCTIONS = frozenset(
    ["function", "__lambda__", "__typespec__", "__tuple__", "__tensor__", "__numpy__", "__keras_tensor__"]
)
LOOKUPS = frozenset(["StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"])
OPTIMIZERS = {
    one.lower(): one
    for one in ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD")
}
"""By the names that ``compile`` takes."""

READERS = frozenset(["TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"])


def parsed(text: bytes | str, what: str) -> Any:  # noqa: ANN401  whatever the JSON is
    """Return what JSON says.

    Raises:
        Refused: It is none, too large, or nested so deeply that no reader gets to its end.
    """
    if len(text) > MAX_JSON:
        raise Refused("too-large", f"{what} has {len(text)} bytes; no model's has so many.", "Save the model anew.")
    try:
        return json.loads(text)
    except RecursionError:
        raise Refused(
            "too-deep", f"{what} is nested too deeply to be read; Keras cannot read it either.", "Save the model anew."
        ) from None
    except (ValueError, UnicodeError) as error:
        raise Refused(
            "damaged",
            f"{what} is not JSON: {shown(error, 200)}.",
            "The file is damaged, or cut short: copy or save it anew.",
        ) from None


def look_into(config: Any, found: Findings) -> None:  # noqa: ANN401  what somebody's JSON says
    """Take account of a model's config, as a ``.keras``, an HDF5 file, a SavedModel or ``to_json`` has it."""
    if isinstance(config, str):
        raise Refused(
            "not-a-model",
            "What should be the model's config is JSON within JSON.",
            "Write what model.to_json() gives as it is.",
        )
    if not isinstance(config, dict):
        raise Refused("damaged", "What should be the model's config is no JSON object.", "Save the model anew.")
    found.model_class = text(config.get("class_name"))
    names = [text(one.get("class_name")) or "?" for one in layers(config)]
    found.layers = len(names) or found.layers
    found.layer_classes.update(names)
    for node in nodes(config):
        _look_at(node, found)
    look_for_clues(config, found.saved_with)
    compiled = config.get("compile_config")
    if isinstance(compiled, dict):
        look_at_optimizer(compiled.get("optimizer"), found)


def look_at_optimizer(optimizer: Any, found: Findings) -> None:  # noqa: ANN401
    """Take account of the optimizer that a model was compiled with: its name, or its config."""
    inner = optimizer.get("config") if isinstance(optimizer, dict) else None
    wrapped = inner.get("inner_optimizer", inner.get("optimizer")) if isinstance(inner, dict) else None
    name = text(optimizer) or (text(optimizer.get("class_name")) if isinstance(optimizer, dict) else None)
    if name == "LossScaleOptimizer" and isinstance(wrapped, dict):
        name = text(wrapped.get("class_name")) or name
    if name:
        plain = name.rpartition(">")[2]
        found.optimizer = OPTIMIZERS.get(plain.lower(), plain)


def layers(config: Any) -> Iterator[Config]:  # noqa: ANN401
    """Yield the layers of a model, and of the models within it, less these themselves."""
    stack, left = [config], MAX_NODES
    while stack and left:
        for entry in reversed(entries(stack.pop())):
            left -= 1
            if entries(entry):
                stack.append(entry)
            else:
                yield entry


def entries(config: Any) -> list[Config]:  # noqa: ANN401
    """Return the entries of a model's own list of layers; none of what is no model."""
    inner = config.get("config") if isinstance(config, dict) else None
    listed = inner.get("layers") if isinstance(inner, dict) else inner  # an old Sequential's config is the list
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def nodes(config: Any) -> Iterator[Config]:  # noqa: ANN401
    """Yield every JSON object of a config, however deep, in no particular order."""
    stack, left = [config], MAX_NODES
    while stack and left:
        left -= 1
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def text(value: Any) -> str | None:  # noqa: ANN401
    """Return a text that says something."""
    return value if isinstance(value, str) and value else None


def _look_at(node: Config, found: Findings) -> None:
    name = text(node.get("class_name"))
    if name is None:
        return
    inner = node.get("config")
    if name == "Lambda":
        found.is_lambda(
            text(node.get("name")) or (text(inner.get("name")) if isinstance(inner, dict) else None) or name
        )
    if isinstance(inner, dict):
        _look_for_paths(name, inner, found)
    if "module" in node:
        _look_at_module(name, node, found)
    elif name.rpartition(">")[2] not in KNOWN and name not in FUNCTIONS:
        found.is_custom(name)


def _look_for_paths(name: str, inner: Config, found: Findings) -> None:
    vocabulary = text(inner.get("vocabulary"))
    if name.rpartition(">")[2] in LOOKUPS and vocabulary:
        found.reach(f"{name} reads its vocabulary from {shown(vocabulary, 100)}")
    if name in READERS and text(inner.get("filepath")):
        found.reach(f"{name} loads the model at {shown(inner['filepath'], 100)}")


def _look_at_module(name: str, node: Config, found: Findings) -> None:
    """Judge by the module and the registered name, as Keras has written them since 2.12."""
    module, registered = text(node.get("module")) or "", text(node.get("registered_name"))
    called = text(node.get("config")) if name == "function" else None
    if registered and ">" in registered and not registered.startswith(("keras>", "Keras>")):
        found.is_custom(registered)
    elif module.split(".")[0] in sys.stdlib_module_names - {"builtins"}:
        found.is_custom(f"{module}.{called or name}")
        found.reach(f"the config names {shown(module)}.{shown(called or name)}")
    elif _is_keras(module):
        _look_at_keras(module, called or name, found)
    elif called and module == "builtins":
        if called not in KNOWN:
            found.is_custom(called)
    elif name not in FUNCTIONS and name not in KNOWN:
        found.is_custom(f"{module}.{name}" if module and module != "builtins" else name)
    elif module not in {"", "builtins"} and name not in FUNCTIONS:
        found.is_custom(f"{module}.{name}")


def _is_keras(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in KERAS)


def _look_at_keras(module: str, name: str, found: Findings) -> None:
    """Functions of Keras that do something else than calculate can be named by a config, too."""
    parts = module.removeprefix("tensorflow.").split(".")[1:]
    inner = parts[1:] if parts[:1] == ["src"] else parts
    if inner[:1] and inner[0] not in HARMLESS and name not in KNOWN:
        found.reach(f"the config names {shown(module)}.{shown(name)}")
