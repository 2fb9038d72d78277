"""Domain to columns and back, as exact inverses. Pure: no connection is seen here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Row

from matrix.errors import StoreError
from matrix.model import CellKey, Format, Rung, SaveKey, SaveOutcome, Verdict
from matrix.results import Artifact, CellResult, Difference, Effort, Failure, Mark, Marks, SaveResult, Signature, Tensor
from matrix.store.tables import cells

Columns = dict[str, Any]
Failures = Mapping[str, Failure]
AnyRow = Row[*tuple[Any, ...]]
Member = TypeVar("Member", bound=Enum)


FINDING: Final = (
    cells.c.verdict,
    cells.c.rung,
    cells.c.signature_equal,
    cells.c.signal,
    cells.c.fingerprint,
    cells.c.differences,
    cells.c.warnings,
    cells.c.steps,
    cells.c.wall_seconds,
    cells.c.peak_memory,
    cells.c.repeated,
    cells.c.tampered,
    cells.c.marks,
)
"""What of a cell makes a result, beside its key. Read by position: tens of thousands may be asked for at once."""


@lru_cache(maxsize=256)
def member(kind: type[Member], value: object) -> Member:
    """The member of an enum that a column names."""
    try:
        return kind(value)
    except ValueError as error:
        message = f"The database holds a {kind.__name__} that this version does not know: {value!r}."
        raise StoreError(message, next_step="A newer tfmatrix wrote it: update this checkout.") from error


def save_key_columns(key: SaveKey) -> Columns:
    """A save's key."""
    return {"model": key.model, "saver": key.saver, "format": key.format.value, "version": key.version}


def cell_key_columns(key: CellKey) -> Columns:
    """A cell's key."""
    return {
        "artifact": key.artifact,
        "loader": key.loader,
        "method": key.method.value,
        "version": key.version,
    }


def save_columns(result: SaveResult) -> Columns:
    """A save's finding and evidence; its artifact and failure are rows of their own."""
    return {
        "outcome": result.outcome.value,
        "artifact": result.artifact.sha256 if result.artifact else None,
        "reason": result.reason,
        **_evidence(result),
    }


def cell_columns(result: CellResult) -> Columns:
    """A cell's finding and evidence; its failure is a row of its own."""
    return {
        "verdict": result.verdict.value,
        "rung": result.rung.value,
        "signature_equal": result.signature_equal,
        "signal": result.signal,
        "differences": [[d.output, d.equal, d.max_absolute, d.max_relative, d.reason] for d in result.differences],
        "repeated": result.repeated.value if result.repeated else None,
        "tampered": result.tampered,
        "marks": None if result.marks is None else asdict(result.marks),
        **_evidence(result),
    }


def _evidence(result: SaveResult | CellResult) -> Columns:
    return {
        "fingerprint": result.failure.fingerprint if result.failure else None,
        "warnings": result.warnings,
        "steps": result.effort.steps,
        "wall_seconds": result.effort.wall_seconds,
        "peak_memory": result.effort.peak_memory,
    }


def failure_columns(failure: Failure) -> Columns:
    """An error, stored once."""
    return {
        "fingerprint": failure.fingerprint,
        "exception": failure.exception,
        "message": failure.message,
        "traceback": failure.traceback,
        "frames": failure.frames,
    }


def artifact_columns(artifact: Artifact) -> Columns:
    """An artifact, stored once."""
    sides = (artifact.signature.inputs, artifact.signature.outputs)
    return {
        "sha256": artifact.sha256,
        "size": artifact.size,
        "is_tar": artifact.is_tar,
        "inputs": artifact.inputs,
        "outputs": artifact.outputs,
        "signature": [[[tensor.name, tensor.shape, tensor.dtype] for tensor in side] for side in sides],
    }


def save_key(row: AnyRow) -> SaveKey:
    """The key of a ``saves`` row."""
    return SaveKey(model=row.model, saver=row.saver, format=member(Format, row.format), version=row.version)


def save_result(row: AnyRow, artifacts: Mapping[str, Artifact], failures: Failures) -> SaveResult:
    """A ``saves`` row, with the artifacts and failures it names."""
    return SaveResult(
        key=save_key(row),
        outcome=member(SaveOutcome, row.outcome),
        artifact=None if row.artifact is None else artifacts[row.artifact],
        reason=row.reason,
        failure=None if row.fingerprint is None else failures[row.fingerprint],
        warnings=tuple(row.warnings),
        effort=Effort(steps=row.steps, wall_seconds=row.wall_seconds, peak_memory=row.peak_memory),
    )


def cell_result(key: CellKey, finding: Sequence[Any], failures: Failures) -> CellResult:
    """A cell from its ``FINDING`` columns, in their order, with the failures it names."""
    verdict, rung, equal, signal, fingerprint, differences, warnings, steps, wall, memory, *rest = finding
    repeated, tampered, marks = rest
    return CellResult(
        key=key,
        verdict=member(Verdict, verdict),
        rung=member(Rung, rung),
        signature_equal=equal,
        signal=signal,
        failure=None if fingerprint is None else failures[fingerprint],
        differences=tuple(map(_difference, differences)),
        warnings=tuple(warnings),
        effort=Effort(steps=steps, wall_seconds=wall, peak_memory=memory),
        repeated=None if repeated is None else member(Verdict, repeated),
        tampered=tampered,
        marks=None if marks is None else marks_of(marks),
    )


def failure(row: AnyRow) -> Failure:
    """An ``errors`` row."""
    return Failure(
        exception=row.exception,
        message=row.message,
        traceback=row.traceback,
        frames=tuple(row.frames),
        fingerprint=row.fingerprint,
    )


def artifact(row: AnyRow) -> Artifact:
    """An ``artifacts`` row."""
    inputs, outputs = (tuple(map(_tensor, side)) for side in row.signature)
    return Artifact(
        sha256=row.sha256,
        size=row.size,
        is_tar=row.is_tar,
        inputs=row.inputs,
        outputs=row.outputs,
        signature=Signature(inputs=inputs, outputs=outputs),
    )


def marks_of(fields: dict[str, Any]) -> Marks:
    """Marks from the column that holds them."""
    named = ("saved_again", "optimizer_restored", "trained_step")
    return Marks(**{name: member(Mark, fields[name]) for name in named}, notes=fields["notes"])


def _difference(fields: list[Any]) -> Difference:
    output, equal, max_absolute, max_relative, reason = fields
    return Difference(output=output, equal=equal, max_absolute=max_absolute, max_relative=max_relative, reason=reason)


def _tensor(fields: list[Any]) -> Tensor:
    name, shape, dtype = fields
    return Tensor(name=name, shape=None if shape is None else tuple(shape), dtype=dtype)
