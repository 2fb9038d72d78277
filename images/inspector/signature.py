"""What a model takes, read from its config: names, shapes and types of its inputs, and how a call passes them."""

from __future__ import annotations

from typing import Any

from images.inspector.config import Config, entries, text
from images.inspector.findings import NAME_LENGTH, Findings
from images.inspector.ranges import is_reference, ranges
from images.inspector.refusal import shown

MAX_TENSORS = 256
MAX_RANK = 32
NESTED = 3
Tensors = list[dict[str, Any]]


def look_for_signature(config: Config, found: Findings) -> None:
    """Take account of what a config says that its model takes; a model written as a class may say nothing."""
    named, structure = _inputs(config)
    if not named or len(named) > MAX_TENSORS:
        return
    if any(one["unusual"] for one in named.values()):
        found.note("The model takes a sparse or a ragged input, which is not made up: give inputs as .npz.")
        found.signature = None  # what a SavedModel states instead are the arrays that it is flattened into
        return
    inputs = [_tensor(name, one["shape"], one["dtype"]) for name, one in named.items()]
    outputs = [_tensor(name, None, "") for name in _outputs(config)]
    found.signature = {"inputs": inputs, "outputs": outputs}
    found.structure = structure
    found.ranges = {
        shown(name, NAME_LENGTH): held
        for name, one in named.items()
        if (held := ranges(config, one["layer"])) is not None
    }


def tensor(name: object, shape: Any, dtype: str) -> dict[str, Any]:  # noqa: ANN401  what a file says
    """Return an input or an output as the answer has it; a shape that is none is not known."""
    known = isinstance(shape, list) and len(shape) <= MAX_RANK
    sizes = [n if type(n) is int and 0 <= n < 1 << 53 else None for n in shape] if known else None
    return {"name": shown(name, NAME_LENGTH), "shape": sizes, "dtype": shown(dtype, 40)}


_tensor = tensor


def references(value: Any, depth: int = 0) -> list[tuple[str | None, str]]:  # noqa: ANN401
    """Return (key, layer) of each tensor that a config names: ``[layer, 0, 0]``, a list of such, or a dictionary."""
    if isinstance(value, dict):
        keyed = [(key, references(one, depth + 1)) for key, one in sorted(value.items())] if depth < NESTED else []
        return [(key, refs[0][1]) for key, refs in keyed if len(refs) == 1]
    if not isinstance(value, list) or depth > NESTED:
        return []
    if is_reference(value):
        return [(None, value[0])]
    return [one for entry in value[: MAX_TENSORS + 1] for one in references(entry, depth + 1)]


def _inputs(config: Config) -> tuple[dict[str, dict[str, Any]], str]:
    inner = config.get("config")
    if isinstance(inner, dict) and "input_layers" in inner:
        return _of_functional(config, inner["input_layers"])
    if entries(config):
        return _of_sequential(config)
    return _of_build(config.get("build_config"))


def _of_functional(config: Config, input_layers: Any) -> tuple[dict[str, dict[str, Any]], str]:  # noqa: ANN401
    stated = {_name(entry): _as_input(entry) for entry in entries(config) if entry.get("class_name") == "InputLayer"}
    refs = [(key, layer) for key, layer in references(input_layers) if layer in stated]
    named = {key or layer: stated[layer] for key, layer in refs}
    if isinstance(input_layers, dict):
        return named, "dict"
    return named, "list" if len(refs) > 1 else "single"


def _of_sequential(config: Config) -> tuple[dict[str, dict[str, Any]], str]:
    first = entries(config)[0]
    name = _name(first)
    found = _as_input(first)
    if first.get("class_name") != "InputLayer":
        name = f"{name}_input"
        found["dtype"] = "float32"
    if found["shape"] is None:
        inner = config["config"]
        built = inner.get("build_input_shape") if isinstance(inner, dict) else None
        found["shape"] = _shape(built) or _built_shape(config)
    return ({name: found} if found["shape"] is not None else {}), "single"


def _of_build(built: Any) -> tuple[dict[str, dict[str, Any]], str]:  # noqa: ANN401
    """A model written as a class: ``build_config`` has the shapes that it was built with, and no types."""
    shapes = built.get("input_shape", built.get("shapes_dict")) if isinstance(built, dict) else None
    if (shape := _shape(shapes)) is not None:
        return {"input_0": _plain(shape)}, "single"
    if isinstance(shapes, dict):
        known = {key: _shape(one) for key, one in sorted(shapes.items())}
        return {key: _plain(shape) for key, shape in known.items() if shape is not None}, "dict"
    listed = [_shape(one) for one in shapes] if isinstance(shapes, list) else []
    if not listed or None in listed:
        return {}, "single"
    return {f"input_{at}": _plain(shape) for at, shape in enumerate(listed) if shape is not None}, "list"


def _plain(shape: list[Any]) -> dict[str, Any]:
    return {"shape": shape, "dtype": "float32", "unusual": False, "layer": ""}


def _built_shape(config: Config) -> list[Any] | None:
    built = config.get("build_config")
    return _shape(built.get("input_shape")) if isinstance(built, dict) else None


def _as_input(entry: Config) -> dict[str, Any]:
    inner = entry.get("config")
    stated = inner if isinstance(inner, dict) else {}
    return {
        "shape": _shape(stated.get("batch_shape")) or _shape(stated.get("batch_input_shape")),
        "dtype": text(stated.get("dtype")) or "float32",
        "unusual": bool(stated.get("sparse") or stated.get("ragged")),
        "layer": _name(entry),
    }


def _name(entry: Config) -> str:
    inner = entry.get("config")
    return text(entry.get("name")) or (text(inner.get("name")) if isinstance(inner, dict) else None) or "input"


def _shape(value: Any) -> list[Any] | None:  # noqa: ANN401
    """Return a shape: a list of sizes, as it is or as a serialized tuple."""
    if isinstance(value, dict):
        value = value.get("items")
    plain = isinstance(value, list) and 0 < len(value) <= MAX_RANK
    return value if plain and all(n is None or type(n) is int for n in value) else None


def _outputs(config: Config) -> list[str]:
    inner = config.get("config")
    named = references(inner.get("output_layers")) if isinstance(inner, dict) else []
    return [key or layer for key, layer in named][:MAX_TENSORS]
