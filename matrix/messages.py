"""The messages between host and probe as values: jobs that are asked for, and what a child and its zygote say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

from matrix.model import Format, Method, Rung, SaveOutcome
from matrix.results import Signature

Arrays = tuple[tuple[str, NDArray[Any]], ...]
"""Named arrays in the order that a model gives them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one child may take: wall seconds, seconds between asking and killing, bytes it may answer or write.

    ``file`` is how large a file it may write where that is not ``body``: an upload is copied and unpacked first.
    """

    seconds: float
    grace: float
    body: int
    file: int | None = None


class Packing(StrEnum):
    """How a brought model is packed; an archive is unpacked by the child that loads it, never by the host."""

    FILE = "file"
    ZIP = "zip"
    TAR = "tar"
    TAR_GZ = "tar.gz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """What somebody brought, beside the model's own file: all of it are names in the container's inbox, or ``None``.

    ``root`` is where the model lies within its archive: a folder, or, of a format that is one file, that file.
    ``architecture`` is a Keras JSON; ``custom_objects`` and ``builder`` are Python files, run by the child alone.
    """

    packing: Packing = Packing.FILE
    root: str = ""
    architecture: str | None = None
    custom_objects: str | None = None
    builder: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveJob:
    """Build one model once and save it in some formats. One that was brought is built by its ``builder``.

    ``inputs`` is a name in the container's inbox, of what it is called with; where it is empty, the child makes some.
    """

    model: str
    formats: tuple[str, ...]
    brought: Brought | None = None
    inputs: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadCell:
    """Load one artifact one way and call it. ``artifact`` and ``inputs`` are names in the container's inbox.

    Of a model that was ``brought`` there is no recipe, so ``model`` is empty; without ``inputs`` the child makes some.
    """

    model: str
    format: str
    method: Method
    artifact: str
    is_tar: bool
    inputs: str
    marks: bool = False
    brought: Brought | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadJob:
    """Cells that one process loads, one after the other; most often one, and of what was brought never more."""

    cells: tuple[LoadCell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainJob:
    """Load and call what a cell says, then save what came of it in some formats; answered as a save is."""

    cell: LoadCell
    formats: tuple[str, ...]


Job = SaveJob | LoadJob | AgainJob


class EndKind(StrEnum):
    """How a child ended."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What the zygote saw of a child from outside: nothing in it was said by the child, but for ``noise``."""

    kind: EndKind
    code: int
    wall_seconds: float
    peak_memory: int
    lane: str
    noise: str
    tampered: bool
    clean: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """An exception as the child saw it."""

    exception: str
    message: str
    traceback: str
    frames: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What a child tried beyond the top rung: each ``None`` when it worked, else why it did not.

    ``iterations`` are the steps that the loaded optimizer counts, ``None`` where there is none; of its ``slots`` so
    many are ``filled``.
    """

    save_failure: str | None
    step_failure: str | None
    iterations: int | None
    slots: int
    filled: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """How far a child got with an artifact, and the raw outputs.

    ``inputs`` is a whole frame where the child had to make them, from ``source``, and ``notes`` what it assumed in doing so,
    or why it made none. ``remarks`` say why what it answered is not here.
    """

    reached: Rung
    steps: dict[str, float]
    signature: Signature | None
    outputs: Arrays
    raised: Raised | None
    warnings: tuple[str, ...]
    unsupported: str | None
    tried: Tried | None = None
    inputs: bytes | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedFormat:
    """One format of a save report; ``data`` are the artifact's bytes."""

    format: Format
    outcome: SaveOutcome
    reason: str | None
    raised: Raised | None
    warnings: tuple[str, ...]
    steps: dict[str, float]
    is_tar: bool
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveReport:
    """What a child made of a model; ``inputs`` is a whole frame that a load job can be given.

    ``source`` and ``notes`` say of inputs that it made how it did, ``remarks`` why what it answered is not here.
    """

    saves: tuple[SavedFormat, ...]
    inputs: bytes
    outputs: bytes
    signature: Signature | None
    steps: dict[str, float]
    raised: Raised | None
    unsupported: str | None
    source: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
