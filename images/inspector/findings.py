"""What was found in an upload, gathered by everything that looks into it, then told as the answer's header."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from images.inspector.refusal import Refused, shown
from images.inspector.versions import Provenance

NAMES = 200
NOTES = 40
NAME_LENGTH = 160
NOTE_LENGTH = 600


@dataclass(kw_only=True)
class Findings:
    """What is known so far. ``signature`` is ``{"inputs": [...], "outputs": [...]}``; ``ranges`` are as invent takes them.

    ``sampled``: a builder script makes inputs.
    """

    kind: str | None = None
    packing: str = "file"
    root: str = ""
    members: int = 1
    unpacked: int = 0
    saved_with: Provenance = field(default_factory=Provenance)
    model_class: str | None = None
    layers: int | None = None
    layer_classes: Counter[str] = field(default_factory=Counter)
    custom: dict[str, None] = field(default_factory=dict)
    parameters: int | None = None
    optimizer: str | None = None
    optimizer_state: bool = False
    lambdas: dict[str, None] = field(default_factory=dict)
    reaches: dict[str, None] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    structure: str = "single"
    ranges: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    sampled: bool = False
    refused: Refused | None = None

    def note(self, sentence: str) -> None:
        """Keep a sentence worth telling, once."""
        if len(self.notes) < NOTES:
            self.notes.setdefault(shown(sentence, NOTE_LENGTH))

    def reach(self, what: str) -> None:
        """Keep something that leads out of the file."""
        _add(self.reaches, what)

    def is_custom(self, name: str) -> None:
        """Keep a class or function that is not Keras' own."""
        _add(self.custom, name)

    def is_lambda(self, name: str) -> None:
        """Keep the name of a layer that holds Python code."""
        _add(self.lambdas, name)

    def header(self) -> dict[str, Any]:
        """Return all of it as the answer's header, less what is said of inputs; each list is bounded."""
        refused = self.refused
        return {
            "refused": None if refused is None else _told(refused),
            "kind": self.kind,
            "packing": self.packing,
            "root": self.root,
            "members": self.members,
            "unpacked": self.unpacked,
            "saved_with": self.saved_with.header(),
            "model": {
                "class": None if self.model_class is None else shown(self.model_class, NAME_LENGTH),
                "layers": self.layers,
                "layer_classes": {shown(n, NAME_LENGTH): count for n, count in self.layer_classes.most_common(NAMES)},
                "custom": list(self.custom),
                "parameters": self.parameters,
                "optimizer": None if self.optimizer is None else shown(self.optimizer, NAME_LENGTH),
                "optimizer_state": self.optimizer_state,
                "lambdas": list(self.lambdas),
                "reaches": list(self.reaches),
            },
            "signature": self.signature,
            "notes": list(self.notes),
        }


def _add(names: dict[str, None], name: str) -> None:
    if len(names) < NAMES:
        names.setdefault(shown(name, NAME_LENGTH))


def _told(refused: Refused) -> dict[str, str]:
    return {
        "code": refused.code,
        "message": shown(refused.message, NOTE_LENGTH),
        "next_step": shown(refused.next_step, NOTE_LENGTH),
    }
