"""A session whose answers are told beforehand, cells for it to load, and what comes of loading them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from images.probe import wire
from matrix.loading import Loads
from matrix.messages import Ending, EndKind, LoadJob
from matrix.model import CellKey, CellRequest, Format, Method, Verdict
from matrix.plan import LoadTask
from matrix.repeat import NEVER, NeverRepeats, Repeats
from matrix.results import CellResult
from tests.store_samples import artifact

ENDED = Ending(
    kind=EndKind.EXIT, code=0, wall_seconds=6.0, peak_memory=1, lane="fork", noise="", tampered=False, clean=True
)
OUTPUTS = (("y", np.array([1], "int8")),)
Says = Callable[[str, bool, bool], str]
"""Of an artifact, in company or not, in a fresh process or not: pass, drift, die, or the message that it fails with."""


class FakeSession:
    """Answers jobs by a function, and remembers them: the artifacts of each, and whether it was in a fresh process."""

    def __init__(
        self,
        says: Says,
        frame: Callable[[list[dict[str, Any]], bytes], bytes] = lambda cells, body: wire.pack({"cells": cells}, body),
        ended: Ending = ENDED,
    ) -> None:
        self.jobs: list[tuple[list[str], bool]] = []
        self._says = says
        self._frame = frame
        self._ended = ended

    def place(self, _blobs: object, _artifact: object) -> None: ...

    def run(self, job: LoadJob, *, fresh: bool = False) -> tuple[Ending, bytes]:
        self.jobs.append(([cell.artifact for cell in job.cells], fresh))
        said = [self._says(cell.artifact, len(job.cells) > 1, fresh) for cell in job.cells]
        if "die" in said:
            return replace(self._ended, kind=EndKind.SIGNAL, code=11), b""
        cells, bodies = zip(*map(_report, said), strict=True)
        return self._ended, self._frame(list(cells), b"".join(bodies))


def _report(said: str) -> tuple[dict[str, Any], bytes]:
    if said == "silent":
        return {"reached": "opened", "length": 0}, b""
    if said not in {"pass", "drift"}:
        return {"reached": "opened", "exception": {"class": "ValueError", "message": said}, "length": 0}, b""
    outputs = [{"name": "y", "dtype": "int8", "shape": [1], "bytes": 1}]
    return {"reached": "called", "outputs": outputs, "length": 1}, b"\1" if said == "pass" else b"\2"


def unsampled() -> list[int]:
    """Numbers of artifacts that no sample repeats, in the loader of these tests."""
    from matrix.repeat import _is_sampled  # noqa: PLC0415  the choice is the module's own

    return [number for number in range(200) if not _is_sampled(task(number).key)]


def task(number: int, *, model: str = "dense", method: Method = Method.DEFAULT, marks: bool = False) -> LoadTask:
    """The cell of one artifact."""
    made = artifact(number)
    return LoadTask(
        key=CellKey(artifact=made.sha256, loader="b" * 64, method=method),
        request=CellRequest(saver=f"tf2.{number}", model=model, format=Format.H5, loader="tf2.9", method=method),
        artifact=made,
        marks=marks,
    )


TASKS = [task(number) for number in unsampled()[:60]]
NAMES = {one.artifact.sha256: place for place, one in enumerate(TASKS)}


def says(together: str, alone: str, fresh: str | None = None) -> Says:
    """One word for every cell, by where it is loaded."""
    return lambda _, company, anew: (fresh or alone) if anew else together if company else alone


def loaded(
    session: FakeSession,
    tasks: Sequence[LoadTask],
    repeats: Repeats | NeverRepeats = NEVER,
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> list[CellResult]:
    """Load cells in a session; return what is found, in the order of the tasks."""
    fake: Any = session
    loads = Loads(fake, fake, outputs=lambda _: OUTPUTS, repeats=repeats, stopped=stopped, spent=defaultdict(float))
    found = {result.key: result for result in loads.run(tasks)}
    return [found[one.key] for one in tasks if one.key in found]


def sizes(session: FakeSession) -> list[tuple[int, bool]]:
    """How many cells each job had, and whether it was in a fresh process."""
    return [(len(names), fresh) for names, fresh in session.jobs]


def verdicts(results: Sequence[CellResult]) -> list[Verdict]:
    """The verdicts alone."""
    return [one.verdict for one in results]
