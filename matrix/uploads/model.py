"""An upload as values: its parts, what was asked of it, where it stands, and what was found. Standard library only; no I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from matrix.model import INSPECTION_VERSION, Format, SaveOutcome
from matrix.results import CellResult, Failure, Signature

ITSELF: Final = ""
"""The saver of what was handed in: not an environment of ours."""


class Part(StrEnum):
    """What a file of an upload is for."""

    MODEL = "model"
    ARCHITECTURE = "architecture"
    BUILDER = "builder"
    CUSTOM_OBJECTS = "custom_objects"
    INPUTS = "inputs"


class UploadState(StrEnum):
    """Where an upload stands. From ``saving-again`` on its row is complete."""

    WAITING = "waiting"
    INSPECTING = "inspecting"
    REFUSED = "refused"
    LOADING = "loading"
    SAVING_AGAIN = "saving-again"
    DONE = "done"
    FAILED = "failed"
    DELETED = "deleted"
    EXPIRED = "expired"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be found."""
        return self not in {
            UploadState.WAITING,
            UploadState.INSPECTING,
            UploadState.LOADING,
            UploadState.SAVING_AGAIN,
        }

    @property
    def is_gone(self) -> bool:
        """Whether all that was known of it is removed."""
        return self in {UploadState.DELETED, UploadState.EXPIRED}


@dataclass(frozen=True, kw_only=True, slots=True)
class PartFile:
    """One file of an upload. ``name`` is what the person called it: shown, never used as a path."""

    name: str
    sha256: str
    size: int


Parts = Mapping[Part, PartFile]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What was asked of an upload: environments by id (none: all), overlays as well, saving again everywhere."""

    environments: tuple[str, ...] = ()
    overlays: bool = False
    save_again: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What was handed in, and where it stands.

    ``id`` is the unguessable part of its address, ``deletion`` the sha256 of the token that may delete it, ``owner`` tells
    senders apart for fair turns and says nothing else of them. ``content`` names what its files say; what is found belongs
    to that. ``plan`` has environment ids in the order in which they are tried, ``reference`` the one that all others are
    compared with, once it is known. ``inspection`` is what the inspector answered, checked (matrix/uploads/inspection.py).
    ``started_at`` is when its row had its first turn. ``turn`` orders rows that are not complete, once a runner gave one.
    ``revision`` is raised by whatever changes what a page shows.
    """

    id: str
    content: str
    parts: Parts
    options: Options
    state: UploadState
    owner: str
    deletion: str
    handed_in_at: datetime
    expires_at: datetime
    started_at: datetime | None = None
    row_at: datetime | None = None
    finished_at: datetime | None = None
    message: str | None = None
    next_step: str | None = None
    inspection: dict[str, Any] | None = None
    plan: tuple[str, ...] = ()
    reference: str | None = None
    note: str | None = None
    revision: int = 0
    turn: int | None = None

    @property
    def name(self) -> str:
        """What the person called the file that this is about."""
        for part in (Part.MODEL, Part.BUILDER, Part.ARCHITECTURE):
            if part in self.parts:
                return self.parts[part].name
        return next(iter(self.parts.values())).name if self.parts else "(removed)"

    def is_inspected_like(self, other: Upload) -> bool:
        """Whether an inspector tells the same of this and another upload of the same content: it warns of suffixes that lie."""
        mine, theirs = (
            {part: Path(file.name).suffix.lower() for part, file in one.parts.items()} for one in (self, other)
        )
        return mine == theirs and (other.inspection or {}).get("version") == INSPECTION_VERSION

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadCell:
    """What one environment made of a file, by one method; of a script that it builds, ``format`` is ``None``.

    ``saver`` is the recipe digest of the environment that saved it again, ``ITSELF`` for what was handed in; the result's
    key has the loader's digest, and the file's as artifact. ``outputs`` names a blob of ``size`` bytes. Cells of the same
    ``group`` give the same answers; 0 is the reference's, ``None`` where there is nothing to compare. ``notes`` are sentences
    that say why: that it was not called, or that its answers are too large.
    """

    saver: str
    format: Format | None
    result: CellResult
    outputs: str | None
    group: int | None
    measured_at: datetime
    size: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadSave:
    """What came of saving a loaded upload again in one environment (a recipe digest) and format. Blobs by sha256.

    ``size`` is that of the artifact, ``beside`` that of inputs and outputs, in bytes.
    """

    saver: str
    format: Format
    outcome: SaveOutcome
    reason: str | None
    failure: Failure | None
    artifact: str | None
    size: int
    is_tar: bool
    inputs: str | None
    outputs: str | None
    signature: Signature | None
    beside: int = 0
    steps: dict[str, float] = field(default_factory=dict)


def content_of(parts: Parts) -> str:
    """Return the sha256 (hex) that names what these files say, whatever they are called."""
    said = sorted((part.value, file.sha256) for part, file in parts.items())
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def hashed(token: str) -> str:
    """Return the form in which a deletion token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()
