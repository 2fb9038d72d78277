"""What a config gives away of the Keras that wrote it: each is a thing that some minors write and others do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.inspector.versions import KERAS_3, Minor, Provenance

KERAS_2_LAST: Minor = (2, 15)
QUANTIZED = frozenset(["Dense", "EinsumDense", "Embedding"])
Clue = tuple[Minor | None, Minor | None, str]


def look_for_clues(config: dict[str, Any], saved: Provenance) -> None:
    """Narrow down which Keras wrote a config, where it does not say so itself."""
    seen: set[Clue] = set()
    for node in _serialized(config):
        seen.update(_of(node))
    if any(least == KERAS_3 for least, _, _ in seen):
        seen.update(_missing(config))
    for least, most, what in sorted(seen, key=lambda clue: clue[2]):
        saved.narrows(least, most, what)


def _serialized(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every object of a class that the config holds, with a config of its own."""
    stack: list[Any] = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("class_name"), str) and isinstance(node.get("config"), dict):
                yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _of(node: dict[str, Any]) -> Iterator[Clue]:
    name, inner = node["class_name"], node["config"]
    yield from _of_module(node.get("module"))
    if "registered_name" in node:
        yield (2, 12), None, "the config has registered names, as from Keras 2.12 on"
    if name == "InputLayer" and "batch_shape" in inner:
        yield KERAS_3, None, "an input layer has a batch_shape, as in Keras 3"
    if name == "InputLayer" and "batch_input_shape" in inner:
        yield None, None, "an input layer has a batch_input_shape, as in Keras 2"
    dtype = inner.get("dtype")
    if isinstance(dtype, dict) and dtype.get("class_name") == "DTypePolicy":
        yield (3, 4), None, "dtypes are written as policies, as from Keras 3.4 on"
    if name in QUANTIZED and "quantization_config" in inner:
        yield (3, 13), None, f"{name} has a quantization_config, as from Keras 3.13 on"
    if name.startswith("Global") and "keepdims" in inner:
        yield (2, 6), None, "global pooling has keepdims, as from Keras 2.6 on"
    if name in {"TFOpLambda", "SlicingOpLambda"}:
        yield None, None, f"{name} is a class of Keras 2"


def _of_module(module: Any) -> Iterator[Clue]:  # noqa: ANN401  what somebody's JSON says
    if not isinstance(module, str):
        return
    if module.startswith("tf_keras"):
        yield (2, 16), None, "classes are named by tf_keras, which there is from TensorFlow 2.16 on"
    elif module.startswith("keras.src.engine"):
        yield (2, 13), KERAS_2_LAST, "classes are named by keras.src.engine, as in Keras 2.13 to 2.15"
    elif module.startswith("keras.engine"):
        yield None, (2, 12), "classes are named by keras.engine, as in Keras up to 2.12"
    elif module.startswith(("keras.src.models", "keras.src.layers.core.input_layer")):
        yield KERAS_3, None, "classes are named by keras.src.models, as in Keras 3"


def _missing(config: dict[str, Any]) -> Iterator[Clue]:
    """Yield what follows from things that newer minors of Keras 3 would have written."""
    for node in _serialized(config):
        name, inner = node["class_name"], node["config"]
        if isinstance(inner.get("dtype"), str) and "trainable" in inner and name != "InputLayer":
            yield None, (3, 3), "dtypes are written as names, as in Keras up to 3.3"
        if name in QUANTIZED and "trainable" in inner and "quantization_config" not in inner:
            yield None, (3, 12), f"{name} has no quantization_config, which Keras writes from 3.13 on"
