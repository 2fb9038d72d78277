"""What the inspector says of an upload, as values. It has handled hostile bytes: all is checked, bounded and cleaned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from images.probe import wire
from matrix.messages import Arrays, Packing
from matrix.model import Format
from matrix.protocol import ProtocolError, clean
from matrix.results import Signature, Tensor

BUILDER: Final = "builder"
KINDS: Final = frozenset({BUILDER, *(one.value for one in Format)})
STRUCTURES: Final = frozenset({"single", "list", "dict"})
SOURCES: Final = frozenset({"signature", "given", "none"})
MAX_BODY: Final = 80 << 20
NAMES: Final = 200
TENSORS: Final = 256
NAME: Final = 160
SENTENCE: Final = 600
PATH: Final = 1024
_VERSION: Final = re.compile(r"\d{1,4}\.\d{1,4}[\w.+-]{0,30}", re.ASCII)
_MINOR: Final = re.compile(r"\d{1,4}\.\d{1,4}", re.ASCII)
_LARGEST: Final = 1 << 62


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why an upload is not taken: a code for programs, what is wrong, and what to do."""

    code: str
    message: str
    next_step: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedWith:
    """Who saved a file, as far as it says, with what says so; else the TensorFlow minors it can have come from."""

    tensorflow: str | None = None
    keras: str | None = None
    evidence: tuple[str, ...] = ()
    oldest: str | None = None
    newest: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What is in a model. ``custom`` are names that are not Keras' own, ``reaches`` what leads out of the file."""

    class_name: str | None = None
    layers: int | None = None
    layer_classes: dict[str, int]
    custom: tuple[str, ...] = ()
    parameters: int | None = None
    optimizer: str | None = None
    optimizer_state: bool = False
    lambdas: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """The first answer to an upload. Also of one that is refused all is told that is known.

    ``inputs`` are arrays to call the model with, in ``structure``; ``inputs_from`` says whether they were given or made.
    """

    refused: Refusal | None
    kind: str | None
    packing: Packing
    root: str
    members: int
    unpacked: int
    saved_with: SavedWith
    model: ModelFacts
    signature: Signature | None
    inputs: Arrays
    structure: str
    inputs_from: str
    inputs_note: str | None
    notes: tuple[str, ...]

    @property
    def frame(self) -> bytes | None:
        """The inputs as a load job takes them, or nothing where there are none."""
        if not self.inputs:
            return None
        specs, body = wire.encode_arrays(list(self.inputs))
        return wire.pack({"arrays": specs, "structure": self.structure}, body)

    def to_json(self, inputs: str | None) -> dict[str, Any]:
        """Return it as it is kept and shown; ``inputs`` is the digest under which its inputs are stored."""
        model = asdict(self.model)
        return {
            "refused": None if self.refused is None else asdict(self.refused),
            "kind": self.kind,
            "packing": self.packing.value,
            "root": self.root,
            "members": self.members,
            "unpacked": self.unpacked,
            "saved_with": asdict(self.saved_with),
            "model": {"class": model.pop("class_name"), **model},
            "signature": None if self.signature is None else asdict(self.signature),
            "arrays": [
                {
                    "name": name,
                    "dtype": wire.STRING if array.dtype.kind == "O" else array.dtype.name,
                    "shape": list(array.shape),
                }
                for name, array in self.inputs
            ],
            "inputs": inputs,
            "structure": self.structure,
            "inputs_from": self.inputs_from,
            "inputs_note": self.inputs_note,
            "notes": list(self.notes),
        }


def read(frame: bytes) -> Inspection:
    """Read the inspector's answer.

    Raises:
        ProtocolError: No honest inspector says this.
    """
    with _suspicion():
        fields, body = wire.unpack(frame, MAX_BODY)
        refused, kind = fields["refused"], fields["kind"]
        if refused is None and kind is None:
            raise ProtocolError("the inspector says neither what it is, nor why it is refused")
        return Inspection(
            refused=None if refused is None else _refusal(refused),
            kind=None if kind is None else _one_of(kind, KINDS),
            packing=Packing(fields["packing"]),
            root=_path(fields["root"]),
            members=_count(fields["members"]),
            unpacked=_count(fields["unpacked"]),
            saved_with=_saved_with(fields["saved_with"]),
            model=_model(fields["model"]),
            signature=_signature(fields["signature"]),
            inputs=_arrays(fields["arrays"], body),
            structure=_one_of(fields["structure"], STRUCTURES),
            inputs_from=_one_of(fields["inputs_from"], SOURCES),
            inputs_note=_text(fields["inputs_note"], SENTENCE * 4),
            notes=_texts(fields["notes"], SENTENCE),
        )


