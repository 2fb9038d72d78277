"""What one lane does with a batch: open a container, make it prove itself, then save or load all of it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from functools import lru_cache

from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.loading import Loads
from matrix.messages import Arrays
from matrix.model import Environment
from matrix.plan import LoadBatch, SaveBatch
from matrix.repeat import NeverRepeats, Repeats
from matrix.results import CellResult, Identity, SaveResult
from matrix.sandboxes import COPIES, Sandboxes
from matrix.saving import Saves
from matrix.session import HarnessBrokenError, Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Proved:
    """An environment has proved itself, and said what it really is."""

    environment: Environment
    identity: Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """An environment could not prove itself; nothing of its batch was measured."""

    environment: Environment
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a batch took of its lane, in seconds, by what they were spent on."""

    environment: Environment
    seconds: dict[str, float]


Finding = Proved | Broken | Spent | SaveResult | CellResult
Emit = Callable[[Finding], None]


class Lanes:
    """The work of all lanes of one run. ``stop`` may be called from any thread."""

    def __init__(
        self,
        sandboxes: Sandboxes,
        blobs: Blobs,
        *,
        processors: tuple[int | None, ...],
        repeats: Repeats | NeverRepeats,
    ) -> None:
        self._sandboxes = sandboxes
        self._blobs = blobs
        self._processors = processors
        self._repeats = repeats
        self._outputs = lru_cache(maxsize=256)(self._read_outputs)

    def stop(self) -> None:
        """Take every container down; what they were doing is not recorded."""
        self._sandboxes.stop()

    def work(self, batch: SaveBatch | LoadBatch, lane: int, emit: Emit) -> None:
        """Do a batch; give what is found, and last what it took, to ``emit``."""
        spent: defaultdict[str, float] = defaultdict(float)
        began = time.monotonic()
        try:
            with self._sandboxes.session(
                batch.environment, _room(batch), self._processors[lane % len(self._processors)]
            ) as session:
                try:
                    session.prove(self._blobs)
                except HarnessBrokenError as error:
                    self._give_up(batch, error.message, emit)
                    return
                spent["started"] = time.monotonic() - began
                emit(Proved(environment=batch.environment, identity=session.identity))
                for finding in self._findings(session, batch, spent):
                    if self._sandboxes.is_stopped:
                        return
                    emit(finding)
        finally:
            whole = time.monotonic() - began
            emit(Spent(environment=batch.environment, seconds={**spent, "other": whole - sum(spent.values())}))

    def _findings(
        self, session: Session, batch: SaveBatch | LoadBatch, spent: MutableMapping[str, float]
    ) -> Iterator[SaveResult | CellResult]:
        match batch:
            case SaveBatch():
                return Saves(session, self._blobs, spent).run(batch.tasks)
            case LoadBatch():
                loads = Loads(
                    session,
                    self._blobs,
                    outputs=self._outputs,
                    repeats=self._repeats,
                    stopped=lambda: self._sandboxes.is_stopped,
                    spent=spent,
                )
                return loads.run(batch.tasks)

    def _give_up(self, batch: SaveBatch | LoadBatch, reason: str, emit: Emit) -> None:
        if self._sandboxes.is_stopped:
            return
        emit(Broken(environment=batch.environment, reason=reason))
        if isinstance(batch, LoadBatch):
            for task in batch.tasks:
                emit(verdict.harness_broken(task.key, reason))

    def _read_outputs(self, outputs: str) -> Arrays:
        return protocol.arrays(self._blobs.get(outputs))


def _room(batch: SaveBatch | LoadBatch) -> int:
    """Return the bytes that copies of a batch's largest artifact take."""
    sizes = [task.artifact.size for task in batch.tasks] if isinstance(batch, LoadBatch) else []
    return COPIES * max(sizes, default=0)
