"""One kind of failure: its words, and where it occurs. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np

from matrix.results import Failure, MatrixRow
from reports import addresses
from reports.causes import first_line
from reports.cube import FORMATS, METHODS, NOTHING, Mask, names
from reports.failures import counted, slug
from reports.grid import Outcome, outcome_of
from reports.known import Known
from reports.pages.heats import environment_axis, heat
from reports.pages.page import Page
from reports.pages.parts import Heat, Square
from reports.ranges import spans

_EXAMPLES: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One cell that ended so, and the command that shows it."""

    saver: str
    model: str
    format: str
    loader: str
    method: str
    outcome: Outcome
    href: str
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OneError:
    """The content of one kind's page. ``alike`` other kinds come down to the same cause, ``alike_href`` lists them."""

    fingerprint: str
    exception: str
    message: str
    traceback: str
    frames: tuple[str, ...]
    cause: str
    alike: int
    alike_href: str
    cells: int
    saves: int
    savers: str
    loaders: str
    formats: tuple[str, ...]
    models: tuple[tuple[str, str, str], ...]
    methods: tuple[str, ...]
    matrix: Heat | None
    examples: tuple[Example, ...]


def error(known: Known, failure: Failure) -> Page:
    """Return the page of one kind."""
    cube, place = known.cube, known.cube.error_at[failure.fingerprint]
    mask = cube.error == place
    loaded = mask & (cube.rung != NOTHING)
    ids = [one.id for one in cube.environments]
    count = counted(known)
    cause = known.causes[known.cause_of_error[place]]
    siblings = (known.cause_of_error == known.cause_of_error[place]) & (count.all > 0)
    models = names(known.models, cube.model[mask])
    content = OneError(
        fingerprint=failure.fingerprint,
        exception=failure.exception,
        message=failure.message,
        traceback=failure.traceback,
        frames=failure.frames,
        cause=cause,
        alike=max(0, int(siblings.sum()) - 1),
        alike_href=addresses.errors(cause=slug(cause)),
        cells=int(count.cells[place]),
        saves=int(count.saves[place]),
        savers=spans(set(names(ids, cube.saver[mask])), ids),
        loaders=spans(set(names(ids, cube.loader[loaded])), ids),
        formats=tuple(str(one) for one in names(FORMATS, cube.format[mask])),
        models=tuple((one.id, one.title, addresses.model(one.id)) for one in models),
        methods=tuple(str(one) for one in names(METHODS, cube.method[loaded])),
        matrix=_matrix(known, loaded) if loaded.any() else None,
        examples=tuple(_example(row) for row in _some(known, mask, _EXAMPLES)),
    )
    return Page(
        template="error",
        title=f"{failure.exception.rpartition('.')[2]}: {first_line(failure.message)}",
        address=addresses.error(failure.fingerprint),
        nav=addresses.errors(),
        trail=(("Errors", addresses.errors()),),
        content=content,
    )


def _matrix(known: Known, mask: Mask) -> Heat:
    """Return how often it occurs between each two; versions in which it never does are left out."""
    cube = known.cube
    counts = cube.counts(mask, "saver", "loader")
    there: Mask = np.asarray(counts.any(axis=-1))
    savers = [one for place, one in enumerate(cube.environments) if there[place].any()]
    loaders = [one for place, one in enumerate(cube.environments) if there[:, place].any()]
    drawn = heat(
        counts,
        ("saved in", environment_axis(known, savers)),
        ("loaded in", environment_axis(known, loaders)),
        "How many loads end with this error, by the version that saved and the one that loads.",
        addresses.pair,
    )
    return replace(drawn, rows=tuple((head, tuple(map(_number, squares))) for head, squares in drawn.rows))


def _number(square: Square) -> Square:
    return replace(square, number=sum(square.counts.values()))


def _some(known: Known, mask: Mask, most: int) -> list[MatrixRow]:
    """Return rows from all over a mask."""
    places = np.flatnonzero(mask)
    return [known.cube.row(int(place)) for place in places[:: max(1, ceil(len(places) / most))]]


def _example(row: MatrixRow) -> Example:
    method = "" if row.primary else f" --method {shlex.quote(row.method)}"
    return Example(
        saver=row.saver,
        model=row.model,
        format=str(row.format),
        loader=row.loader,
        method=str(row.method),
        outcome=outcome_of(row),
        href=addresses.of_row(row),
        command=f"tfmatrix cell {row.saver} {row.model} {row.format} {row.loader}{method}",
    )
