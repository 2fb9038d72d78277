"""What comes of a measurement: saves, artifacts, cells, and the rows that pages and tables read.

The other half of the domain; standard library only, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from matrix.model import CellKey, Format, Method, Rung, SaveKey, SaveOutcome, Verdict


class Mark(StrEnum):
    """What came of something tried beyond the top rung; where nothing was tried there is none."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One input or output as a model states it; ``None`` in the shape is a dimension left open."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a model takes and gives."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An exception as the probe saw it, with paths and control characters already cleaned.

    ``frames`` are the innermost library frames as ``module:function``, innermost last; ``fingerprint`` names the kind
    of failure: exception class, normalised message and those frames, never the raw text.
    """

    exception: str
    message: str
    traceback: str
    frames: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The largest disagreement of one output with the saver's; ``None`` where the two cannot be subtracted."""

    output: str
    equal: bool
    max_absolute: float | None
    max_relative: float | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """What a measurement took: seconds by step, wall seconds, and the peak resident memory of its process in bytes."""

    steps: dict[str, float]
    wall_seconds: float
    peak_memory: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveResult:
    """A save and what became of it. ``artifact`` is set when the outcome is ``saved``."""

    key: SaveKey
    outcome: SaveOutcome
    artifact: Artifact | None
    reason: str | None
    failure: Failure | None
    warnings: tuple[str, ...]
    effort: Effort


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A saved model's bytes, with the input bytes it was called with and what the saver answered.

    ``sha256`` names the blob (a canonical tar, or the one file); ``inputs`` and ``outputs`` name blobs of raw arrays.
    """

    sha256: str
    size: int
    is_tar: bool
    inputs: str
    outputs: str
    signature: Signature


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What was tried with a model that answers as its saver's did; ``notes`` say of each ``no`` why, by its name."""

    saved_again: Mark
    optimizer_restored: Mark
    trained_step: Mark
    notes: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class CellResult:
    """A cell and what was found. ``repeated`` is the verdict of a second go in a fresh process, where there was one.

    ``marks`` are those of a cell in the plan's sample, ``None`` of any other.
    """

    key: CellKey
    verdict: Verdict
    rung: Rung
    signature_equal: bool | None
    signal: int | None
    failure: Failure | None
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    effort: Effort
    repeated: Verdict | None = None
    tampered: bool = False
    marks: Marks | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What an environment says of itself from inside: versions really imported, CPU flags, thread settings."""

    versions: dict[str, str]
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixRow:
    """One cell as the pages and tables read it: the request, and what is known of it.

    ``verdict`` is ``None`` where nothing was measured: the save gave no artifact, or the cell has not run yet.
    ``primary`` marks the method that the format and the model call for; the share that passes is counted over these.
    ``repeated`` is the verdict of a second go, where there was one. ``shared`` marks a cell that is in an earlier row, too:
    its saver wrote the same bytes.
    """

    saver: str
    model: str
    format: Format
    loader: str
    method: Method
    primary: bool
    save_outcome: SaveOutcome | None
    verdict: Verdict | None
    rung: Rung | None
    fingerprint: str | None
    max_absolute: float | None
    max_relative: float | None
    wall_seconds: float | None
    measured_at: datetime | None
    repeated: Verdict | None = None
    marks: Marks | None = None
    shared: bool = False
