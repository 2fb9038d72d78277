"""The domain: what is measured and what can come of it. Standard library only; no I/O.

The words are those of the design: environment, model, format, save, artifact, method, cell, rung, verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from typing import Final

SAVE_VERSION: Final = 2
"""Raised by hand whenever the code that saves (recipes, save.py) changes what it may produce."""

LOAD_VERSION: Final = 2
"""Raised by hand whenever the code that loads or judges changes what it may find."""

INSPECTION_VERSION: Final = 2
"""Raised by hand whenever the code that looks into uploads changes what it may tell of one."""


class Format(StrEnum):
    """How a model is written to disk."""

    H5 = "h5"
    SAVEDMODEL = "savedmodel"
    KERAS = "keras"
    EXPORT = "export"
    WEIGHTS_H5 = "weights-h5"
    CHECKPOINT = "checkpoint"
    JSON_WEIGHTS = "json+weights"


class Method(StrEnum):
    """How an artifact is loaded. ``weights`` and ``checkpoint.read`` fill a model that is built anew from its recipe."""

    DEFAULT = "default"
    COMPILE_FALSE = "compile=False"
    CUSTOM_OBJECTS = "custom_objects"
    SAFE_MODE_FALSE = "safe_mode=False"
    WEIGHTS = "weights"
    TFSM_LAYER = "TFSMLayer"
    SAVED_MODEL_LOAD = "saved_model.load"
    CHECKPOINT_READ = "checkpoint.read"


class SaveOutcome(StrEnum):
    """What became of a save."""

    SAVED = "saved"
    FAILED = "save-failed"
    UNSUPPORTED = "unsupported"
    NOT_APPLICABLE = "not-applicable"
    TOO_LARGE = "too-large"  # for us, whatever the version makes of it


class Origin(StrEnum):
    """Whose a model is: made here by a recipe, or brought by somebody, who may have put any program into it."""

    OURS = "ours"
    UPLOADED = "uploaded"


class Rung(IntEnum):
    """How far a load got; each rung implies those below it but for the signature, which may differ and still answer."""

    NOTHING = 0
    OPENED = 1
    DESERIALIZED = 2
    SIGNATURE_EQUAL = 3
    CALLED = 4
    OUTPUTS_EQUAL = 5

    @property
    def label(self) -> str:
        """The rung as the pages and tables spell it, such as ``outputs equal``."""
        return self.name.lower().replace("_", " ")


class Verdict(StrEnum):
    """What a cell's measurement means."""

    PASS = "pass"  # noqa: S105  (a verdict, not a password)
    DRIFT = "drift"
    LOADS = "loads"  # and answers, with nothing to hold the answers to: of uploads alone
    FAIL = "fail"
    TIMEOUT = "timeout"
    CRASH = "crash"
    OUT_OF_MEMORY = "out-of-memory"
    HARNESS_BROKEN = "harness-broken"

    @property
    def is_abnormal(self) -> bool:
        """Whether the process, rather than the framework, ended the attempt: always repeated before it counts."""
        return self in {Verdict.TIMEOUT, Verdict.CRASH, Verdict.OUT_OF_MEMORY}


class RunStatus(StrEnum):
    """Where a run stands. ``incomplete``: it ended, but some of what was asked for could not be measured."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    INCOMPLETE = "incomplete"


class RequestKind(StrEnum):
    """What somebody asks a runner for."""

    RUN = "run"


class RequestState(StrEnum):
    """Where a request stands. ``done``: its run came to its end, whatever it found."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Flavour(StrEnum):
    """Which Keras ``tf.keras`` is in an environment."""

    KERAS2 = "keras2"
    KERAS3 = "keras3"
    TF_KERAS = "tf_keras"


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """One thing to test in: a TensorFlow with the Keras and Python of its own time, in an image.

    ``recipe_digest`` (sha256, hex) covers all that goes into the image: base, lock, Dockerfile and arguments. It is the
    environment's identity; the image's own digest changes at every build and is only kept as evidence. An overlay is
    another Keras on the environment whose id is ``base``; an environment of its own has none.
    """

    id: str
    tensorflow: str
    keras: str
    python: str
    cut_off: date
    recipe_digest: str
    base: str | None = None

    @property
    def flavour(self) -> Flavour:
        """Which Keras tf.keras is. A Keras 2 put on another environment is tf_keras: there is no other."""
        if not self.keras.startswith("2."):
            return Flavour.KERAS3
        return Flavour.KERAS2 if self.base is None else Flavour.TF_KERAS

    @property
    def minor(self) -> tuple[int, int]:
        """The TensorFlow minor as numbers, so that 2.10 sorts after 2.9."""
        major, minor = self.tensorflow.split(".")[:2]
        return int(major), int(minor)

    @property
    def keras_version(self) -> tuple[int, int]:
        """The Keras minor as numbers."""
        major, minor = self.keras.split(".")[:2]
        return int(major), int(minor)

    @property
    def image(self) -> str:
        """The image's name; its tag is the recipe digest, so what is unchanged is never built again."""
        return f"tfmatrix/{self.id.replace('+', '-')}:{self.recipe_digest[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A canonical recipe: what it is called, what it is there to show, whether loading it needs custom objects.

    ``reference`` is a public issue where the break was reported, empty where none is known. ``formats`` names those
    that make sense for the model by design, all where it is ``None``.
    """

    id: str
    title: str
    shows: str
    needs_custom_objects: bool = False
    group: str = ""
    reference: str = ""
    formats: tuple[str, ...] | None = None
    training_steps: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveKey:
    """What makes a save the same save: done once, used again."""

    model: str
    saver: str  # recipe digest
    format: Format
    version: int = SAVE_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class CellKey:
    """What makes a cell the same cell. ``artifact`` is a sha256 and ``loader`` a recipe digest."""

    artifact: str
    loader: str
    method: Method
    version: int = LOAD_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRequest:
    """A cell as a person names it, before its artifact exists. Environments by id."""

    saver: str
    model: str
    format: Format
    loader: str
    method: Method


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key under which ``tf2.10`` follows ``tf2.9``."""
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text) if part)
