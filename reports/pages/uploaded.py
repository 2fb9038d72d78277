"""An upload's own page: where it stands, what it is, which versions load it, and what it becomes saved again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from matrix.model import Environment
from matrix.uploads.model import Part, Upload, UploadCell, UploadSave, UploadState
from matrix.uploads.waiting import Wait
from reports import addresses
from reports.grid import FAILING, Outcome
from reports.lines import in_order
from reports.pages.identity import Identity, identity
from reports.pages.page import Page
from reports.pages.upload_again import Again, again, routes
from reports.pages.upload_row import ANSWERING, Around, Row, row
from reports.ranges import label

_NO_WAIT: Final = Wait()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was read of an upload, and what stands around it. ``wait`` is how many rows are before its own, and how long."""

    upload: Upload
    cells: tuple[UploadCell, ...] = ()
    saves: tuple[UploadSave, ...] = ()
    wait: Wait = _NO_WAIT
    runner_alive: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """The form by which a person deletes an upload: ``token`` where this browser has it. In no document for programs."""

    csrf: str
    token: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One of the files that were handed in."""

    part: Part
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """The page's content.

    ``state`` is the upload's; ``words`` say it in a sentence. ``finished``: the row is whole, which is all that a gate
    needs; ``over``: nothing more will come. ``done`` of ``planned`` environments are tried. ``outcome`` is what the row
    comes to: pass where every version that was tried gives the same answers.
    """

    id: str
    name: str
    state: UploadState
    words: str
    outcome: Outcome | None
    finished: bool
    over: bool
    revision: int
    runner_alive: bool
    ahead: int
    done: int
    planned: int
    seconds_left: float | None
    message: str
    next_step: str
    note: str
    files: tuple[Sent, ...]
    size: int
    handed_in_at: datetime
    expires_at: datetime
    row_at: datetime | None
    finished_at: datetime | None
    identity: Identity | None
    reference: str | None
    row: Row
    again: Again | None
    badge: str
    report: str
    events: str

    @property
    def reference_words(self) -> str:
        """What the answers are compared with, and who agrees with whom; or why there is nothing to compare."""
        return reference_words(self)


def uploaded(found: Found, environments: Sequence[Environment], known_errors: Collection[str]) -> Page:
    """Return the page of an upload that is not gone."""
    upload = found.upload
    by_id = {one.id: one for one in environments}
    planned = [by_id[name] for name in upload.plan if name in by_id]
    order = tuple(one.id for one in in_order(environments))
    ways_round = routes(planned, found.cells, upload.reference)
    around = Around(order=order, known_errors=known_errors, routes=ways_round)
    its_row = row(planned, found.cells, upload.reference, around)
    content = Uploaded(
        id=upload.id,
        name=upload.name,
        state=upload.state,
        words=_words(found, its_row),
        outcome=outcome_of(its_row),
        finished=_is_finished(upload.state),
        over=upload.state.is_over,
        revision=upload.revision,
        runner_alive=found.runner_alive,
        ahead=found.wait.ahead,
        done=its_row.done,
        planned=len(planned),
        seconds_left=found.wait.seconds if found.runner_alive else None,
        message=upload.message or "",
        next_step=upload.next_step or (its_row.own_python.step if its_row.own_python else ""),
        note=upload.note or "",
        files=tuple(
            Sent(part=part, name=one.name, size=one.size, sha256=one.sha256) for part, one in upload.parts.items()
        ),
        size=upload.size,
        handed_in_at=upload.handed_in_at,
        expires_at=upload.expires_at,
        row_at=upload.row_at,
        finished_at=upload.finished_at,
        identity=identity(upload.inspection) if upload.inspection else None,
        reference=upload.reference,
        row=its_row,
        again=again(planned, found.cells, found.saves, order),
        badge=addresses.of_upload(upload.id, "badge.svg"),
        report=addresses.of_upload(upload.id, "report"),
        events=addresses.of_upload(upload.id, "events"),
    )
    return Page(
        template="upload",
        title=upload.name,
        address=addresses.upload(upload.id),
        nav=addresses.uploading(),
        trail=(("Upload a model", addresses.uploading()),),
        content=content,
        live=not content.over,
        kept=False,
    )


def outcome_of(its_row: Row) -> Outcome | None:
    """Return what a row comes to as far as it is known: the worst of what was found, and nothing where nothing was."""
    found = {one.outcome for one in its_row.places}
    for worst in (*sorted(FAILING & found), Outcome.DRIFT, Outcome.HARNESS_BROKEN):
        if worst in found:
            return worst
    return next((one for one in (Outcome.PASS, Outcome.LOADS) if one in found), None)


def _is_finished(state: UploadState) -> bool:
    return state.is_over or state is UploadState.SAVING_AGAIN


def _words(found: Found, its_row: Row) -> str:
    """Where it stands, in a sentence."""
    upload = found.upload
    if not found.runner_alive and not upload.state.is_over:
        return "No runner was heard of in the last half minute: it goes on when one is there."
    ahead = found.wait.ahead
    if ahead and not upload.content:
        return f"Waits: {ahead} upload{'s' if ahead > 1 else ''} came before it; senders take turns."
    if ahead and not its_row.done:
        return f"Its row waits: {'the row of one upload is' if ahead == 1 else f'the rows of {ahead} uploads are'} before it."
    said = {
        UploadState.WAITING: "Waits for a runner, which takes a moment.",
        UploadState.INSPECTING: "It is looked into: what it is, and which version saved it.",
        UploadState.REFUSED: upload.message or "It cannot be loaded.",
        UploadState.FAILED: upload.message or "It could not be tried.",
        UploadState.LOADING: its_row.words or "It is loaded in one version after the other.",
    }
    return said.get(upload.state) or its_row.words or "There is nothing that it could be loaded in."


def reference_words(content: Uploaded) -> str:
    """Say what the answers are compared with, and who agrees with whom; or why there is nothing to compare."""
    if content.reference is None:
        return "" if content.note or not content.finished else _uncompared(content.row)
    said = (
        f"All answers are compared with those of {label(content.reference)}, which is nearest to what saved the file."
    )
    for one in content.row.groups:
        if one.number:
            alike = ", alike among themselves" if one.count > 1 else ""
            said += f" {one.environments} answer{'' if one.count > 1 else 's'} otherwise{alike}."
    return said


def _uncompared(its_row: Row) -> str:
    """Say why there is nothing to compare."""
    found = {one.outcome for one in its_row.places} | {way.outcome for one in its_row.places for way in one.ways}
    if found & ANSWERING:
        if its_row.remarks:
            return "There is nothing to compare:"
        return (
            "It was not called, since nobody knows what it takes, so there is nothing to compare. Hand it in again with "
            "inputs as .npz: one array for each input, by its name."
        )
    return "No version loads it, so there is nothing to compare." if found & FAILING else ""
