"""What this project needs of an engine: very little. ``docker`` isolates; ``venv`` does the same job and isolates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matrix.errors import UsageError
from matrix.model import Environment, Origin


class ChannelLostError(Exception):
    """The container, or the engine under it, is gone; ``str`` says what its last words were."""


class ChannelTimeoutError(Exception):
    """The container did not answer in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What one container gets: memory and temporary space in bytes, and the processor it is pinned to."""

    memory: int
    temporary: int
    processor: int | None


class Channel(Protocol):
    """The two ends of a running probe."""

    def send(self, line: bytes) -> None:
        """Write one job line. Raises ChannelLostError."""

    def receive(self, seconds: float) -> bytes:
        """Return the next whole frame. Raises ChannelLostError, ChannelTimeoutError."""

    def abort(self) -> None:
        """Make every call on this channel fail soon; may be called from another thread."""

    def is_lost(self) -> bool:
        """Whether the other end is gone already, as far as a glance tells."""

    def starved(self) -> bool:
        """Whether the kernel killed something in the container for want of memory, as seen from outside."""


class Engine(Protocol):
    """Starts a probe in an environment. ``isolates`` says whether what it loads is kept from this machine."""

    @property
    def isolates(self) -> bool:
        """Whether a model that does harm is held by it."""

    def name(self) -> str:
        """Return what it is and its version, such as ``Docker 26.1.5``, kept with the run."""

    def missing(self, environments: tuple[Environment, ...]) -> dict[str, str]:
        """Return the environments, by id, that cannot run here, each with the reason."""

    def start(
        self, environment: Environment, inbox: Path, allowance: Allowance, labels: Mapping[str, str]
    ) -> AbstractContextManager[Channel]:
        """Start a container that sees ``inbox`` at /in, read-only; it is gone when the context ends."""

    def start_inspector(self, inbox: Path, labels: Mapping[str, str]) -> AbstractContextManager[Channel]:
        """Start what looks into one upload, without TensorFlow; it sees ``inbox`` at /in, read-only, and takes one job line.

        Raises:
            EngineError: Its image is not there, or the engine does not answer.
            UsageError: The engine isolates nothing.
        """

    def image_id(self, environment: Environment) -> str | None:
        """Return the identity of the image that runs, kept as evidence."""

    def reap(self, label: str) -> int:
        """Remove containers that carry a label, ``name=value``, and return how many there were."""


def refuse_untrusted(engine: Engine, origin: Origin, *, trust: bool) -> None:
    """Refuse to load what somebody brought where nothing holds it, unless told that it is trusted.

    Raises:
        UsageError: The engine isolates nothing, and the models are not ours.
    """
    if engine.isolates or origin is Origin.OURS or trust:
        return
    raise UsageError(
        f"{engine.name()}: loading a model is running a program, and this engine would run an uploaded one as you, "
        "with your files and your network.",
        next_step="Get a container engine (`tfmatrix doctor`), or say that you trust the file as you would a program "
        "that you start: `tfmatrix run --trust`.",
    )
