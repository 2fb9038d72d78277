"""Looks into HDF5 files: attributes, the shapes of arrays, and links. Reads no array, and follows no link that leads out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from images.inspector.config import look_at_optimizer, look_into, parsed
from images.inspector.findings import Findings
from images.inspector.refusal import Refused, shown, size
from images.inspector.signature import look_for_signature

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_ATTRIBUTE = 64 << 20
MOST_SWELLING = 200
SMALL = 256 << 20
NO_WEIGHTS = frozenset(["optimizer", "optimizer_weights", "metrics", "loss_tracker", "_loss_tracker", "compile_metrics",
                        "_compile_metrics", "seed_generator", "random_generator", "_metrics", "_compile_loss"])  # fmt: skip
COUNTERS = frozenset(["iterations", "iter", "iteration", "learning_rate"])
OLD_LAYOUT = "_layer_checkpoint_dependencies"


@dataclass
class Arrays:
    """What a walk through a file has seen: arrays of weights by path, arrays of the optimizer, bytes that all declare."""

    parameters: int = 0
    layers: dict[str, None] = field(default_factory=dict)
    optimizer: int = 0
    declared: int = 0
    objects: int = 0
    tops: frozenset[str] = frozenset()


def look_into_file(file: Any, bytes_: int, found: Findings) -> None:  # noqa: ANN401  a path, or an open file
    """Take account of an HDF5 file of so many bytes: a whole model, or weights alone.

    Raises:
        Refused: It is damaged, or declares more than it can hold.
    """
    try:
        with h5py.File(file, "r") as opened:
            _look_into(opened, bytes_, found)
    except Refused:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Refused(
            "damaged",
            f"The HDF5 file cannot be read: {shown(error, 200)}.",
            "Most often it is cut short: compare its size with the original, and copy or download it again.",
        ) from error


def look_at_weights(file: Any, bytes_: int, found: Findings) -> Arrays:  # noqa: ANN401
    """Take account of the weights in a ``.keras`` file, which are an HDF5 file of their own."""
    try:
        with h5py.File(file, "r") as opened:
            seen = _walked(opened, bytes_, found)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        found.note(f"The weights inside cannot be read: {shown(error, 200)}. The file is damaged, or cut short.")
        return Arrays()
    found.parameters = seen.parameters
    found.optimizer_state = seen.optimizer > 0
    return seen


def _look_into(opened: Any, bytes_: int, found: Findings) -> None:  # noqa: ANN401
    seen = _walked(opened, bytes_, found)
    found.parameters = seen.parameters
    found.optimizer_state = seen.optimizer > 0
    config = _attribute(opened, "model_config", found)
    stated = opened if config is not None or "keras_version" in opened.attrs else _weights(opened)
    _look_at_versions(stated, found)
    if config is None:
        _look_at_bare_weights(stated, seen, found)
        return
    found.kind = "h5"
    whole = parsed(config, "The model's config")
    look_into(whole, found)
    if isinstance(whole, dict):
        look_for_signature(whole, found)
    training = _attribute(opened, "training_config", found)
    if training is not None:
        compiled = parsed(training, "The training config")
        if isinstance(compiled, dict):
            look_at_optimizer(compiled.get("optimizer_config", compiled.get("optimizer")), found)


def _weights(opened: Any) -> Any:  # noqa: ANN401
    """Return the group of a whole model's weights, if there is one that lies in the file itself."""
    link = opened.get("model_weights", getlink=True)
    return opened["model_weights"] if isinstance(link, h5py.HardLink) else opened


def _look_at_versions(opened: Any, found: Findings) -> None:  # noqa: ANN401
    keras, backend = _attribute(opened, "keras_version", found), _attribute(opened, "backend", found)
    if keras is not None:
        found.saved_with.states_keras(keras, "the HDF5 attribute keras_version")
    if backend not in {None, "tensorflow"}:
        found.note(f"It was saved with the backend {shown(backend, 40)}, not with TensorFlow.")


def _look_at_bare_weights(opened: Any, seen: Arrays, found: Findings) -> None:  # noqa: ANN401
    """Weights without a model: two layouts, of which one has a list of layers."""
    found.kind = "weights-h5"
    names = _names(opened, "layer_names")
    if names is not None:
        found.layers = len(names)
    elif OLD_LAYOUT in seen.tops:
        found.saved_with.narrows((2, 12), (2, 14), f"weights lie in {OLD_LAYOUT}, as in Keras 2.12 to 2.14")
        found.layers = len(seen.layers)
    elif "layers" in seen.tops:
        found.saved_with.narrows((2, 15), None, "weights lie in the group layers, as from Keras 2.15 on")
        found.layers = len(seen.layers)
    elif not seen.parameters:
        raise Refused(
            "not-a-model",
            "The HDF5 file holds neither a model nor weights of one.",
            "Hand in what model.save(...) or model.save_weights(...) wrote.",
        )


