"""Looks into a ``.keras`` file as Keras writes it since 2.12: a zip of two JSON files and the weights."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from images.inspector.archive import Archive, stored
from images.inspector.config import MAX_JSON, look_into, parsed, text
from images.inspector.findings import Findings
from images.inspector.hdf5 import OLD_LAYOUT, look_at_weights
from images.inspector.refusal import Refused, size
from images.inspector.signature import look_for_signature

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_WEIGHTS = 256 << 20


def is_keras(names: Any) -> bool:  # noqa: ANN401  anything that knows whether it holds a name
    """Whether files of these names are a ``.keras``."""
    return CONFIG in names and (METADATA in names or WEIGHTS in names)


def look_into_zip(path: Path, archive: Archive, found: Findings) -> None:
    """Take account of a ``.keras`` file.

    Raises:
        Refused: It is damaged, or holds more than a model.
    """
    found.kind = "keras"
    if any(name.rpartition("/")[2] in {"saved_model.pb", "saved_model.pbtxt"} for name in archive.sizes):
        raise Refused("two-models", "The archive is a .keras file and a SavedModel at once.", "Hand in one of them.")
    metadata = _json(archive, METADATA, "metadata.json", found)
    if isinstance(metadata, dict):
        found.saved_with.states_keras(text(metadata.get("keras_version")) or "", "metadata.json")
        found.saved_with.states_day(text(metadata.get("date_saved")) or "", "metadata.json")
    config = _json(archive, CONFIG, "config.json", found)
    look_into(config, found)
    if isinstance(config, dict):
        look_for_signature(config, found)
    _look_at_weights(path, archive, found)


def _json(archive: Archive, name: str, what: str, found: Findings) -> Any:  # noqa: ANN401
    if name not in archive.sizes:
        found.note(f"{what} is missing from the file.")
        return None
    raw = archive.read(name, MAX_JSON)
    if raw is None:
        raise Refused(
            "too-large", f"{what} in the file has {size(archive.sizes[name])}; no model's has so many.", "Save it anew."
        )
    return parsed(raw, what)


def _look_at_weights(path: Path, archive: Archive, found: Findings) -> None:
    if WEIGHTS not in archive.sizes:
        found.note(
            "The weights lie in several files, which were not looked into."
            if "model.weights.json" in archive.sizes
            else "The file holds no model.weights.h5: it is a model without weights."
        )
        return
    file: Any = stored(path, WEIGHTS)
    if file is None:
        raw = archive.read(WEIGHTS, MAX_WEIGHTS)
        if raw is None:
            found.note(f"The weights are packed and larger than {size(MAX_WEIGHTS)}; they were not looked into.")
            return
        file = io.BytesIO(raw)
    with file:
        seen = look_at_weights(file, archive.sizes[WEIGHTS], found)
    if OLD_LAYOUT in seen.tops:
        found.saved_with.narrows((2, 12), (2, 14), f"weights lie in {OLD_LAYOUT}, as in Keras 2.12 to 2.14")
    elif "layers" in seen.tops:
        found.saved_with.narrows((2, 15), None, "weights lie in the group layers, as from Keras 2.15 on")
