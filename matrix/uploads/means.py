"""What work on uploads is done with: where findings and files go, and where containers come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from images.probe import wire
from matrix import protocol
from matrix.blobs import Blobs
from matrix.messages import Arrays
from matrix.model import Environment
from matrix.store import Uploads
from matrix.uploads.attempt import Inputs, Seat
from matrix.uploads.warm import Containers
from matrix.uploads.ways import Ways


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """Shared by all uploads and lanes. ``disk`` is how many bytes all that is kept of uploads may take."""

    uploads: Uploads
    blobs: Blobs
    containers: Containers
    disk: int = 1 << 62

    @property
    def is_full(self) -> bool:
        """Whether uploads, and what they were saved again as, take as much of the disk as they may."""
        return self.uploads.weight()[1] >= self.disk

    @contextmanager
    def seat(self, environment: Environment, ways: Ways, inputs: Inputs) -> Iterator[Seat]:
        """Give an upload a place in an environment.

        Raises:
            HarnessBrokenError: It did not prove itself.
            EngineError: The engine does not answer.
        """
        with self.containers.session(environment, ways.unpacked) as session:
            yield Seat(session=session, blobs=self.blobs, ways=ways, inputs=inputs)

    def keep(self, outputs: Arrays | None) -> tuple[str | None, int]:
        """Store what a model answered; return its digest and its bytes."""
        if outputs is None:
            return None, 0
        specs, body = wire.encode_arrays(list(outputs))
        frame = wire.pack({"arrays": specs}, body)
        return self.blobs.put(frame), len(frame)

    def has(self, digest: str) -> bool:
        """Whether what a model answered is still there."""
        return self.blobs.path(digest).exists()

    def answer(self, digest: str) -> Arrays:
        """Return what a model answered, from its digest."""
        return protocol.arrays(self.blobs.get(digest))


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)
