"""A report becomes a verdict. Pure: what the child said and what the zygote saw, against what the saver answered."""

from __future__ import annotations

import hashlib
import re
import signal
from collections import Counter
from dataclasses import dataclass, replace

from matrix.compare import compare
from matrix.messages import Arrays, Ending, EndKind, LoadReport, Raised, SaveReport, Tried
from matrix.model import CellKey, Rung, Verdict
from matrix.protocol import ProtocolError, load_report
from matrix.results import CellResult, Difference, Effort, Failure, Mark, Marks, Signature

_NORMALISATIONS = (
    (re.compile(r"/tmp/cell-\d+"), "/tmp/cell"),  # noqa: S108  the child's folder, named after its uid
    (re.compile(r"\b0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "#"),
    (re.compile(r"(?<=[A-Za-z])_\d+\b"), "_#"),  # layers are numbered as they are made
    (re.compile(r"\d+(\.\d+)?"), "#"),
)


_UNSTATED = Signature(inputs=(), outputs=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What a cell is held to: the saver's outputs for the same input bytes, its signature, the steps it had trained."""

    outputs: Arrays
    signature: Signature
    training_steps: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Unheld:
    """A cell that nothing was held against yet, with what a comparison needs: what it answered, and to which inputs.

    ``inputs`` is a whole frame where the child had to make them, from ``source``; ``notes`` say what it assumed, or why it
    made none. ``remarks`` say why its answers are not here: it loads, and cannot be compared.
    """

    result: CellResult
    outputs: Arrays = ()
    signature: Signature | None = None
    inputs: bytes | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def judge(key: CellKey, ending: Ending, said: bytes, expected: Expected) -> CellResult:
    """Return the verdict on a cell that had a process of its own.

    Args:
        key: The cell.
        ending: How the child ended, as the zygote saw it.
        said: The child's one frame, or nothing.
        expected: What the saver answered.
    """
    abnormal = _abnormal(ending, said)
    if abnormal is not None:
        return _without_report(key, ending, *abnormal)
    try:
        report = load_report(said)
    except ProtocolError as error:
        return _without_report(key, ending, Verdict.CRASH, f"the process said something that is no report: {error}")
    return judge_report(key, ending, report, expected)


def judge_report(key: CellKey, ending: Ending, report: LoadReport, expected: Expected) -> CellResult:
    """Return the verdict on a cell by its report."""
    if report.unsupported is not None:
        return _without_report(key, ending, Verdict.HARNESS_BROKEN, f"the probe cannot load this: {report.unsupported}")
    return _with_report(key, ending, report, expected)


def judge_brought(key: CellKey, ending: Ending, said: bytes) -> Unheld:
    """Return what is known of a cell of a model that somebody brought, before it is compared with other environments.

    Its verdict is ``loads`` where it answered, and also where it loads and nobody knows what to call it with, which its
    rung tells; never ``pass`` or ``drift``.
    """
    abnormal = _abnormal(ending, said)
    if abnormal is not None:
        return Unheld(result=_without_report(key, ending, *abnormal))
    try:
        report = load_report(said)
    except ProtocolError as error:
        why = f"the process said something that is no report: {error}"
        return Unheld(result=_without_report(key, ending, Verdict.CRASH, why))
    result = judge_report(key, ending, report, Expected(outputs=(), signature=_UNSTATED))
    if report.unsupported is not None:
        return Unheld(result=result)
    loads = report.raised is None and report.reached in {Rung.CALLED, Rung.DESERIALIZED}
    verdict = Verdict.LOADS if loads else Verdict.FAIL
    return Unheld(
        result=replace(result, verdict=verdict, rung=report.reached, differences=()),
        outputs=report.outputs if report.reached is Rung.CALLED else (),
        signature=report.signature,
        inputs=report.inputs,
        source=report.source,
        notes=report.notes,
        remarks=report.remarks,
    )


def judged_build(key: CellKey, ending: Ending, report: SaveReport) -> CellResult:
    """Return what is known of a cell whose model was not loaded but built, by somebody's script: ``loads`` or ``fail``."""
    if report.unsupported is not None:
        return _without_report(key, ending, Verdict.HARNESS_BROKEN, report.unsupported)
    return CellResult(
        key=key,
        verdict=Verdict.LOADS if report.raised is None else Verdict.FAIL,
        rung=Rung.CALLED if report.raised is None else Rung.OPENED,
        signature_equal=None,
        signal=None,
        failure=failure(report.raised) if report.raised else None,
        differences=(),
        warnings=(),
        effort=Effort(steps=report.steps, wall_seconds=ending.wall_seconds, peak_memory=ending.peak_memory),
        tampered=ending.tampered,
    )


def harness_broken(key: CellKey, reason: str) -> CellResult:
    """Return what is known of a cell whose environment did not prove itself: nothing."""
    raised = Raised(exception="tfmatrix.harness-broken", message=reason, traceback="", frames=())
    return CellResult(
        key=key,
        verdict=Verdict.HARNESS_BROKEN,
        rung=Rung.NOTHING,
        signature_equal=None,
        signal=None,
        failure=failure(raised),
        differences=(),
        warnings=(),
        effort=Effort(steps={}, wall_seconds=0.0, peak_memory=0),
    )


def failure(raised: Raised) -> Failure:
    """Return an exception with its fingerprint."""
    message, traceback = (_NORMALISATIONS[0][0].sub("/tmp/cell", text) for text in (raised.message, raised.traceback))  # noqa: S108
    return Failure(
        exception=raised.exception,
        message=message,
        traceback=traceback,
        frames=raised.frames,
        fingerprint=fingerprint(raised.exception, message, raised.frames),
    )


def fingerprint(exception: str, message: str, frames: tuple[str, ...]) -> str:
    """Name a kind of failure: the same for texts that differ in addresses, numbers and temporary names only."""
    for pattern, replacement in _NORMALISATIONS:
        message = pattern.sub(replacement, message)
    return hashlib.sha256("\0".join([exception, message, *frames]).encode()).hexdigest()[:16]


def share(ending: Ending, parts: int) -> Ending:
    """Return the part in a process's ending of each of those that shared it: an equal part of its time."""
    return replace(ending, wall_seconds=ending.wall_seconds / parts)


def ended(ending: Ending) -> str:
    """Say in words how a child ended that left no report."""
    match ending.kind:
        case EndKind.TIMEOUT:
            asked = "stopped when asked" if ending.code == 1 else "had to be killed"
            return f"the process was still running at its limit and {asked}"
        case EndKind.OUT_OF_MEMORY:
            return "the kernel killed the process for want of memory"
        case EndKind.SIGNAL:
            return f"the process was ended by signal {ending.code} ({_signal_name(ending.code)})"
        case EndKind.EXIT:
            return f"the process ended with exit code {ending.code} before it had reported"


def _abnormal(ending: Ending, said: bytes) -> tuple[Verdict, str] | None:
    match ending.kind:
        case EndKind.TIMEOUT:
            return Verdict.TIMEOUT, ended(ending)
        case EndKind.OUT_OF_MEMORY:
            return Verdict.OUT_OF_MEMORY, ended(ending)
        case EndKind.SIGNAL:
            return Verdict.CRASH, ended(ending)
        case EndKind.EXIT:
            return None if said and ending.code == 0 else (Verdict.CRASH, ended(ending))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _without_report(key: CellKey, ending: Ending, verdict: Verdict, message: str) -> CellResult:
    raised = Raised(exception=f"tfmatrix.{verdict}", message=message, traceback=ending.noise, frames=())
    return CellResult(
        key=key,
        verdict=verdict,
        rung=Rung.NOTHING,
        signature_equal=None,
        signal=ending.code if ending.kind is EndKind.SIGNAL else None,
        failure=failure(raised),
        differences=(),
        warnings=(),
        effort=Effort(steps={}, wall_seconds=ending.wall_seconds, peak_memory=ending.peak_memory),
        tampered=ending.tampered,
    )


def _with_report(key: CellKey, ending: Ending, report: LoadReport, expected: Expected) -> CellResult:
    called = report.reached is Rung.CALLED
    differences = compare(report.outputs, expected.outputs) if called else ()
    same = None
    if report.signature is not None and expected.signature != _UNSTATED:
        same = same_signature(report.signature, expected.signature)
    return CellResult(
        key=key,
        verdict=_verdict(differences, called=called),
        rung=_rung(report.reached, differences, same=same),
        signature_equal=same,
        signal=None,
        failure=failure(report.raised) if report.raised else None,
        differences=differences,
        warnings=report.warnings,
        effort=Effort(steps=report.steps, wall_seconds=ending.wall_seconds, peak_memory=ending.peak_memory),
        tampered=ending.tampered,
        marks=None if report.tried is None else marks(report.tried, expected.training_steps),
    )


def marks(tried: Tried, training_steps: int) -> Marks:
    """Make marks of what a child tried with a model whose saver had trained so many steps.

    An optimizer is restored when it counts these steps, holds something in each slot that it has, and can go on.
    """
    if tried.iterations is None:
        state, why = Mark.NO, "the loaded model has no optimizer"
    elif tried.iterations != training_steps:
        state, why = Mark.NO, f"it counts {tried.iterations} steps, the saver's counted {training_steps}"
    elif tried.filled < tried.slots:
        state, why = Mark.NO, f"{tried.slots - tried.filled} of its {tried.slots} slots are empty"
    elif not tried.slots and tried.step_failure:  # Keras 3 builds the optimizer of an h5 file for no variable at all
        state, why = Mark.NO, "it holds nothing for any variable, and cannot take a step"
    else:
        state, why = Mark.YES, None
    trains = Mark.NO if tried.step_failure else Mark.YES
    notes = {"saved_again": tried.save_failure, "optimizer_restored": why, "trained_step": tried.step_failure}
    return Marks(
        saved_again=Mark.NO if tried.save_failure else Mark.YES,
        optimizer_restored=state,
        trained_step=Mark.NOT_APPLICABLE if tried.iterations is None else trains,
        notes={name: text for name, text in notes.items() if text},
    )


def _verdict(differences: tuple[Difference, ...], *, called: bool) -> Verdict:
    if not called:
        return Verdict.FAIL
    return Verdict.PASS if differences and all(one.equal for one in differences) else Verdict.DRIFT


def _rung(reached: Rung, differences: tuple[Difference, ...], *, same: bool | None) -> Rung:
    if reached is Rung.CALLED and differences and all(one.equal for one in differences):
        return Rung.OUTPUTS_EQUAL
    if reached is Rung.DESERIALIZED and same:
        return Rung.SIGNATURE_EQUAL
    return reached


def same_signature(one: Signature, other: Signature) -> bool:
    """Whether two models take and give tensors of the same shapes and dtypes.

    Names are left out: Keras 2 and 3, and exported functions, name the same tensor differently.
    """
    return all(
        Counter((tensor.shape, tensor.dtype) for tensor in mine) == Counter((t.shape, t.dtype) for t in theirs)
        for mine, theirs in ((one.inputs, other.inputs), (one.outputs, other.outputs))
    )
