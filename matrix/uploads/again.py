"""Saving an upload again in an environment that loads it, and loading what came of that in another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from matrix import protocol, verdict
from matrix.messages import AgainJob, Brought, LoadCell, LoadJob, Packing, SavedFormat, SaveJob, SaveReport
from matrix.methods import primary_method
from matrix.model import Format, Method, Model, SaveOutcome
from matrix.protocol import ProtocolError
from matrix.results import Signature
from matrix.uploads.agreement import judged
from matrix.uploads.attempt import Seat
from matrix.uploads.model import UploadCell, UploadSave
from matrix.uploads.ways import Ways
from matrix.verdict import Expected

_UNSTATED = Signature(inputs=(), outputs=())


def save_again(seat: Seat, method: Method, formats: Sequence[Format]) -> tuple[UploadSave, ...]:
    """Save in all formats at once, then in those that did not fit beside the others; in each alone where a process ends."""
    seat.place(seat.inputs.digest)
    found: tuple[UploadSave, ...] = ()
    left = tuple(formats)
    while left:
        saved = _saved(seat, method, left)
        if saved is None:
            return found + tuple(_alone(seat, method, one) for one in left)
        found += saved
        done = {one.format for one in saved}
        left = tuple(one for one in left if one not in done)
    return found


def _alone(seat: Seat, method: Method, format_: Format) -> UploadSave:
    saved = _saved(seat, method, [format_])
    return saved[0] if saved else _failed(seat, format_, "the process ended while it was saved")


def load_again(seat: Seat, save: UploadSave, now: datetime, *, comparable: bool = True) -> UploadCell:
    """Load what another environment saved, and hold it to what that one answered, if that would be the same once more."""
    if save.artifact is None or save.inputs is None or save.outputs is None:
        raise ValueError("nothing was saved")
    seat.place(save.artifact, save.inputs)
    method = way_of(seat.ways, save.format)
    beside = seat.ways.brought
    cell = LoadCell(
        model="",
        format=save.format.value,
        method=method,
        artifact=save.artifact,
        is_tar=False,
        inputs=save.inputs,
        brought=Brought(
            packing=Packing.TAR if save.is_tar else Packing.FILE,
            custom_objects=beside.custom_objects,
            builder=beside.builder,
        ),
    )
    ending, said = seat.run(LoadJob(cells=(cell,)))
    expected = Expected(outputs=protocol.arrays(seat.blobs.get(save.outputs)), signature=save.signature or _UNSTATED)
    result = verdict.judge(seat.key(method, save.artifact), ending, said, expected)
    if not comparable:
        result = judged(result, None)
    return UploadCell(saver=save.saver, format=save.format, result=result, outputs=None, group=None, measured_at=now)


def way_of(ways: Ways, format_: Format) -> Method:
    """Return the way in which what was saved again is loaded."""
    own = ways.brought.custom_objects is not None or ways.brought.builder is not None
    return primary_method(Model(id="", title="", shows="", needs_custom_objects=own), format_)


def _saved(seat: Seat, method: Method, formats: Sequence[Format]) -> tuple[UploadSave, ...] | None:
    """Return what came of some of the formats, of one at least; nothing where the process ended."""
    names = tuple(one.value for one in formats)
    job = (
        SaveJob(model="", formats=names, brought=seat.ways.brought, inputs=seat.inputs.digest)
        if seat.ways.format is None
        else AgainJob(cell=seat.ways.cell(method, seat.inputs.digest), formats=names)
    )
    _, said = seat.run(job)
    try:
        report = protocol.save_report(said) if said else None
    except ProtocolError:
        report = None
    if report is None:
        return None
    by_format = {one.format: one for one in report.saves}
    if kept := tuple(_kept(seat, report, by_format[one]) for one in formats if one in by_format):
        return kept
    why = report.unsupported or (report.raised.message if report.raised else "nothing was said of it")
    return tuple(_failed(seat, one, why) for one in formats)


def _kept(seat: Seat, report: SaveReport, saved: SavedFormat) -> UploadSave:
    is_saved = saved.outcome is SaveOutcome.SAVED
    return UploadSave(
        saver=seat.session.environment.recipe_digest,
        format=saved.format,
        outcome=saved.outcome,
        reason=saved.reason,
        failure=verdict.failure(saved.raised) if saved.raised else None,
        artifact=seat.blobs.put(saved.data) if is_saved else None,
        size=len(saved.data),
        is_tar=saved.is_tar,
        inputs=seat.blobs.put(report.inputs) if is_saved else None,
        outputs=seat.blobs.put(report.outputs) if is_saved else None,
        beside=len(report.inputs) + len(report.outputs) if is_saved else 0,
        signature=report.signature,
        steps=saved.steps,
    )


def _failed(seat: Seat, format_: Format, why: str) -> UploadSave:
    return UploadSave(
        saver=seat.session.environment.recipe_digest,
        format=format_,
        outcome=SaveOutcome.FAILED,
        reason=why,
        failure=None,
        artifact=None,
        size=0,
        is_tar=False,
        inputs=None,
        outputs=None,
        signature=None,
    )
