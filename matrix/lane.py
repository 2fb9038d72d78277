"""What one lane does with a batch: open a container, make it prove itself, save or load, judge, repeat."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.engines import Allowance, Engine
from matrix.messages import Arrays, Ending, EndKind, LoadJob, Raised, SavedFormat, SaveJob, SaveReport
from matrix.model import (
    Artifact,
    CellKey,
    CellResult,
    Effort,
    Environment,
    Failure,
    Identity,
    Rung,
    SaveKey,
    SaveOutcome,
    SaveResult,
    Verdict,
)
from matrix.plan import LoadBatch, LoadTask, SaveBatch, SaveTask
from matrix.protocol import ProtocolError
from matrix.repeat import NeverRepeats, Repeats, settle
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


Finding = Proved | Broken | SaveResult | CellResult
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
        self._expected = lru_cache(maxsize=256)(self._read_expected)

    def stop(self) -> None:
        """Take every container down; what they were doing is not recorded."""
        self._stopped.set()
        for session in list(self._open):
            session.abort()

    def work(self, batch: SaveBatch | LoadBatch, lane: int, emit: Emit) -> None:
        """Do a batch; give what is found to ``emit``."""
        with self._session(batch, lane) as session:
            try:
                session.prove(self._blobs)
            except HarnessBrokenError as error:
                self._give_up(batch, error.message, emit)
                return
            emit(Proved(environment=batch.environment, identity=session.identity))
            match batch:
                case SaveBatch():
                    self._save_all(session, batch, emit)
                case LoadBatch():
                    self._load_all(session, batch, emit)

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
                emit(_harness_broken(task.key, reason))

    def _save_all(self, session: Session, batch: SaveBatch, emit: Emit) -> None:
        for task in batch.tasks:
            results = self._save(session, task)
            if self._stopped.is_set():
                return
            for result in results:
                emit(result)

    def _save(self, session: Session, task: SaveTask) -> Iterator[SaveResult] | tuple[SaveResult, ...]:
        """Save a model in all its formats at once; should that bring the process down, each in a fresh process."""
        ending, said = session.run(SaveJob(model=task.model, formats=tuple(task.formats)))
        if said and ending.kind is EndKind.EXIT:
            return self._results_of_save(session.environment, task, ending, said)
        return tuple(self._save_alone(session, SaveTask(model=task.model, formats=(one,))) for one in task.formats)

    def _save_alone(self, session: Session, task: SaveTask) -> SaveResult:
        ending, said = session.run(SaveJob(model=task.model, formats=tuple(task.formats)), fresh=True)
        return self._results_of_save(session.environment, task, ending, said)[0]

    def _results_of_save(
        self, environment: Environment, task: SaveTask, ending: Ending, said: bytes
    ) -> tuple[SaveResult, ...]:
        keys = {one: SaveKey(model=task.model, saver=environment.recipe_digest, format=one) for one in task.formats}
        try:
            report = protocol.save_report(said)
        except ProtocolError:
            return tuple(_not_saved(key, ending, reason=verdict.ended(ending)) for key in keys.values())
        saved = {one.format: one for one in report.saves}
        return tuple(
            self._keep(key, ending, report, saved[one]) if one in saved else _not_built(key, ending, report)
            for one, key in keys.items()
        )

    def _keep(self, key: SaveKey, ending: Ending, report: SaveReport, saved: SavedFormat) -> SaveResult:
        artifact = None
        if saved.outcome is SaveOutcome.SAVED and report.signature is not None:
            artifact = Artifact(
                sha256=self._blobs.put(saved.data),
                size=len(saved.data),
                is_tar=saved.is_tar,
                inputs=self._blobs.put(report.inputs),
                outputs=self._blobs.put(report.outputs),
                signature=report.signature,
            )
        return SaveResult(
            key=key,
            outcome=saved.outcome,
            artifact=artifact,
            reason=saved.reason,
            failure=verdict.failure(saved.raised) if saved.raised else None,
            warnings=saved.warnings,
            effort=_effort(ending, report.steps | saved.steps),
        )

    def _load_all(self, session: Session, batch: LoadBatch, emit: Emit) -> None:
        for task in batch.tasks:
            session.place(self._blobs, task.artifact)
            result = self._load(session, task)
            if self._repeats.wanted(result) and not self._stopped.is_set():
                result = settle(result, self._load(session, task, fresh=True))
            if self._stopped.is_set():
                return
            emit(result)

    def _load(self, session: Session, task: LoadTask, *, fresh: bool = False) -> CellResult:
        job = LoadJob(
            model=task.request.model,
            format=task.request.format,
            method=task.request.method,
            artifact=task.artifact.sha256,
            is_tar=task.artifact.is_tar,
            inputs=task.artifact.inputs,
        )
        ending, said = session.run(job, fresh=fresh)
        return verdict.judge(task.key, ending, said, self._expected(task.artifact.outputs), task.artifact.signature)

    def _read_expected(self, outputs: str) -> Arrays:
        return protocol.arrays(self._blobs.get(outputs))


def _effort(ending: Ending, steps: dict[str, float]) -> Effort:
    return Effort(steps=steps, wall_seconds=ending.wall_seconds, peak_memory=ending.peak_memory)


def _not_saved(
    key: SaveKey,
    ending: Ending,
    *,
    reason: str,
    outcome: SaveOutcome = SaveOutcome.FAILED,
    failure: Failure | None = None,
) -> SaveResult:
    return SaveResult(
        key=key, outcome=outcome, artifact=None, reason=reason, failure=failure, warnings=(), effort=_effort(ending, {})
    )


def _not_built(key: SaveKey, ending: Ending, report: SaveReport) -> SaveResult:
    if report.unsupported is not None:
        return _not_saved(key, ending, reason=report.unsupported, outcome=SaveOutcome.UNSUPPORTED)
    failure = verdict.failure(report.raised) if report.raised else None
    return _not_saved(key, ending, reason="the model could not be built and trained", failure=failure)


def _harness_broken(key: CellKey, reason: str) -> CellResult:
    raised = Raised(exception="tfmatrix.harness-broken", message=reason, traceback="", frames=())
    return CellResult(
        key=key,
        verdict=Verdict.HARNESS_BROKEN,
        rung=Rung.NOTHING,
        signature_equal=None,
        signal=None,
        failure=verdict.failure(raised),
        differences=(),
        warnings=(),
        effort=Effort(steps={}, wall_seconds=0.0, peak_memory=0),
    )
