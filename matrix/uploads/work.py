"""Does uploads: hands their work to lanes, and outlives whatever goes wrong with one of them.

One process at a time does this for a home folder (a lock file). What it was at when it was killed goes on where it was.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.engines import Engine
from matrix.errors import BusyError, StoreError, TfmatrixError, UsageError
from matrix.model import Environment
from matrix.runner import patience
from matrix.sandboxes import Sandboxes
from matrix.store import Uploads
from matrix.uploads.case import Case, Phase, Work
from matrix.uploads.door import Door
from matrix.uploads.inspecting import Inspector
from matrix.uploads.intake import Intake
from matrix.uploads.means import Means
from matrix.uploads.model import Upload
from matrix.uploads.turns import Turns, turn_of
from matrix.uploads.warm import containers

LABEL: Final = "tfmatrix.uploads"
LOOK_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 5.0
TROUBLES: Final = 5
"""So often in a row what is kept may not be to be had for an upload before it is given up."""

JOIN_SECONDS: Final = 60.0
UNPACKED: Final = 2 << 30
"""Bytes of the largest file that an archive may hold: as images/probe/archives.py has it. A child makes a copy of it."""


class UploadWork:
    """Does uploads until it is stopped. ``look`` is called again and again by the thread that owns it."""

    def __init__(
        self,
        settings: Settings,
        *,
        engine: Engine,
        uploads: Uploads,
        environments: Sequence[Environment],
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._uploads = uploads
        self._say = say
        self._engine = engine
        self._environments = environments
        self._blobs = Blobs(settings.home / "uploads" / "files")
        self._intake = Intake(
            settings, uploads=uploads, blobs=self._blobs, say=say, begin=self._begin, forget=self._forget
        )
        self._containers = containers(settings, engine, sandboxes(settings, engine))
        self._means = Means(uploads=uploads, blobs=self._blobs, containers=self._containers, disk=settings.upload_disk)
        self._inspector = Inspector(engine, inboxes=_looked_into(settings), labels=_labels(settings))
        self._inspect = self._inspector.of(self._blobs)
        self._cases: dict[str, Case] = {}
        self._turns = Turns()
        self._condition = threading.Condition()
        self._stopped = False
        self._said = ""
        self._lanes: list[threading.Thread] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the home's uploads, and work with as many lanes as are set.

        Raises:
            BusyError: Another process does them.
        """
        with alone(self._settings), ExitStack() as stack:
            self._engine.reap(f"{LABEL}={self._settings.home}")
            for folder in (_inboxes(self._settings), _looked_into(self._settings)):
                shutil.rmtree(folder, ignore_errors=True)
            self._blobs.keep_only(self._uploads.named())
            self._say_if_fewer_are_warm()
            if self._settings.warm_containers:
                stack.enter_context(self._inspector)
            for upload in self._uploads.under_way():
                self._begin(upload)
            self._lanes = [
                threading.Thread(target=self._work, name=f"uploads-{number}", daemon=True)
                for number in range(self._settings.lanes_in_memory)
            ]
            for lane in self._lanes:
                lane.start()
            try:
                yield
            finally:
                self._stop()

    def _say_if_fewer_are_warm(self) -> None:
        warm, lanes = self._settings.warm_containers, self._settings.lanes_in_memory
        if self._settings.warm > warm:
            self._say(
                f"uploads: {warm} containers are kept warm, not {self._settings.warm}: TFMATRIX_MEMORY has no room for more "
                f"beside {lanes} that work. Raise it, or lower TFMATRIX_LANES or TFMATRIX_CONTAINER_MEMORY."
            )

    @property
    def door(self) -> Door:
        """Where uploads come in."""
        return self._intake.door

    def look(self) -> None:
        """Take in what lies at the door, delete what is to be deleted, tell who waits whose turn it is."""
        self._intake.look()
        with self._condition:
            turns = [(case, turn_of(case)) for case in self._cases.values() if case.phase < Phase.BACKGROUND]
        for case, turn in turns:
            with suppress(TfmatrixError):  # it is gone, or is tried again in a moment
                case.note_turn(turn)

    def warm(self) -> int:
        """How many containers wait for uploads."""
        return self._containers.ready()

    def _begin(self, upload: Upload) -> None:
        """Take an upload up; one that is in hand already stays as it is."""
        missing = self._engine.missing(tuple(self._environments))
        there = [one for one in self._environments if one.id not in missing]
        case = Case(upload, self._means, self._inspect, there, kinds=self._settings.kinds_taken)
        with self._condition:
            if upload.id in self._cases:
                return
            if upload.row_at is None:
                self._turns.enter(case)
            self._cases[upload.id] = case
            self._condition.notify_all()

    def _forget(self, upload_id: str) -> None:
        with self._condition:
            self._cases.pop(upload_id, None)

    def _work(self) -> None:
        """A lane: what is most urgent, again and again."""
        while not self._stopped:
            case: Case | None = None
            try:
                found = self._next()
                if found is None:
                    with self._condition:
                        self._condition.wait(LOOK_SECONDS)
                    continue
                case, work = found
                work()
            except TfmatrixError as error:
                self._trouble(case, error)
            except Exception as error:  # noqa: BLE001  one upload's fault is not the next one's
                self._fault(case, error)
            with self._condition:
                self._condition.notify_all()

    def _next(self) -> tuple[Case | None, Work] | None:
        """What has its turn first, then containers for the rows to come, then what is done in the background."""
        with self._condition:
            cases = self._turns.order(self._cases.values())
            for case in cases:
                if case.phase < Phase.BACKGROUND and (work := self._claimed(case)) is not None:
                    return case, work
            if (warming := self._warming()) is not None:
                return None, warming
            for case in cases:
                if case.phase >= Phase.BACKGROUND and (work := self._claimed(case)) is not None:
                    return case, work
                if case.phase is Phase.OVER:
                    self._cases.pop(case.upload.id, None)
            return None

    def _warming(self) -> Work | None:
        """Return how to have one more container warm, where one is missing."""
        environment = self._containers.missing([one for one in self._environments if one.base is None])
        return None if environment is None else lambda: self._containers.warm_up(environment)

    def _claimed(self, case: Case) -> Work | None:
        """Return a case's next work; one that cannot go on just now stops no other."""
        looks = case.phase is Phase.INSPECT
        try:
            work = case.claim()
        except TfmatrixError as error:
            self._trouble(case, error)
            return None
        return partial(self._charged, case.upload.owner, work) if looks and work is not None else work

    def _charged(self, owner: str, work: Work) -> None:
        """Look into a sender's upload, at the cost of that sender."""
        began = time.monotonic()
        try:
            work()
        finally:
            with self._condition:
                self._turns.charge(owner, time.monotonic() - began)

    def _trouble(self, case: Case | None, error: TfmatrixError) -> None:
        """The machine is in the way, or the upload is gone meanwhile: nobody's model is at fault."""
        if self._stopped or (case is not None and case.upload.id not in self._cases):
            return
        if error.message != self._said:
            self._said = error.message
            self._say(f"uploads: {error.message} {error.next_step}")
        if case is None:
            time.sleep(PAUSE_SECONDS)
        elif isinstance(error, UsageError):  # it is gone
            self._cases.pop(case.upload.id, None)
        elif isinstance(error, StoreError) and case.troubles >= TROUBLES:
            self._given_up(case, "What this upload came to cannot be kept or read.", "Hand it in again.")
        else:
            case.rest()

    def _fault(self, case: Case | None, error: Exception) -> None:
        if self._stopped:
            return
        if case is None:
            self._say(f"uploads: a fault in tfmatrix: {error!r}")
            time.sleep(PAUSE_SECONDS)
            return
        self._say(f"upload {case.upload.id[:6]}…: a fault in tfmatrix: {error!r}")
        self._given_up(
            case, f"A fault in tfmatrix ({type(error).__name__}).", "Please report it, with the runner's log."
        )

    def _given_up(self, case: Case, message: str, next_step: str) -> None:
        """End an upload that cannot go on. A lane outlives also that this cannot be written down."""
        try:
            case.fail(message, next_step)
        except UsageError:
            self._cases.pop(case.upload.id, None)
        except TfmatrixError:
            case.rest()

    def _stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        self._containers.stop()
        for lane in self._lanes:
            lane.join(JOIN_SECONDS)
        self._inspector.settle()


def sandboxes(settings: Settings, engine: Engine) -> Sandboxes:
    """Return what these are opened by, with what a child in them may take."""
    return Sandboxes(
        engine,
        inboxes=_inboxes(settings),
        labels=_labels(settings),
        patience=patience(settings, file=max(UNPACKED, settings.upload_bytes)),
        memory=settings.container_memory,
    )


def _inboxes(settings: Settings) -> Path:
    return settings.home / "uploads" / "inbox"


def _looked_into(settings: Settings) -> Path:
    return settings.home / "uploads" / "inspect"


def _labels(settings: Settings) -> dict[str, str]:
    return {LABEL: str(settings.home)}


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the uploads of a home folder.

    Raises:
        BusyError: Another process does.
    """
    folder = settings.home / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "work.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        message = f"Another process works on the uploads of {settings.home}."
        raise BusyError(
            message, next_step="It will take up what is handed in; see `tfmatrix runner --healthy`."
        ) from error
    try:
        yield
    finally:
        lock.release()
