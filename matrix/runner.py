"""The use case on one screen: plan, prove, save, load, judge, record.

One run at a time writes to a database (a lock file beside it); everything measured is recorded as it comes, so a run
that is stopped or killed goes on where it was: what is known is not run again.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from filelock import FileLock, Timeout

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.engines import Engine, refuse_untrusted
from matrix.errors import BusyError
from matrix.executors.local import LocalExecutor
from matrix.lane import Broken, Finding, Lanes, Proved, Spent
from matrix.messages import Limits
from matrix.methods import found, further_cells, further_requests
from matrix.model import CellKey, CellRequest, Origin, RunStatus, SaveKey, Verdict, natural_key
from matrix.plan import LoadBatch, LoadTask, Plan, SaveBatch, load_batches, load_tasks, save_batches
from matrix.processors import processors
from matrix.repeat import NEVER, NeverRepeats, Repeats
from matrix.results import CellResult, SaveResult
from matrix.sandboxes import Sandboxes
from matrix.session import Patience
from matrix.store import Store

RUN_LABEL = "tfmatrix.database"


class Watcher(Protocol):
    """Told what happens while it happens, to show it to a person."""

    def begun(self, run_id: int) -> None:
        """The run is recorded; its number names it from now on."""

    def phase(self, name: str, total: int, known: int) -> None:
        """Something begins: how much there is to do, and how much was known already."""

    def found(self, finding: Finding) -> None:
        """Something was measured."""


@dataclass(kw_only=True, slots=True)
class Summary:
    """What a run did."""

    run_id: int
    status: RunStatus
    saves_known: int = 0
    saves_run: int = 0
    cells_known: int = 0
    cells_run: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=dict)
    unstable: int = 0
    unavailable: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds of all lanes together, by what they were spent on."""


