"""The rows of the matrix for other programs, as CSV and JSON, part by part: columns are made whole, not row by row. Pure.

docs/data.md says what each column means and what stays as it is.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from matrix.model import Rung, SaveOutcome, Verdict
from reports.causes import Said
from reports.cube import FORMATS, METHODS, NOTHING, OUTCOMES, VERDICTS, Codes, Cube, tally_of

SCHEMA_VERSION: Final = 1
"""Raised when a column changes its meaning or goes away; a new column does not raise it."""

COLUMNS: Final = (
    "saver",
    "model",
    "format",
    "loader",
    "method",
    "primary",
    "save_outcome",
    "verdict",
    "rung",
    "fingerprint",
    "max_absolute",
    "max_relative",
    "wall_seconds",
    "measured_at",
    "repeated",
    "shared",
    "outcome",
    "exception",
)
AT_ONCE: Final = 2_000

Kinds = Mapping[str, Said]

_VERDICT_WORDS: Final = frozenset(str(one) for one in Verdict)
_SAVE_WORDS: Final = frozenset(str(one) for one in SaveOutcome)
_VERDICT_OF: Final = [str(one) if str(one) in _VERDICT_WORDS else None for one in OUTCOMES]
_SAVE_OF: Final = [str(one) if str(one) in _SAVE_WORDS else str(SaveOutcome.SAVED) for one in OUTCOMES]
_HAS_VERDICT: Final = np.array([one is not None for one in _VERDICT_OF])


def csv_parts(cube: Cube, kinds: Kinds, places: Codes) -> Iterator[str]:
    """Rows as CSV: the names of the columns, then a line for each, the schema version in the first column.

    Messages stay out: they have line breaks. What a spreadsheet would take for a formula is made inert.
    """
    yield _csv_lines([["schema_version", *COLUMNS]])
    for columns in _parts(cube, kinds, places):
        # No name or time of ours begins like a formula; only what an error's class is called comes from outside.
        columns["exception"] = [inert(one) for one in columns["exception"]]
        yield _csv_lines(zip([SCHEMA_VERSION] * len(columns["saver"]), *columns.values(), strict=True))


def json_parts(cube: Cube, kinds: Kinds, places: Codes, about: Mapping[str, Any]) -> Iterator[str]:
    """Rows as one JSON document: what it is, the counts, the rows by the same names, and each error once."""
    mask = np.zeros(len(cube), dtype=bool)
    mask[places] = True
    counts = {str(outcome): many for outcome, many in tally_of(cube.counts(mask)).counts.items()}
    head = {"schema": "tfmatrix.matrix", "schema_version": SCHEMA_VERSION, **about, "counts": counts}
    yield f'{_dumps(head)[:-1]},"rows":['
    between = ""
    for columns in _parts(cube, kinds, places):
        rows = zip(*columns.values(), strict=True)
        yield between + ",".join(_dumps(dict(zip(columns, row, strict=True))) for row in rows)
        between = ","
    yield f'],"errors":{_dumps(_errors(cube, kinds, places))}}}\n'


def inert(value: str | None) -> str | None:
    """Text in one line, that a spreadsheet does not take for a formula."""
    if not value:
        return value
    line = value.replace("\r", " ").replace("\n", " ")
    return f"'{line}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else line


def _parts(cube: Cube, kinds: Kinds, places: Codes) -> Iterator[dict[str, list[Any]]]:
    words = _Words(cube, kinds)
    for start in range(0, len(places), AT_ONCE):
        yield _columns(cube, words, places[start : start + AT_ONCE])


class _Words:
    """Words for the numbers of a cube; the last of those that may be missing stands for nothing, for that is minus one."""

    def __init__(self, cube: Cube, kinds: Kinds) -> None:
        self.environments = [one.id for one in cube.environments]
        self.models = [one.id for one in cube.models]
        self.fingerprints: list[str | None] = [*cube.fingerprints, None]
        self.exceptions = [kinds[one].exception if one in kinds else None for one in cube.fingerprints] + [None]


_RUNGS: Final[tuple[str | None, ...]] = (*(one.label for one in Rung), None)
_REPEATS: Final[tuple[str | None, ...]] = (*map(str, VERDICTS), None)
_FORMATS, _METHODS, _OUTCOMES = (tuple(map(str, words)) for words in (FORMATS, METHODS, OUTCOMES))


def _columns(cube: Cube, words: _Words, places: Codes) -> dict[str, list[Any]]:
    """Some rows by column, in the order in which they are written."""
    known = _HAS_VERDICT[cube.outcome[places]]

    def named(column: str, names: Sequence[Any]) -> list[Any]:
        return [names[one] for one in getattr(cube, column)[places].tolist()]

    seconds = np.where(known, cube.seconds[places], np.nan)
    rungs = np.where(known, cube.rung[places], NOTHING)
    return {
        "saver": named("saver", words.environments),
        "model": named("model", words.models),
        "format": named("format", _FORMATS),
        "loader": named("loader", words.environments),
        "method": named("method", _METHODS),
        "primary": cube.primary[places].tolist(),
        "save_outcome": named("outcome", _SAVE_OF),
        "verdict": named("outcome", _VERDICT_OF),
        "rung": [_RUNGS[one] for one in rungs.tolist()],
        "fingerprint": named("error", words.fingerprints),
        "max_absolute": [_number(one) for one in cube.absolute[places].tolist()],
        "max_relative": [_number(one) for one in cube.relative[places].tolist()],
        "wall_seconds": [_number(one) for one in seconds.tolist()],
        "measured_at": [_iso(one) for one in cube.at[places].tolist()],
        "repeated": named("repeated", _REPEATS),
        "shared": cube.shared[places].tolist(),
        "outcome": named("outcome", _OUTCOMES),
        "exception": named("error", words.exceptions),
    }


def _errors(cube: Cube, kinds: Kinds, places: Codes) -> dict[str, Any]:
    found = np.unique(cube.error[places])
    named = (cube.fingerprints[place] for place in found.tolist() if place != NOTHING)
    return {
        one: {"exception": kinds[one].exception, "message": kinds[one].message} for one in sorted(named) if one in kinds
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return float(f"{value:.7g}") if math.isfinite(value) else str(value)


def _iso(at: int) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat() if at else None


def _csv_lines(lines: Any) -> str:  # noqa: ANN401  (whatever zip makes)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _dumps(value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
