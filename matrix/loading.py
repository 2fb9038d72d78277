"""What a lane does with the cells of a batch: load them in company where that is sound, judge, repeat what is odd.

A fork costs as much as a small load, so the cells of one model, format and method share a process, one after the
other. Only what is beyond doubt counts of such company: a model that answers as its saver did, and a failure that was seen
alone for another file of the same group. Everything else is loaded again in a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from itertools import groupby
from typing import Final

from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.messages import Arrays, Ending, EndKind, LoadCell, LoadJob
from matrix.model import Verdict
from matrix.plan import LoadTask
from matrix.protocol import ProtocolError
from matrix.repeat import NeverRepeats, Repeats, settle
from matrix.results import CellResult
from matrix.session import Session
from matrix.verdict import Expected

COMPANY: Final = 24
"""Cells that share a process at most: the savers of one model in one format, most often."""


class Loads:
    """The cells of one batch in one session. Adds to ``spent`` the seconds of each way in which cells were run."""

    def __init__(  # noqa: PLR0913  what loading needs is what it is given
        self,
        session: Session,
        blobs: Blobs,
        *,
        outputs: Callable[[str], Arrays],
        repeats: Repeats | NeverRepeats,
        stopped: Callable[[], bool],
        spent: MutableMapping[str, float],
    ) -> None:
        self._session = session
        self._blobs = blobs
        self._outputs = outputs
        self._repeats = repeats
        self._stopped = stopped
        self._spent = spent
        self._waiting: list[tuple[LoadTask, CellResult]] = []

    def run(self, tasks: Iterable[LoadTask]) -> Iterator[CellResult]:
        """Yield what is found, as it is settled; what a stop cut off is not among it."""
        for group in groups(tasks):
            for task, result in self._group(group):
                if self._stopped():
                    return
                yield from self._settled(task, result)
            if len(self._waiting) >= COMPANY:
                yield from self._repeat_waiting()
        yield from self._repeat_waiting()

    def _group(self, group: list[LoadTask]) -> Iterator[tuple[LoadTask, CellResult]]:
        together = self._together(group, "together") if len(group) > 1 else None
        if together is None:
            yield from ((task, self._alone(task)) for task in group)
            return
        seen_alone: set[str | None] = set()
        for task, result in zip(group, together, strict=True):
            if result.verdict is Verdict.PASS or _kind(result) in seen_alone:
                yield task, result
                continue
            alone = self._alone(task)
            seen_alone |= {_kind(alone)} - {None}
            yield task, alone

    def _settled(self, task: LoadTask, result: CellResult) -> Iterator[CellResult]:
        """Yield a result that counts; keep one that waits for its repeat in a fresh process."""
        if self._repeats.at_once(task.request, result):
            second = self._alone(task, fresh=True)
            if self._stopped():
                return
            if second.verdict is result.verdict:
                self._repeats.confirm(task.request, result)
            yield settle(result, second)
        elif self._repeats.later(result):
            self._waiting.append((task, result))
        else:
            yield result

    def _repeat_waiting(self) -> Iterator[CellResult]:
        """Repeat what waits in one fresh process; where that disagrees, each in one of its own, which then counts."""
        waiting, self._waiting = self._waiting, []
        if not waiting or self._stopped():
            return
        again = self._together([task for task, _ in waiting], "repeated", fresh=True)
        for number, (task, first) in enumerate(waiting):
            agrees = again is not None and again[number].verdict is first.verdict
            second = again[number] if again is not None and agrees else self._alone(task, fresh=True)
            if self._stopped():
                return
            yield settle(first, second)

    def _together(self, tasks: list[LoadTask], what: str, *, fresh: bool = False) -> list[CellResult] | None:
        """Load cells in one process; nothing when that process did not report on all of them."""
        with self._timed(what):
            ending, said = self._ask(tasks, fresh=fresh)
        if ending.kind is not EndKind.EXIT or ending.tampered:
            return None
        try:
            reports = protocol.load_reports(said, len(tasks))
        except ProtocolError:
            return None
        share = verdict.share(ending, len(tasks))
        judged = zip(tasks, reports, strict=True)
        return [verdict.judge_report(task.key, share, report, self._expected(task)) for task, report in judged]

    def _alone(self, task: LoadTask, *, fresh: bool = False) -> CellResult:
        with self._timed("repeated" if fresh else "alone"):
            ending, said = self._ask([task], fresh=fresh)
        return verdict.judge(task.key, ending, said, self._expected(task))

    def _ask(self, tasks: list[LoadTask], *, fresh: bool) -> tuple[Ending, bytes]:
        for task in tasks:
            self._session.place(self._blobs, task.artifact)
        return self._session.run(LoadJob(cells=tuple(map(_cell, tasks))), fresh=fresh)

    def _expected(self, task: LoadTask) -> Expected:
        artifact = task.artifact
        return Expected(
            outputs=self._outputs(artifact.outputs), signature=artifact.signature, training_steps=task.training_steps
        )

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._spent[what] += time.monotonic() - started


def groups(tasks: Iterable[LoadTask]) -> Iterator[list[LoadTask]]:
    """Yield neighbours of one model, format and method together; a marked cell, which takes a step, by itself."""
    for (*_, marked), members in groupby(tasks, key=_likeness):
        alike = list(members)
        size = 1 if marked else COMPANY
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _likeness(task: LoadTask) -> tuple[str, str, str, bool]:
    request = task.request
    return request.model, request.format.value, request.method.value, task.marks


def _kind(result: CellResult) -> str | None:
    """Name a failure by what failed how; what is no failure, or says nothing, has no kind that another could share."""
    if result.verdict is not Verdict.FAIL or result.failure is None:
        return None
    return f"{result.rung} {result.failure.fingerprint}"


def _cell(task: LoadTask) -> LoadCell:
    return LoadCell(
        model=task.request.model,
        format=task.request.format.value,
        method=task.request.method,
        artifact=task.artifact.sha256,
        is_tar=task.artifact.is_tar,
        inputs=task.artifact.inputs,
        marks=task.marks,
    )
