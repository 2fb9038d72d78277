"""Saves and cells, as the database gives them, to the rows of the matrix. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final

from matrix.model import Environment, Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import MatrixRow
from matrix.store.rows import AnyRow, marks_of, member
from matrix.store.tables import cells, saves

SAVE_COLUMNS: Final = (
    saves.c.model,
    saves.c.saver,
    saves.c.format,
    saves.c.outcome,
    saves.c.artifact,
    saves.c.fingerprint,
)
CELL_COLUMNS: Final = (
    cells.c.artifact,
    cells.c.loader,
    cells.c.method,
    cells.c.verdict,
    cells.c.rung,
    cells.c.fingerprint,
    cells.c.differences,
    cells.c.wall_seconds,
    cells.c.last_at,
    cells.c.repeated,
    cells.c.marks,
)

Primary = Callable[[str, Format], Method]


def matrix_rows(
    environments: Sequence[Environment], found_saves: Sequence[AnyRow], found_cells: Sequence[AnyRow], primary: Primary
) -> tuple[MatrixRow, ...]:
    """The rows in the environments' order: savers, then models and formats by name, then loaders and methods."""
    measured: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for artifact, loader, *finding in found_cells:
        measured[artifact, loader].append(finding)
    place = {environment.recipe_digest: number for number, environment in enumerate(environments)}
    ordered = sorted(found_saves, key=lambda row: (place[row.saver], row.model, row.format))
    seen: set[str] = set()
    found: list[MatrixRow] = []
    for save in ordered:
        for loader in environments:
            found += _rows(
                save,
                environments[place[save.saver]].id,
                loader.id,
                sorted(measured.get((save.artifact, loader.recipe_digest), ()), key=itemgetter(0)),
                primary(save.model, member(Format, save.format)),
                shared=save.artifact in seen,
            )
        seen.add(save.artifact)
    return tuple(found)


def _rows(  # noqa: PLR0913  a save, a loader, and what is known of the two
    save: AnyRow, saver: str, loader: str, measured: Sequence[Sequence[Any]], primary: Method, *, shared: bool
) -> Iterator[MatrixRow]:
    """A save in one loader: the methods measured, and the primary one in any case."""
    row = partial(
        MatrixRow,
        saver=saver,
        model=save.model,
        format=member(Format, save.format),
        loader=loader,
        save_outcome=member(SaveOutcome, save.outcome),
    )
    if all(finding[0] != primary for finding in measured):
        yield row(method=primary, primary=True, fingerprint=save.fingerprint, **_NOTHING)
    for name, verdict, rung, fingerprint, differences, wall_seconds, last_at, repeated, marks in measured:
        method = member(Method, name)
        yield row(
            method=method,
            primary=method is primary,
            verdict=member(Verdict, verdict),
            rung=member(Rung, rung),
            fingerprint=fingerprint,
            max_absolute=_largest([fields[2] for fields in differences]),
            max_relative=_largest([fields[3] for fields in differences]),
            wall_seconds=wall_seconds,
            measured_at=last_at,
            repeated=None if repeated is None else member(Verdict, repeated),
            marks=None if marks is None else marks_of(marks),
            shared=shared,
        )


_NOTHING: Final[dict[str, Any]] = dict.fromkeys(
    ("verdict", "rung", "max_absolute", "max_relative", "wall_seconds", "measured_at")
)


def _largest(values: Sequence[float | None]) -> float | None:
    """The largest of what could be subtracted; NaN is larger than any number."""
    known = [value for value in values if value is not None]
    if any(map(math.isnan, known)):
        return math.nan
    return max(known, default=None)
