"""Looks into a SavedModel: its version, signature, variables, and the ops in it that do more than calculate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from images.inspector.config import look_at_optimizer, look_into, parsed, text
from images.inspector.findings import Findings
from images.inspector.outside import look_at_ops
from images.inspector.protos import message
from images.inspector.refusal import Refused, shown
from images.inspector.signature import MAX_TENSORS, look_for_signature, tensor

MAX_GRAPH = 256 << 20
DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64", 9: "int64",
    10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32",
    23: "uint64",
}  # fmt: skip
Read = Callable[[str, int], bytes | None]


def look_into_folder(names: Sequence[str], read: Read, found: Findings) -> None:
    """Take account of a SavedModel; ``names`` are its files, and ``read`` gives one of them if it is not too large.

    Raises:
        Refused: Its graph is damaged.
    """
    found.kind = "export"
    if "saved_model.pb" not in names:
        found.note("The graph is in its text form (saved_model.pbtxt), which was not looked into.")
        return
    data = read("saved_model.pb", MAX_GRAPH)
    if data is None:
        found.note(f"The graph is larger than {MAX_GRAPH >> 20} MB, and was not looked into.")
        return
    graphs = _parsed("SavedModel", data, "saved_model.pb").meta_graphs
    if not graphs:
        raise Refused(
            "damaged", "saved_model.pb holds no graph.", "The file is damaged, or empty: save the model anew."
        )
    graph = next((one for one in graphs if b"serve" in one.meta_info.tags), graphs[0])
    version = _text(graph.meta_info.tensorflow_version)
    found.saved_with.states_tensorflow(version, "saved_model.pb")
    for one in graphs:
        look_at_ops(one, found)
        _look_at_assets(one, found)
    _look_at_variables(graph, found)
    _look_at_signature(graph, found)
    _look_at_keras(graph, read("keras_metadata.pb", MAX_GRAPH) if "keras_metadata.pb" in names else None, found)
    if "variables/variables.index" not in names and found.parameters:
        found.note("The folder variables/ is missing from the archive: its weights are there. Pack the whole folder.")


def _parsed(kind: str, data: bytes, name: str) -> Any:  # noqa: ANN401  protobuf's own
    made = message(kind)
    try:
        made.ParseFromString(data)
    except (DecodeError, RecursionError) as error:
        raise Refused(
            "damaged",
            f"{name} cannot be read: it is no SavedModel's, or cut short.",
            "Compare its size with the original, then pack and send it again.",
        ) from error
    return made


def _look_at_assets(graph: Any, found: Findings) -> None:  # noqa: ANN401
    for asset in graph.assets:
        name = _text(asset.filename)
        if name.startswith("/") or ".." in name.split("/") or "://" in name:
            found.reach(f"an asset outside of the archive: {shown(name)}")


def _look_at_variables(graph: Any, found: Findings) -> None:  # noqa: ANN401
    nodes = graph.objects.nodes
    slots = {slot.slot for node in nodes for slot in node.slots}
    found.optimizer_state = bool(slots) or _has_moments(nodes)
    ours = _own_variables(nodes)
    chosen = (
        [at for at, node in enumerate(nodes) if node.HasField("variable") and at not in slots] if ours is None else ours
    )
    chosen = [at for at in chosen if ours is not None or not _is_bookkeeping(_text(nodes[at].variable.name))]
    found.parameters = sum(_count(nodes[at].variable) for at in chosen) if len(nodes) else None


def _own_variables(nodes: Sequence[Any]) -> list[int] | None:
    """Return the variables that the model itself names as its own, which the optimizer's are not among."""
    held = _child(nodes, 0, b"variables")
    if held is None:
        return None
    found = {child.node for child in nodes[held].children if 0 <= child.node < len(nodes)}
    return sorted(at for at in found if nodes[at].HasField("variable") and not _is_seed(nodes[at])) or None


def _is_seed(node: Any) -> bool:  # noqa: ANN401
    return b"seed_generator" in node.variable.name


