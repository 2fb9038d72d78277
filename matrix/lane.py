"""What one lane does with a batch: open a container, make it prove itself, then save or load all of it."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.engines import Allowance, Engine
from matrix.loading import Loads
from matrix.messages import Arrays
from matrix.model import Environment
from matrix.plan import LoadBatch, SaveBatch
from matrix.repeat import NeverRepeats, Repeats
from matrix.results import CellResult, Identity, SaveResult
from matrix.saving import Saves
from matrix.session import HarnessBrokenError, Patience, Session

TEMPORARY = 64 << 20
"""Bytes of temporary space that every container gets, besides room for copies of its largest artifact."""

COPIES = 4
"""An artifact is copied, unpacked, and perhaps unpacked again by the framework."""


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

    def __init__(  # noqa: PLR0913  what a lane needs is what it is given
        self,
        engine: Engine,
        blobs: Blobs,
        *,
        inboxes: Path,
        labels: Mapping[str, str],
        patience: Patience,
        memory: int,
        processors: tuple[int | None, ...],
        repeats: Repeats | NeverRepeats,
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._inboxes = inboxes
        self._labels = labels
        self._patience = patience
        self._memory = memory
        self._processors = processors
        self._repeats = repeats
        self._numbers = itertools.count()
        self._open: set[Session] = set()
        self._stopped = threading.Event()
        self._outputs = lru_cache(maxsize=256)(self._read_outputs)

    def stop(self) -> None:
        """Take every container down; what they were doing is not recorded."""
        self._stopped.set()
        for session in list(self._open):
            session.abort()

    def work(self, batch: SaveBatch | LoadBatch, lane: int, emit: Emit) -> None:
        """Do a batch; give what is found, and last what it took, to ``emit``."""
        spent: defaultdict[str, float] = defaultdict(float)
        began = time.monotonic()
        try:
            with self._session(batch, lane) as session:
                try:
                    session.prove(self._blobs)
                except HarnessBrokenError as error:
                    self._give_up(batch, error.message, emit)
                    return
                spent["started"] = time.monotonic() - began
                emit(Proved(environment=batch.environment, identity=session.identity))
                for finding in self._findings(session, batch, spent):
                    if self._stopped.is_set():
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
                    stopped=self._stopped.is_set,
                    spent=spent,
                )
                return loads.run(batch.tasks)

    @contextmanager
    def _session(self, batch: SaveBatch | LoadBatch, lane: int) -> Iterator[Session]:
        largest = max((task.artifact.size for task in batch.tasks), default=0) if isinstance(batch, LoadBatch) else 0
        room = COPIES * largest
        session = Session(
            self._engine,
            batch.environment,
            inbox=self._inboxes / str(next(self._numbers)),
            allowance=Allowance(
                memory=self._memory + room,
                temporary=TEMPORARY + room,
                processor=self._processors[lane % len(self._processors)],
            ),
            labels=self._labels,
            patience=self._patience,
        )
        with session:
            self._open.add(session)
            try:
                if self._stopped.is_set():
                    session.abort()
                yield session
            finally:
                self._open.discard(session)

    def _give_up(self, batch: SaveBatch | LoadBatch, reason: str, emit: Emit) -> None:
        if self._stopped.is_set():
            return
        emit(Broken(environment=batch.environment, reason=reason))
        if isinstance(batch, LoadBatch):
            for task in batch.tasks:
                emit(verdict.harness_broken(task.key, reason))

    def _read_outputs(self, outputs: str) -> Arrays:
        return protocol.arrays(self._blobs.get(outputs))