def refused(code: str, message: str, next_step: str) -> Inspection:
    """Return the answer to an upload of which nothing is known but why it is not taken."""
    return Inspection(
        refused=Refusal(code=code, message=message, next_step=next_step),
        kind=None,
        packing=Packing.FILE,
        root="",
        members=0,
        unpacked=0,
        saved_with=SavedWith(),
        model=ModelFacts(layer_classes={}),
        signature=None,
        inputs=(),
        structure="single",
        inputs_from="none",
        inputs_note=None,
        notes=(),
    )


@contextmanager
def _suspicion() -> Iterator[None]:
    """Whatever goes wrong in reading what the inspector said is the inspector's fault."""
    try:
        yield
    except ProtocolError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise ProtocolError(f"the inspector's answer is malformed: {error!r}") from error


def _refusal(fields: dict[str, Any]) -> Refusal:
    code = fields["code"]
    if not isinstance(code, str) or not re.fullmatch(r"[a-z-]{1,40}", code):
        raise ProtocolError("a refusal without a code")
    return Refusal(
        code=code, message=clean(fields["message"], SENTENCE), next_step=clean(fields["next_step"], SENTENCE)
    )


def _saved_with(fields: dict[str, Any]) -> SavedWith:
    return SavedWith(
        tensorflow=_matching(fields["tensorflow"], _VERSION),
        keras=_matching(fields["keras"], _VERSION),
        evidence=_texts(fields["evidence"], SENTENCE),
        oldest=_matching(fields["oldest"], _MINOR),
        newest=_matching(fields["newest"], _MINOR),
    )


def _model(fields: dict[str, Any]) -> ModelFacts:
    classes = fields["layer_classes"]
    if not isinstance(classes, dict):
        raise ProtocolError("classes of layers that are no object")
    return ModelFacts(
        class_name=_text(fields["class"], NAME),
        layers=_count_or_none(fields["layers"]),
        layer_classes={clean(name, NAME): _count(number) for name, number in list(classes.items())[:NAMES]},
        custom=_texts(fields["custom"], NAME),
        parameters=_count_or_none(fields["parameters"]),
        optimizer=_text(fields["optimizer"], NAME),
        optimizer_state=bool(fields["optimizer_state"]),
        lambdas=_texts(fields["lambdas"], NAME),
        reaches=_texts(fields["reaches"], SENTENCE),
    )


def _signature(fields: dict[str, Any] | None) -> Signature | None:
    if fields is None:
        return None
    return Signature(inputs=_tensors(fields["inputs"]), outputs=_tensors(fields["outputs"]))


def _tensors(entries: object) -> tuple[Tensor, ...]:
    if not isinstance(entries, list) or len(entries) > TENSORS:
        raise ProtocolError("a signature that is no list, or too long")
    return tuple(
        Tensor(name=clean(one["name"], NAME), shape=_shape(one["shape"]), dtype=clean(one["dtype"], 40))
        for one in entries
    )


def _shape(sizes: object) -> tuple[int | None, ...] | None:
    return tuple(_count_or_none(n) for n in sizes[:32]) if isinstance(sizes, list) else None


def _arrays(specs: object, body: bytes) -> Arrays:
    return tuple(wire.decode_arrays(specs, body))


def _one_of(value: object, known: frozenset[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ProtocolError(f"{clean(value, 40)!r} is none of {', '.join(sorted(known))}")
    return value


def _path(value: object) -> str:
    """Return a place within an archive: it goes back into a sandbox, and must lead nowhere else there."""
    whole = isinstance(value, str) and clean(value, PATH) == value
    if isinstance(value, str) and whole and not value.startswith("/") and ".." not in value.split("/"):
        return value
    raise ProtocolError(f"{clean(value, 80)!r} is no place within an archive")


def _matching(value: object, form: re.Pattern[str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ProtocolError(f"{clean(value, 40)!r} is no version")
    return value


def _text(value: object, limit: int) -> str | None:
    return None if value is None else clean(value, limit)


def _texts(entries: object, limit: int) -> tuple[str, ...]:
    if not isinstance(entries, list):
        raise ProtocolError("texts that are no list")
    return tuple(clean(entry, limit) for entry in entries[:NAMES])


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ProtocolError(f"{clean(value, 40)!r} is no count")
    return value


def _count_or_none(value: object) -> int | None:
    return None if value is None else _count(value)