def _has_moments(nodes: Sequence[Any]) -> bool:
    """Whether the optimizer keeps arrays of its own, as it does since TensorFlow 2.11, when slots went away."""
    held = _child(nodes, 0, b"optimizer")
    kept = None if held is None else _child(nodes, held, b"_variables")
    children = [] if kept is None else nodes[kept].children
    found = [nodes[child.node] for child in children if 0 <= child.node < len(nodes)]
    return any(node.HasField("variable") and node.variable.shape.dimensions for node in found)


def _child(nodes: Sequence[Any], parent: int, name: bytes) -> int | None:
    children = nodes[parent].children if nodes else ()
    return next((one.node for one in children if one.name == name and 0 <= one.node < len(nodes)), None)


def _is_bookkeeping(name: str) -> bool:
    first = name.partition("/")[0].partition(":")[0]
    return first.lower() in {
        "adam",
        "sgd",
        "rmsprop",
        "optimizer",
        "iteration",
        "learning_rate",
        "total",
        "count",
        "decay",
    }


def _count(variable: Any) -> int:  # noqa: ANN401
    return math.prod(max(0, one.size) for one in variable.shape.dimensions)


def _look_at_signature(graph: Any, found: Findings) -> None:  # noqa: ANN401
    signatures = {_text(one.key): one.value for one in graph.signatures}
    default = signatures.get("serving_default")
    if default is None:
        usable = [one for name, one in signatures.items() if not name.startswith("__")]
        default = usable[0] if len(usable) == 1 else None
    if default is None or not default.inputs or len(default.inputs) > MAX_TENSORS:
        return
    inputs, outputs = _tensors(default.inputs), _tensors(default.outputs)[:MAX_TENSORS]
    found.signature = {"inputs": inputs, "outputs": outputs}
    found.structure = "dict" if len(inputs) > 1 else "single"


def _tensors(entries: Sequence[Any]) -> list[dict[str, Any]]:
    named = {_text(one.key): one.value for one in entries}
    return [_tensor(name, named[name]) for name in sorted(named)]


def _tensor(name: str, info: Any) -> dict[str, Any]:  # noqa: ANN401
    known = info.HasField("shape") and not info.shape.unknown_rank
    shape = [one.size if one.size >= 0 else None for one in info.shape.dimensions] if known else None
    return tensor(name, shape, DTYPES.get(info.dtype, f"type {info.dtype}"))


def _look_at_keras(graph: Any, metadata: bytes | None, found: Findings) -> None:  # noqa: ANN401
    """Take account of what Keras 2 wrote beside the graph, or up to TensorFlow 2.4 into it."""
    described = list(_described(graph, metadata))
    if not described:
        return
    found.kind = "savedmodel"
    root = parsed(described[0][1], "The model's Keras metadata")
    if not isinstance(root, dict):
        return
    stated = text(root.get("keras_version"))
    if stated:
        found.saved_with.states_keras(stated, "the Keras metadata")
    look_into(_config(root), found)
    if found.layers is None:
        _look_at_classes(described[1:], found)
    look_for_signature(_config(root), found)
    training = root.get("training_config")
    if isinstance(training, dict):
        look_at_optimizer(training.get("optimizer_config"), found)


def _config(root: dict[str, Any]) -> dict[str, Any]:
    whole = root.get("model_config")
    if isinstance(whole, dict) and isinstance(whole.get("class_name"), str):
        return whole
    return {"class_name": root.get("class_name"), "config": root.get("config")}


def _described(graph: Any, metadata: bytes | None) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401
    """Yield (identifier, JSON) of each Keras object, the model first."""
    if metadata is not None:
        for node in _parsed("KerasMetadata", metadata, "keras_metadata.pb").nodes:
            yield _text(node.identifier), node.metadata
        return
    for node in graph.objects.nodes:
        if node.user.identifier.startswith(b"_tf_keras") and node.user.metadata:
            yield _text(node.user.identifier), node.user.metadata


def _look_at_classes(described: Sequence[tuple[str, bytes]], found: Findings) -> None:
    """Count the layers of a model whose own config does not list them."""
    for identifier, metadata in described:
        if "layer" not in identifier and "model" not in identifier and "network" not in identifier:
            continue
        stated = parsed(metadata, "A layer's Keras metadata")
        if isinstance(stated, dict) and (name := text(stated.get("class_name"))):
            found.layers = (found.layers or 0) + 1
            found.layer_classes[name] += 1


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
