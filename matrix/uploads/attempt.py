"""What one environment makes of an upload: by the way that it calls for, and where that fails by the others that may help."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.errors import EngineError
from matrix.messages import Ending, EndKind, Job, LoadJob, SaveJob
from matrix.model import CellKey, Method, Rung, Verdict
from matrix.protocol import ProtocolError
from matrix.repeat import settle
from matrix.session import HarnessBrokenError, Session
from matrix.uploads.ways import Ways
from matrix.verdict import Unheld


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What came of one way. ``inputs`` is the digest of what it was called with, empty where it was not called."""

    method: Method
    found: Unheld
    inputs: str


class Inputs:
    """What every environment is asked: what was given or the file says, else what the first that loads it makes.

    A child makes inputs from the signature of what it loaded, which most often says the same everywhere; where it does not,
    the first one's are used for all, or their answers could not be compared. ``source`` says where a child had them from,
    and ``notes`` what it assumed; a script that is built makes some each time, and what the first assumed is told.
    """

    def __init__(self, digest: str = "") -> None:
        self._lock = threading.Lock()
        self.digest = digest
        self.source = ""
        self.notes: tuple[str, ...] = ()

    def settled(self, found: Unheld, made: str = "") -> str:
        """Return the digest of what is used from now on: of these inputs, unless others were there before."""
        with self._lock:
            if not (self.digest or self.source):
                self.digest, self.source, self.notes = made, found.source, found.notes
        return self.digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """An upload in one environment: the session, the files, how they are loaded and what they are called with."""

    session: Session
    blobs: Blobs
    ways: Ways
    inputs: Inputs

    def place(self, *digests: str) -> None:
        """Put files beside those of the upload, where the container sees them."""
        self.session.place_files(self.blobs, [*self.ways.files, *filter(None, digests)])

    def run(self, job: Job, *, fresh: bool = False) -> tuple[Ending, bytes]:
        """Run one job.

        Raises:
            EngineError: We stop: a container that we took down ourselves would look like a model's crash.
            HarnessBrokenError: No container can be had. One that died while it waited is replaced.
        """
        try:
            self.session.reach()
        except HarnessBrokenError as error:
            if self.session.is_aborted:
                raise stopped() from error
            raise
        found = self.session.run(job, fresh=fresh)
        if self.session.is_aborted:
            raise stopped()
        return found

    def key(self, method: Method, artifact: str | None = None) -> CellKey:
        """Return the key of a cell of this environment."""
        loader = self.session.environment.recipe_digest
        return CellKey(artifact=artifact or self.ways.artifact, loader=loader, method=method)


def stopped() -> EngineError:
    """Return what ends work that we stop ourselves; nothing of it is kept."""
    return EngineError("Work on uploads stops.", next_step="Whoever works next goes on with it.")


def attempts(seat: Seat) -> Iterator[Attempt]:
    """Yield what came of the first way, then, if it failed, of each further one until one loads it.

    Raises:
        EngineError: The engine does not answer.
    """
    ways = seat.ways
    if ways.format is None:
        yield build(seat)
        return
    first = load(seat, ways.first)
    yield first
    if answers(first):
        return
    for method in ways.further(seat.session.environment, first.found.result):
        tried = load(seat, method)
        yield tried
        if answers(tried):
            return


def load(seat: Seat, method: Method) -> Attempt:
    """Load a file one way; again in a fresh process where it was not the framework that ended it."""
    tried = _with_inputs(seat, method, fresh=False)
    if not tried.found.result.verdict.is_abnormal:
        return tried
    second = _with_inputs(seat, method, fresh=True)
    chosen = second if second.found.result.verdict is not tried.found.result.verdict else tried
    result = settle(tried.found.result, second.found.result)
    return replace(chosen, found=replace(chosen.found, result=result))


def build(seat: Seat) -> Attempt:
    """Build what a script makes, and call it with what was given, or else with what the child makes."""
    given = seat.inputs.digest
    seat.place(given)
    key = seat.key(Method.DEFAULT)
    ending, said = seat.run(SaveJob(model="", formats=(), brought=seat.ways.brought, inputs=given))
    found = built(key, ending, said)
    if found.source:
        seat.inputs.settled(found)
    return Attempt(method=Method.DEFAULT, found=found, inputs=given)


def built(key: CellKey, ending: Ending, said: bytes) -> Unheld:
    """Return what is known of a cell whose model was built by its script."""
    try:
        report = protocol.save_report(said) if said and ending.kind is EndKind.EXIT else None
    except ProtocolError:
        report = None
    if report is None:
        return verdict.judge_brought(key, ending, b"")
    result = verdict.judged_build(key, ending, report)
    return Unheld(
        result=result,
        outputs=protocol.arrays(report.outputs),
        signature=report.signature,
        source=report.source,
        notes=report.notes,
        remarks=report.remarks,
    )


def answers(tried: Attempt) -> bool:
    """Whether the model was loaded and called."""
    return tried.found.result.verdict is Verdict.LOADS and tried.found.result.rung >= Rung.CALLED


def _with_inputs(seat: Seat, method: Method, *, fresh: bool) -> Attempt:
    asked = seat.inputs.digest
    found = _run(seat, method, asked, fresh=fresh)
    if found.inputs is not None:
        made = seat.blobs.put(found.inputs)
        asked = seat.inputs.settled(found, made)
        if made != asked:
            found = _run(seat, method, asked, fresh=fresh)
    return Attempt(method=method, found=found, inputs=asked)


def _run(seat: Seat, method: Method, inputs: str, *, fresh: bool) -> Unheld:
    seat.place(inputs)
    ending, said = seat.run(LoadJob(cells=(seat.ways.cell(method, inputs),)), fresh=fresh)
    return verdict.judge_brought(seat.key(method), ending, said)
