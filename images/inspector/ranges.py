"""Which whole numbers, or which texts, an input may hold: followed through a config to what looks them up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from images.inspector.config import Config, entries, text

MAX_DEPTH = 8
MAX_STEPS = 20_000
MAX_CHOICES = 1000
PASSES_ON = frozenset(
    ["InputLayer", "Reshape", "Flatten", "Permute", "RepeatVector", "Dropout", "SpatialDropout1D", "Masking", "Concatenate",
     "Cast", "GetItem", "SlicingOpLambda", "ExpandDims", "Squeeze", "Identity", "ZeroPadding1D", "Cropping1D"]
)  # fmt: skip
"""Layers that hand on the numbers they get."""

Held = tuple[int, int] | list[str]


def ranges(config: Config, layer: str) -> Held | None:
    """Return what the input of this layer's name may hold, ``(low, high)`` or a list of texts, if anything says so."""
    tables: list[int] = []
    for held in _followed(config, layer, 0):
        if isinstance(held, list):
            return held
        tables.append(held)
    return (0, min(tables)) if tables else None


def _followed(config: Config, layer: str, depth: int) -> Iterator[int | list[str]]:
    """Yield what each table that the layer's output reaches can look up."""
    listed = entries(config)
    if depth > MAX_DEPTH or not listed:
        return
    inner = config["config"]
    if not isinstance(inner, dict) or "input_layers" not in inner:
        yield from _along(listed, depth)
        return
    taken_by = _consumers(listed)
    stack, seen = [layer], {layer}
    while stack and len(seen) < MAX_STEPS:
        for entry in taken_by.get(stack.pop(), []):
            yield from _of(entry, depth)
            name = text(entry.get("name"))
            if name and name not in seen and text(entry.get("class_name")) in PASSES_ON:
                seen.add(name)
                stack.append(name)


def _along(listed: list[Config], depth: int) -> Iterator[int | list[str]]:
    """Follow a Sequential: as far as layers hand on what they get."""
    for entry in listed:
        yield from _of(entry, depth)
        if text(entry.get("class_name")) not in PASSES_ON:
            return


def _of(entry: Config, depth: int) -> Iterator[int | list[str]]:
    inner = entry.get("config")
    if not isinstance(inner, dict):
        return
    name = (text(entry.get("class_name")) or "").rpartition(">")[2]
    rows = inner.get("input_dim" if name == "Embedding" else "num_tokens")
    if name in {"Embedding", "CategoryEncoding"} and type(rows) is int and rows > 0:
        yield rows
    elif name == "IntegerLookup" and isinstance(inner.get("vocabulary"), list):
        numbers = [one for one in inner["vocabulary"][:MAX_STEPS] if type(one) is int and one > 0]
        yield from [max(numbers) + 1] if numbers else []
    elif name in {"StringLookup", "TextVectorization"} and isinstance(inner.get("vocabulary"), list):
        words = [word for word in inner["vocabulary"][:MAX_CHOICES] if isinstance(word, str) and word]
        yield from [words] if words else []
    elif isinstance(inner.get("layer"), dict) and depth < MAX_DEPTH:
        yield from _of(inner["layer"], depth + 1)
    elif entries(entry):
        for start in _starts(entry):
            yield from _followed(entry, start, depth + 1)


def _starts(model: Config) -> Iterator[str]:
    """Yield the inputs of a model within a model. Which of them is meant is not asked: the smallest table counts."""
    for entry in entries(model):
        if entry.get("class_name") == "InputLayer" and (name := text(entry.get("name"))):
            yield name


def _consumers(listed: list[Config]) -> dict[str, list[Config]]:
    """Return by each layer's name the layers that take its output."""
    found: dict[str, list[Config]] = {}
    for entry in listed:
        for name in dict.fromkeys(_named(entry.get("inbound_nodes"))):
            found.setdefault(name, []).append(entry)
    return found


def is_reference(value: list[Any]) -> bool:
    """Whether a list names a tensor: ``[layer, 0, 0, ...]``."""
    return len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int  # noqa: PLR2004


def _named(value: Any) -> Iterator[str]:  # noqa: ANN401  what somebody's JSON says
    """Yield the layers that inbound nodes name: ``[name, 0, 0, ...]``, wherever it stands."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            if is_reference(node):
                yield node[0]
            stack.extend(node)
