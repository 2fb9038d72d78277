"""Uploads to columns and back. Pure, as rows.py; what is found of one is a JSON document: it is read whole, never searched."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from matrix.model import CellKey, Format, Method, SaveOutcome
from matrix.results import CellResult, Failure, Signature, Tensor
from matrix.store import rows
from matrix.store.rows import AnyRow, Columns, member
from matrix.uploads.model import Options, Part, PartFile, Upload, UploadCell, UploadSave, UploadState

FINDING: Final = tuple(column.name for column in rows.FINDING)


def upload_columns(upload: Upload) -> Columns:
    """All of an upload."""
    return {name: column(name, getattr(upload, name)) for name in Upload.__dataclass_fields__}


def column(name: str, value: Any) -> Any:  # noqa: ANN401  (a field's)
    """A field of an upload as its column holds it."""
    match name:
        case "parts":
            return {part.value: asdict(file) for part, file in value.items()}
        case "options":
            return asdict(value)
        case "state":
            return UploadState(value).value
        case "plan":
            return list(value)
        case _:
            return value


def upload(row: AnyRow) -> Upload:
    """An ``uploads`` row."""
    fields = row._asdict()
    options = {**fields["options"], "environments": tuple(fields["options"]["environments"])}
    fields |= {
        "parts": {member(Part, part): PartFile(**file) for part, file in fields["parts"].items()},
        "options": Options(**options),
        "state": member(UploadState, fields["state"]),
        "plan": tuple(fields["plan"]),
    }
    return Upload(**fields)


def cell_columns(content: str, cell: UploadCell) -> Columns:
    """A cell of an upload."""
    finding = rows.cell_columns(cell.result)
    finding["failure"] = None if cell.result.failure is None else asdict(cell.result.failure)
    finding["notes"] = list(cell.notes)
    key = cell.result.key
    return {
        "content": content,
        "saver": cell.saver,
        "format": cell.format.value if cell.format else "",
        "artifact": key.artifact,
        "loader": key.loader,
        "method": key.method.value,
        "version": key.version,
        "finding": finding,
        "outputs": cell.outputs,
        "group": cell.group,
        "measured_at": cell.measured_at,
        "size": cell.size,
    }


def cell(row: AnyRow) -> UploadCell:
    """An ``upload_cells`` row."""
    key = CellKey(artifact=row.artifact, loader=row.loader, method=member(Method, row.method), version=row.version)
    failure = _failure(row.finding["failure"])
    failures = {} if failure is None else {failure.fingerprint: failure}
    result: CellResult = rows.cell_result(key, [row.finding[name] for name in FINDING], failures)
    return UploadCell(
        saver=row.saver,
        format=member(Format, row.format) if row.format else None,
        result=result,
        outputs=row.outputs,
        group=row.group,
        measured_at=row.measured_at,
        size=row.size,
        notes=tuple(row.finding.get("notes", ())),
    )


def save_columns(content: str, save: UploadSave, version: int) -> Columns:
    """What came of saving an upload again."""
    finding = asdict(save) | {"outcome": save.outcome.value}
    for name in ("saver", "format"):
        del finding[name]
    return {
        "content": content,
        "saver": save.saver,
        "format": save.format.value,
        "version": version,
        "finding": finding,
    }


def save(row: AnyRow) -> UploadSave:
    """An ``upload_saves`` row."""
    fields = dict(row.finding)
    fields |= {
        "outcome": member(SaveOutcome, fields["outcome"]),
        "failure": _failure(fields["failure"]),
        "signature": _signature(fields["signature"]),
    }
    return UploadSave(saver=row.saver, format=member(Format, row.format), **fields)


def _failure(fields: dict[str, Any] | None) -> Failure | None:
    return None if fields is None else Failure(**{**fields, "frames": tuple(fields["frames"])})


def _signature(fields: dict[str, Any] | None) -> Signature | None:
    if fields is None:
        return None
    sides = {side: tuple(_tensor(one) for one in fields[side]) for side in ("inputs", "outputs")}
    return Signature(**sides)


def _tensor(fields: dict[str, Any]) -> Tensor:
    shape = fields["shape"]
    return Tensor(name=fields["name"], shape=None if shape is None else tuple(shape), dtype=fields["dtype"])