def _walked(opened: Any, bytes_: int, found: Findings) -> Arrays:  # noqa: ANN401
    """Go through all that the file itself holds, each object once."""
    seen = Arrays(tops=frozenset(opened))
    known: set[Any] = set()
    stack: list[tuple[Any, str, int]] = [(opened, "", 0)]
    while stack:
        group, path, depth = stack.pop()
        for name in group:
            seen.objects += 1
            if seen.objects > MAX_OBJECTS or depth > MAX_DEPTH:
                raise Refused(
                    "too-many-members",
                    f"The HDF5 file holds more than {MAX_OBJECTS} objects, or is nested deeper than {MAX_DEPTH}.",
                    "No model is: save it anew.",
                )
            place = f"{path}/{name}"
            thing = _own(group, name, place, found)
            if thing is None:
                continue
            address = h5py.h5o.get_info(thing.id).addr
            if address in known:
                continue
            known.add(address)
            if isinstance(thing, h5py.Group):
                stack.append((thing, place, depth + 1))
            elif isinstance(thing, h5py.Dataset):
                _count(thing, place, bytes_, seen, found)
    return seen


def _own(group: Any, name: str, place: str, found: Findings) -> Any:  # noqa: ANN401
    """Return what lies in the file under a name; what leads out of it is told, and not followed."""
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        found.reach(f"external link {shown(place, 60)} to {shown(link.filename, 60)}:{shown(link.path, 40)}")
        return None
    return group.get(name) if isinstance(link, h5py.HardLink) else None


def _count(dataset: Any, place: str, bytes_: int, seen: Arrays, found: Findings) -> None:  # noqa: ANN401
    if dataset.id.get_create_plist().get_external_count():
        files = ", ".join(shown(one[0], 60) for one in (dataset.external or [])[:3])
        found.reach(f"external storage of {shown(place, 60)}: {files}")
    elif dataset.is_virtual:
        files = ", ".join(shown(one.file_name, 60) for one in dataset.virtual_sources()[:3])
        found.reach(f"virtual dataset {shown(place, 60)} from {files}")
    shape = dataset.shape or ()
    seen.declared += math.prod(shape) * max(dataset.dtype.itemsize, 1)
    if seen.declared > max(SMALL, bytes_ * MOST_SWELLING):
        raise Refused(
            "declares-too-much",
            f"The HDF5 file has {size(bytes_)} and declares arrays of {size(seen.declared)}: {shown(place)}. Who loads it "
            "runs out of memory.",
            "Save the model anew, from the program that made it.",
        )
    parts = place.strip("/").split("/")
    if not NO_WEIGHTS.isdisjoint(parts):
        seen.optimizer += bool({"optimizer", "optimizer_weights"}.intersection(parts)) and _is_state(parts, shape)
        return
    if np.issubdtype(dataset.dtype, np.number) or dataset.dtype.kind == "b":
        seen.parameters += math.prod(shape)
        if parts[0] in {"layers", OLD_LAYOUT} and len(parts) > 1:
            seen.layers.setdefault("/".join(parts[:-1]).partition("/vars")[0])


def _is_state(parts: list[str], shape: tuple[int, ...]) -> bool:
    """Whether an array of an optimizer is more than its counter and its learning rate."""
    return bool(shape) and parts[-1].partition(":")[0] not in COUNTERS


def _attribute(opened: Any, name: str, found: Findings) -> str | None:  # noqa: ANN401
    """Return a text that a group has as attribute."""
    if name not in opened.attrs:
        return None
    attribute = opened.attrs.get_id(name)
    if attribute.shape not in {(), (1,)} or attribute.get_storage_size() > MAX_ATTRIBUTE:
        found.note(f"The attribute {shown(name)} is no text.")
        return None
    value = opened.attrs[name]
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _names(opened: Any, name: str) -> list[str] | None:  # noqa: ANN401
    """Return a list of names that a group has as attribute."""
    if name not in opened.attrs:
        return None
    attribute = opened.attrs.get_id(name)
    if len(attribute.shape) != 1 or attribute.shape[0] > MAX_OBJECTS or attribute.get_storage_size() > MAX_ATTRIBUTE:
        return None
    return [shown(one.decode("utf-8", "replace") if isinstance(one, bytes) else one) for one in opened.attrs[name]]
