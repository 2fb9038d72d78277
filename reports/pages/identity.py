"""What an upload is, before any TensorFlow loads it: which version saved it, what is in it, what it reaches for. Pure.

It reads what the inspector answered, which somebody's file has formed: what is not as it should be is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MOST_LAYERS: Final = 12
_MOST_SAID: Final = 50

KINDS: Final[Mapping[str, str]] = {
    "keras": "a model in Keras's own format (.keras, a zip)",
    "h5": "a whole model in HDF5",
    "weights-h5": "weights alone, in HDF5",
    "savedmodel": "a SavedModel that Keras wrote",
    "export": "a SavedModel for inference, not of Keras",
    "json+weights": "weights in HDF5 with an architecture in JSON",
    "builder": "a script that builds a model",
    "checkpoint": "a checkpoint",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One input or output as the file states it: ``image``, ``(?, 28, 28)``, ``float32``."""

    name: str
    shape: str
    dtype: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What the file says of itself. ``saved_with`` is the answer in a sentence, ``evidence`` why.

    ``layers`` are classes and how often each is used, the most frequent first; ``more_layers`` classes are not listed.
    """

    kind: str
    what: str
    packing: str
    saved_with: str
    tensorflow: str | None
    keras: str | None
    oldest: str | None
    newest: str | None
    evidence: tuple[str, ...]
    model_class: str | None
    layer_count: int | None
    layers: tuple[tuple[str, int], ...]
    more_layers: int
    custom: tuple[str, ...]
    parameters: int | None
    optimizer: str | None
    optimizer_state: bool | None
    lambdas: tuple[str, ...]
    reaches: tuple[str, ...]
    inputs: tuple[Side, ...]
    outputs: tuple[Side, ...]
    inputs_from: str
    inputs_note: str
    notes: tuple[str, ...]


def identity(inspection: Mapping[str, Any]) -> Identity | None:
    """Return what the inspector found, if it found out what the file is."""
    kind = _word(inspection.get("kind"))
    if kind is None:
        return None
    said, model = _fields(inspection.get("saved_with")), _fields(inspection.get("model"))
    signature = _fields(inspection.get("signature"))
    classes = sorted(_counts(model.get("layer_classes")), key=lambda one: (-one[1], one[0]))
    versions = {name: _word(said.get(name)) for name in ("tensorflow", "keras", "oldest", "newest")}
    return Identity(
        kind=kind,
        what=KINDS.get(kind, kind),
        packing=_word(inspection.get("packing")) or "file",
        saved_with=saved_with(**versions),
        **versions,
        evidence=_words(said.get("evidence")),
        model_class=_word(model.get("class")),
        layer_count=_number(model.get("layers")),
        layers=tuple(classes[:_MOST_LAYERS]),
        more_layers=max(0, len(classes) - _MOST_LAYERS),
        custom=_words(model.get("custom")),
        parameters=_number(model.get("parameters")),
        optimizer=_word(model.get("optimizer")),
        optimizer_state=_truth(model.get("optimizer_state")),
        lambdas=_words(model.get("lambdas")),
        reaches=_words(model.get("reaches")),
        inputs=tuple(_sides(signature.get("inputs"))),
        outputs=tuple(_sides(signature.get("outputs"))),
        inputs_from=_word(inspection.get("inputs_from")) or "none",
        inputs_note=_word(inspection.get("inputs_note")) or "",
        notes=_words(inspection.get("notes")),
    )


def saved_with(*, tensorflow: str | None, keras: str | None, oldest: str | None, newest: str | None) -> str:
    """Which version saved a file, in a sentence."""
    exact = " and ".join(f"{name} {one}" for name, one in (("TensorFlow", tensorflow), ("Keras", keras)) if one)
    if exact:
        return f"Saved with {exact}."
    match oldest, newest:
        case None, None:
            return "The file does not say which version saved it."
        case (one, other) if one == other:
            return f"Saved with TensorFlow {one}."
        case None, _:
            return f"Saved with TensorFlow {newest} or older."
        case _, None:
            return f"Saved with TensorFlow {oldest} or newer."
        case _:
            return f"Saved with a TensorFlow from {oldest} to {newest}."


def _fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _words(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(one for one in listed if isinstance(one, str) and one)[:_MOST_SAID]


def _counts(value: object) -> Iterator[tuple[str, int]]:
    for name, count in _fields(value).items():
        if (number := _number(count)) is not None:
            yield str(name), number


def _sides(value: object) -> Iterator[Side]:
    for one in value[:_MOST_SAID] if isinstance(value, list) else []:
        side = _fields(one)
        yield Side(name=str(side.get("name", "")), shape=_shape(side.get("shape")), dtype=str(side.get("dtype", "?")))


def _shape(value: object) -> str:
    if not isinstance(value, list):
        return "any shape"
    sizes = ["?" if one is None else str(one) for one in value]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
