"""Rows that fail for one cause, put together: how many, from where to where, in what, with one line to see it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matrix.model import Format, Method
from matrix.results import Failure, MatrixRow
from reports.causes import cause_of
from reports.grid import FAILING, Outcome, outcome_of
from reports.ranges import spans

NAMED: Final = 4
NOTHING_TO_EXPLAIN: Final = frozenset(
    {Outcome.PASS, Outcome.UNSUPPORTED, Outcome.NOT_APPLICABLE, Outcome.TOO_LARGE, Outcome.NOT_MEASURED}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Rows of one outcome and cause. Savers and loaders are ranges of versions; ``example`` is a command."""

    outcome: Outcome
    cause: str
    cells: int
    primary: int
    savers: str
    loaders: str
    formats: tuple[Format, ...]
    methods: tuple[Method, ...]
    models: tuple[str, ...]
    example: str

    @property
    def model_words(self) -> str:
        """The models, all where they are few, else how many and the first of them."""
        return few(self.models)


def few(names: Sequence[str]) -> str:
    """Names in words: ``dense, conv``, or ``12: dense, conv, lambda, hashing, …``."""
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{len(names)}: {', '.join(names[:NAMED])}, …"


def failing_groups(
    rows: Iterable[MatrixRow], failures: Mapping[str, Failure], order: Sequence[str], most: int
) -> tuple[tuple[Group, ...], int]:
    """Return the largest groups of cells that fail, by any method, and how many groups there are in all."""
    groups = grouped((row for row in rows if outcome_of(row) in FAILING), failures, order)
    return groups[:most], len(groups)


def diagonal_groups(
    rows: Iterable[MatrixRow], failures: Mapping[str, Failure], order: Sequence[str]
) -> tuple[Group, ...]:
    """Return what does not come back where it was saved, by the primary method; saves that failed are among it."""
    own = (row for row in rows if row.saver == row.loader and row.primary)
    return grouped((row for row in own if outcome_of(row) not in NOTHING_TO_EXPLAIN), failures, order)


def grouped(rows: Iterable[MatrixRow], failures: Mapping[str, Failure], order: Sequence[str]) -> tuple[Group, ...]:
    """Return rows by outcome and cause, the largest group first."""
    causes = {fingerprint: cause_of(failure) for fingerprint, failure in failures.items()}
    members: dict[tuple[Outcome, str], list[MatrixRow]] = {}
    for row in rows:
        outcome = outcome_of(row)
        cause = causes.get(row.fingerprint or "", _without_failure(outcome))
        members.setdefault((outcome, cause), []).append(row)
    groups = [_group(outcome, cause, alike, order) for (outcome, cause), alike in members.items()]
    return tuple(sorted(groups, key=lambda group: (-group.cells, group.cause, group.outcome)))


def _group(outcome: Outcome, cause: str, rows: Sequence[MatrixRow], order: Sequence[str]) -> Group:
    formats, methods = {row.format for row in rows}, {row.method for row in rows}
    return Group(
        outcome=outcome,
        cause=cause,
        cells=len(rows),
        primary=sum(row.primary for row in rows),
        savers=spans({row.saver for row in rows}, order),
        loaders=spans({row.loader for row in rows}, order),
        formats=tuple(one for one in Format if one in formats),
        methods=tuple(one for one in Method if one in methods),
        models=tuple(dict.fromkeys(row.model for row in rows)),
        example=_command(next((row for row in rows if row.primary), rows[0])),
    )


def _without_failure(outcome: Outcome) -> str:
    return "the answer differs from the saver's" if outcome is Outcome.DRIFT else f"{outcome}, without an error"


def _command(row: MatrixRow) -> str:
    """The line that shows and reproduces a row."""
    line = f"tfmatrix cell {row.saver} {row.model} {row.format} {row.loader}"
    return line if row.primary else f"{line} --method {row.method}"
