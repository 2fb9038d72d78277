"""One upload on its way: inspected, then its row, then what is done in the background; whichever lane is free works on it.

Lanes share a case. ``claim`` hands out work and never waits; the work itself is done outside of any lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from functools import partial
from typing import Any, Final

from matrix.model import INSPECTION_VERSION, Environment
from matrix.protocol import SOURCES
from matrix.uploads.admission import fitting, of_these
from matrix.uploads.attempt import Inputs
from matrix.uploads.background import Background
from matrix.uploads.filling import Filling
from matrix.uploads.means import Means, now
from matrix.uploads.model import Parts, Upload, UploadState
from matrix.uploads.order import Origin
from matrix.uploads.row import Row
from matrix.uploads.ways import ways_of

Work = Callable[[], None]
UNSTEADY: Final = (
    "It answers differently each time it is asked, so its answers cannot be compared; what loads is shown as loaded."
)
BUILT_ANEW: Final = (
    "A script makes the model anew in each version, with weights drawn anew, so the row says where it can be built and "
    "called; the matrix below it is what one version saves and another loads."
)
ASKED_WITH: Final = ("kind", "packing", "root", "inputs")
"""What of an inspection says how a file is loaded and called."""

ASKED_FROM: Final = ("inputs", "inputs_from", "inputs_note")
MADE_LATER: Final = (None, "none", *SOURCES)
"""Where inputs are from that no inspector made."""

STATED_LATER: Final = (
    "The file does not say what the model takes, and the model does once it is loaded: inputs were made from that."
)
REST_SECONDS: Final = 5.0
LONGEST_REST: Final = 60.0

Inspect = Callable[[Parts], dict[str, Any]]
"""Looks into an upload; returns the checked answer, with the digest of inputs under ``inputs`` where there are any."""


class Phase(IntEnum):
    """How far a case is; what comes first is more urgent, as far as turns are the same."""

    INSPECT = 0
    ROW = 1
    BACKGROUND = 2
    OVER = 3


class Case:
    """An upload on its way. ``environments`` are those that can be had here, ``kinds`` those that are taken here.

    ``seconds`` are those that lanes spent on it, ``running`` counts the lanes that are at it, ``round`` is that of its turn.
    """

    def __init__(
        self,
        upload: Upload,
        means: Means,
        inspect: Inspect,
        environments: Sequence[Environment],
        *,
        kinds: Collection[str],
    ) -> None:
        self.upload = upload
        self.round = 0
        self.seconds = 0.0
        self.running = 0
        self.phase = Phase.INSPECT
        self._means = means
        self._inspect_parts = inspect
        self._environments = environments
        self._kinds = kinds
        self._lock = threading.RLock()
        self.troubles = 0
        self._rests_until = 0.0
        self._inspection_claimed = False
        self._had_turn = False
        self._filling: Filling
        self._background: Background

    @property
    def has_begun(self) -> bool:
        """Whether a lane is or was at it."""
        return self.running > 0 or self.seconds > 0

    def claim(self) -> Work | None:
        """Return something to do now, or nothing: all is under way, or over."""
        if not self._lock.acquire(blocking=False):  # answers are compared just now, which may take a while
            return None
        try:
            work = self._next() if time.monotonic() >= self._rests_until else None
            if work is None:
                return None
            self.running += 1
            return partial(self._do, work)
        finally:
            self._lock.release()

    def note_turn(self, turn: int) -> None:
        """Write down whose turn it is, for who waits; later, where somebody is at this just now."""
        if self.upload.turn == turn or not self._lock.acquire(blocking=False):
            return
        try:
            if self.phase < Phase.BACKGROUND:
                self._change(turn=turn)
        finally:
            self._lock.release()

    def fail(self, message: str, next_step: str) -> None:
        """Give up; what was found stays."""
        with self._lock:
            self._end(state=UploadState.FAILED, message=message, next_step=next_step)

    def rest(self) -> None:
        """Let other uploads go first for a while, the longer the more often: the machine is in the way of this one."""
        with self._lock:
            self.troubles += 1
            self._rests_until = time.monotonic() + min(REST_SECONDS * self.troubles, LONGEST_REST)

    def _do(self, work: Work) -> None:
        began = time.monotonic()
        try:
            work()
            self.troubles = 0
        finally:
            with self._lock:
                self.running -= 1
                self.seconds += time.monotonic() - began

    def _next(self) -> Work | None:
        match self.phase:
            case Phase.INSPECT:
                if self._inspection_claimed:
                    return None
                self._inspection_claimed = True
                return self._inspect
            case Phase.ROW:
                if not self._had_turn:
                    if self.upload.row_at is None:
                        self._change(started_at=now())
                    self._had_turn = True
                work = self._filling.claim()
                if work is None and not self.running and self._filling.row.is_complete:
                    return self._settle  # whoever was last could not write it down
                return work
            case Phase.BACKGROUND:
                work = self._background.claim(idle=not self.running)
                if work is None and self._background.is_over(idle=not self.running):
                    self._end(state=UploadState.DONE)
                return work
            case Phase.OVER:
                return None

    def _inspect(self) -> None:
        try:
            if state := self._state(UploadState.INSPECTING):
                self._change(**state)
            known = self._known()
            found = self._looked_into(known)
            inspection = of_these(found, self.upload.parts.keys(), self._kinds)
            inspection = fitting(inspection, self._means.containers.most_bytes)
            refused = inspection.get("refused")
            if refused is None:
                self._begin_row(inspection, is_unsteady=known is not None and known.note == UNSTEADY)
            else:
                why = {"message": refused["message"], "next_step": refused["next_step"]}
                self._end(state=UploadState.REFUSED, inspection=inspection, **why)
        except BaseException:
            self._inspection_claimed = False  # by whoever works next: the machine was in the way, or we are stopped
            raise

    def _looked_into(self, known: Upload | None) -> dict[str, Any]:
        """Return what is known of the files, or look into them: also where what is known may not be all that is told of these.

        What was found of files that are now asked otherwise is forgotten, or answers to two questions would stand in one row.
        """
        before = known and known.inspection
        if known and before and self.upload.is_inspected_like(known):
            return before
        found = {**self._inspect_parts(self.upload.parts), "version": INSPECTION_VERSION}
        if before and not found["inputs"] and before.get("inputs_from") in MADE_LATER:
            found |= {name: before.get(name) for name in ASKED_FROM}
        if before and any(before.get(name) != found.get(name) for name in ASKED_WITH):
            self._means.uploads.unlearn(self.upload.content)
        return found

    def _known(self) -> Upload | None:
        """Return an upload of the same content that was looked into, if what it is asked is still there."""
        known = self._means.uploads.inspected(self.upload)
        inputs = known and known.inspection and known.inspection.get("inputs")
        return None if inputs and not self._means.has(inputs) else known

    def _state(self, state: UploadState) -> dict[str, UploadState]:
        """Return what to change to have it in a state; a row that stood before a restart stands."""
        return {} if self.upload.row_at else {"state": state}

    def _begin_row(self, inspection: dict[str, Any], *, is_unsteady: bool) -> None:
        said = inspection["saved_with"]
        origin = Origin(**{name: said.get(name) for name in ("tensorflow", "keras", "oldest", "newest")})
        ways = ways_of(self.upload.parts, inspection)
        environments = self._line(origin)
        if not environments:
            self.fail("No environment that it could be tried in is built here.", "Whoever runs this: `tfmatrix setup`.")
            return
        note = BUILT_ANEW if ways.format is None else UNSTEADY if is_unsteady else None
        with self._lock:
            self._filling = Filling(
                self._means,
                self.upload.content,
                ways=ways,
                row=Row(
                    origin,
                    environments,
                    answer=self._means.answer,
                    wanted=self.upload.options.environments or None,
                    comparable=note is None,
                ),
                inputs=Inputs(inspection.get("inputs") or ""),
                lock=self._lock,
                changed=self._row_changed,
                asked_with=self._note_inputs,
            )
            self._filling.recall()
            self._change(**self._state(UploadState.LOADING), inspection=inspection, plan=self._plan(), note=note)
            self.phase = Phase.ROW
            self._row_changed()

    def _line(self, origin: Origin) -> list[Environment]:
        """Return the environments that the row is made of, and in which its reference may be looked for.

        A file of Keras 3 is also tried in every Keras 3 there is, one of tf_keras in every tf_keras: which of them is installed
        is what differs between people.
        """
        options, flavour = self.upload.options, origin.overlaid
        return [
            one
            for one in self._environments
            if one.base is None or options.overlays or one.flavour is flavour or one.id in options.environments
        ]

    def _note_inputs(self) -> None:
        """Keep what the first environment made up: after a restart, and of the same files again, that is asked as well.

        The page says where it comes from, and what was assumed.
        """
        inspection, inputs = self.upload.inspection or {}, self._filling.inputs
        found: dict[str, Any] = {"inputs": inputs.digest} if inputs.digest else {}
        if inputs.source:
            notes = (*((STATED_LATER,) if inputs.source == "model" else ()), *inputs.notes)
            found |= {"inputs_from": inputs.source, "inputs_note": " ".join(notes) or None}
        if any(inspection.get(name) != value for name, value in found.items()):
            self._change(inspection={**inspection, **found})

    def _settle(self) -> None:
        with self._lock:
            self._filling.record()
            self._row_changed()

    def _plan(self) -> tuple[str, ...]:
        row = self._filling.row
        return tuple(row.line[place].id for place in row.members)

    def _row_changed(self) -> None:
        """Note where the row stands; once it is complete, go on."""
        row = self._filling.row
        if self._plan() != self.upload.plan:
            self._change(plan=self._plan())
        reference = None if row.reference is None else row.reference.id
        if row.is_unsteady and self.upload.note != UNSTEADY:
            self._change(note=UNSTEADY, reference=None)
        elif reference != self.upload.reference:
            self._change(reference=reference)
        if self.phase is Phase.ROW and row.is_complete:
            self._end_row()

    def _end_row(self) -> None:
        if not (self.upload.options.save_again and self._filling.savers()):
            self._end(state=UploadState.DONE, row_at=self.upload.row_at or now())
            return
        comparable = self.upload.note != UNSTEADY
        self._background = Background(self._means, self.upload.content, self._filling, comparable=comparable)
        self._change(state=UploadState.SAVING_AGAIN, row_at=self.upload.row_at or now())
        self.phase = Phase.BACKGROUND

    def _end(self, **fields: Any) -> None:  # noqa: ANN401  (an upload's)
        self._change(**fields, finished_at=now())  # first: what cannot be written down is not over
        self.phase = Phase.OVER

    def _change(self, **fields: Any) -> None:  # noqa: ANN401  (an upload's)
        with self._lock:
            self.upload = self._means.uploads.change(self.upload.id, **fields)