class Runner:
    """Runs plans on an engine and keeps the results in a store."""

    def __init__(self, settings: Settings, engine: Engine, store: Store, watcher: Watcher) -> None:
        self._settings = settings
        self._engine = engine
        self._store = store
        self._watcher = watcher
        self._blobs = Blobs(settings.home / "blobs")
        self._inboxes = settings.home / "inbox"

    def run(self, plan: Plan, *, again: bool = False, origin: Origin = Origin.OURS, trust: bool = False) -> Summary:
        """Measure what a plan asks for and is not known yet; with ``again``, all of its cells.

        Raises:
            UsageError: The models are not ours, the engine isolates nothing, and nobody said to trust them.
            BusyError: Another run holds the database.
            EngineError: The engine died; what was measured is kept.
            KeyboardInterrupt: Ctrl-C; what was measured is kept.
        """
        refuse_untrusted(self._engine, origin, trust=trust)
        started = time.monotonic()
        with self._alone():
            unavailable = self._engine.missing(plan.selection.environments)
            run_id = self._store.write.begin_run(plan.selection.words(), _facts(self._settings, self._engine), _now())
            summary = Summary(run_id=run_id, status=RunStatus.INTERRUPTED, unavailable=unavailable)
            try:
                self._watcher.begun(run_id)
                self._save(plan, summary)
                self._load_all(plan, summary, again=again)
                summary.status = RunStatus.INCOMPLETE if summary.unavailable else RunStatus.FINISHED
            finally:
                summary.seconds = time.monotonic() - started
                self._store.write.finish_run(run_id, summary.status, _now(), cost_noted(summary))
        return summary

    def look(self, name: str, batches: Sequence[LoadBatch]) -> Generator[Finding, None, None]:
        """Load batches, each cell once as often as a batch has it, and yield what is found; record none of it.

        Environments that are not there are left out. A reader that stops early, stops the lanes.

        Raises:
            BusyError: A run holds the database.
        """
        with self._alone():
            missing = self._engine.missing(tuple({one.environment.id: one.environment for one in batches}.values()))
            batches = [batch for batch in batches if batch.environment.id not in missing]
            self._watcher.phase(name, sum(len(batch.tasks) for batch in batches), 0)
            lanes = self._lanes(NEVER)
            many = min(self._settings.lanes_in_memory, max(1, len(batches)))
            executor: LocalExecutor[LoadBatch, Finding] = LocalExecutor(lanes.work, many, lanes.stop)
            for finding in executor.run(batches):
                self._watcher.found(finding)
                yield finding

    def _save(self, plan: Plan, summary: Summary) -> None:
        known = self._store.read.saves(plan.saves)
        batches = save_batches(plan, [key for key in plan.saves if key not in known])
        batches = tuple(batch for batch in batches if batch.environment.id not in summary.unavailable)
        total = sum(len(task.formats) for batch in batches for task in batch.tasks)
        summary.saves_known = len(known)
        self._watcher.phase("save", total, len(known))
        self._measure(batches, summary, self._lanes(Repeats({})))

    def _load_all(self, plan: Plan, summary: Summary, *, again: bool) -> None:
        """Load by the first methods, then by further ones, round by round, where these do not pass."""
        saves = self._store.read.saves(plan.saves)
        done = self._load(plan, "load", load_tasks(plan, saves), summary, again=again)
        while wanted := self._further(plan, saves, done if again else None):
            tasks = [task for task in load_tasks(plan, saves, wanted) if task.key not in done]
            if not tasks:
                return
            done |= self._load(plan, "other ways", tasks, summary, again=again)

    def _further(
        self, plan: Plan, saves: Mapping[SaveKey, SaveResult], counting: set[CellKey] | None
    ) -> list[CellRequest]:
        """Return the cells of further methods that what is known calls for, neighbours alike.

        Where everything is measured again, known is only what this run has measured.
        """
        models = {model.id: model for model in plan.selection.models}
        environments = {environment.id: environment for environment in plan.selection.environments}
        possible = further_cells(plan.requests, models, environments)
        tasks = load_tasks(plan, saves, [*plan.requests, *possible])
        tasks = tasks if counting is None else tuple(task for task in tasks if task.key in counting)
        results = self._store.read.cells([task.key for task in tasks])
        known = {task.request: found(results[task.key]) for task in tasks if task.key in results}
        wanted = further_requests(plan.requests, models, environments, known)
        return sorted(
            {request for request in wanted if request.method in plan.selection.methods},
            key=lambda one: (one.model, one.format, one.method, natural_key(one.saver)),
        )

    def _load(self, plan: Plan, name: str, tasks: Sequence[LoadTask], summary: Summary, *, again: bool) -> set[CellKey]:
        """Run the cells that are not known; return the keys of all."""
        keys = [task.key for task in tasks]
        known = self._store.read.cells(keys) if again else {}
        settled = set() if again else self._store.read.known_cells(keys)
        missing = _each_once(task for task in tasks if task.key not in settled)
        batches = load_batches(plan, missing, self._settings.batch)
        batches = tuple(batch for batch in batches if batch.environment.id not in summary.unavailable)
        summary.cells_known += len(settled)
        self._watcher.phase(name, sum(len(batch.tasks) for batch in batches), len(settled))
        self._measure(batches, summary, self._lanes(Repeats(known)))
        return set(keys)

    def _measure(self, batches: Sequence[SaveBatch | LoadBatch], summary: Summary, lanes: Lanes) -> None:
        executor: LocalExecutor[SaveBatch | LoadBatch, Finding] = LocalExecutor(
            lanes.work, min(self._settings.lanes_in_memory, max(1, len(batches))), lanes.stop
        )
        try:
            for finding in executor.run(batches):
                self._record(finding, summary)
        finally:
            for finding in executor.leftovers():
                self._record(finding, summary)

    def _record(self, finding: Finding, summary: Summary) -> None:
        match finding:
            case Proved(environment=environment, identity=identity):
                image = self._engine.image_id(environment)
                self._store.write.record_environment(environment, identity, image, _now())
            case Broken(environment=environment, reason=reason):
                self._store.write.record_environment(environment, None, None, _now())
                summary.unavailable[environment.id] = reason
            case Spent(seconds=seconds):
                for what, lasted in seconds.items():
                    summary.spent[what] = summary.spent.get(what, 0.0) + lasted
                return
            case SaveResult():
                self._store.write.record_save(summary.run_id, finding, _now())
                summary.saves_run += 1
            case CellResult():
                self._store.write.record_cell(summary.run_id, finding, _now())
                summary.cells_run += 1
                summary.verdicts[finding.verdict] = summary.verdicts.get(finding.verdict, 0) + 1
                summary.unstable += finding.repeated not in {None, finding.verdict}
        self._watcher.found(finding)

    def _lanes(self, repeats: Repeats | NeverRepeats) -> Lanes:
        sandboxes = Sandboxes(
            self._engine,
            inboxes=self._inboxes,
            labels=self._labels(),
            patience=patience(self._settings),
            memory=self._settings.container_memory,
        )
        return Lanes(sandboxes, self._blobs, processors=processors(), repeats=repeats)

    def _labels(self) -> dict[str, str]:
        return {RUN_LABEL: str(self._settings.home)}

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the database; remove what a killed run left behind."""
        self._settings.home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._settings.home / "run.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(
                f"Another run is writing to {self._settings.home}.",
                next_step="Wait until it has ended, or give this one a folder of its own: TFMATRIX_HOME=/some/folder.",
            ) from error
        try:
            self._engine.reap(f"{RUN_LABEL}={self._settings.home}")
            shutil.rmtree(self._inboxes, ignore_errors=True)
            self._blobs.sweep()
            yield
        finally:
            lock.release()


def patience(settings: Settings, *, file: int | None = None) -> Patience:
    """Return what sessions allow, from the settings; ``file`` is how large a file a child may write, if not what it answers."""
    load = Limits(seconds=settings.load_seconds, grace=settings.grace_seconds, body=settings.artifact_bytes, file=file)
    save = replace(load, seconds=settings.save_seconds)
    return Patience(start=settings.start_seconds, load=load, save=save, fresh_seconds=settings.fresh_seconds)


def _each_once(tasks: Iterable[LoadTask]) -> list[LoadTask]:
    """Two savers may write the same bytes: that is one cell."""
    return list({task.key: task for task in tasks}.values())


def _facts(settings: Settings, engine: Engine) -> dict[str, Any]:
    return {
        "engine": engine.name(),
        "isolates": engine.isolates,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "settings": settings.model_dump(mode="json"),
    }


def cost_noted(summary: Summary) -> dict[str, Any]:
    """Return what a run notes of its cost."""
    return {
        "lane_seconds": summary.spent,
        "saves": summary.saves_run,
        "cells": summary.cells_run,
        "known": summary.cells_known,
    }


def _now() -> datetime:
    return datetime.now(UTC)
