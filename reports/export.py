"""The matrix for other programs: JSON and CSV, both with a schema version. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any

import numpy as np

from matrix.model import Rung
from reports.cube import cube_of
from reports.downloads import SCHEMA_VERSION, csv_parts
from reports.findings import find
from reports.grid import EVERYTHING, Results, Selection, outcome_of, pair, tally, tally_by
from reports.lines import in_order


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
    """The selected rows, one line each, as the site has them."""
    chosen = replace(results, rows=tuple(row for row in results.rows if selection.takes(row)))
    cube = cube_of(chosen)
    return "".join(csv_parts(cube, results.failures, np.arange(len(cube))))


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
