"""The matrix for other programs: JSON and CSV, both with a schema version. Pure."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from matrix.model import Rung
from matrix.results import MatrixRow
from reports.cube import cube_of
from reports.findings import find
from reports.grid import EVERYTHING, Results, Selection, outcome_of, pair, tally, tally_by
from reports.lines import in_order

SCHEMA_VERSION: Final = 1
"""Raised when a field changes its meaning or goes away; a new field does not raise it."""


def as_json(results: Results, selection: Selection = EVERYTHING) -> str:
    """The selected results as one document: header, tallies, findings, rows, errors by fingerprint."""
    rows = [row for row in results.rows if selection.takes(row)]
    document = {
        "schema": "tfmatrix.matrix",
        "schema_version": SCHEMA_VERSION,
        "header": asdict(results.header),
        "selection": {key: sorted(value) for key, value in asdict(selection).items()},
        "counts": dict(sorted(tally(rows, selection).counts.items())),
        "findings": [asdict(finding) for finding in find(cube_of(results), results.failures)]
        if selection == EVERYTHING
        else [],
        "environments": [asdict(environment) for environment in in_order(results.environments)],
        "models": [asdict(model) for model in results.models],
        "pairs": [
            {"saver": saver, "loader": loader, "share": counted.share, "counts": dict(sorted(counted.counts.items()))}
            for (saver, loader), counted in tally_by(rows, pair, selection).items()
        ],
        "rows": [{**asdict(row), "outcome": outcome_of(row)} for row in rows],
        "errors": {
            fingerprint: asdict(results.failures[fingerprint])
            for fingerprint in sorted({row.fingerprint for row in rows if row.fingerprint})
            if fingerprint in results.failures
        },
    }
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False, indent=None, separators=(",", ":"))


def as_csv(results: Results, selection: Selection = EVERYTHING) -> str:
    """The selected rows, one line each, the schema version in the first column of each.

    Marks and error texts stay out: the first are no single value, the second have line breaks, and a spreadsheet would run
    a formula that somebody hid in one.
    """
    names = [field.name for field in fields(MatrixRow) if field.name != "marks"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["schema_version", *names, "outcome", "exception"])
    for row in results.rows:
        if selection.takes(row):
            failure = results.failures.get(row.fingerprint or "")
            values = [plain(getattr(row, name)) for name in names]
            shown = ["" if value is None else _inert(value) for value in values]
            writer.writerow(
                [SCHEMA_VERSION, *shown, outcome_of(row).value, _inert(failure.exception if failure else "")]
            )
    return text.getvalue()


def _inert(value: object) -> object:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def plain(value: Any) -> Any:  # noqa: ANN401  (any value of a dataclass, to anything JSON has)
    """Turn what a dataclass holds into what JSON has words for."""
    match value:
        case Mapping():
            return {str(key): plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [plain(entry) for entry in value]
        case _ if is_dataclass(value):
            return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        case _:
            return _scalar(value)


def _scalar(value: Any) -> Any:  # noqa: ANN401
    match value:
        case Rung():
            return value.label
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
