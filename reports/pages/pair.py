"""One saver and one loader: every model in every format. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matrix.model import Environment, Format, Method, Model
from reports import addresses
from reports.cube import DRIFT, FORMATS, METHODS, PASS, Mask, tally_of
from reports.grid import Outcome, Tally
from reports.known import Known
from reports.pages.heats import format_axis, heat, model_axis
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Empty, Heat
from reports.pages.stretches import WAYS
from reports.ranges import label
from reports.reasons import Reason, reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class Drifting:
    """A file that loads and answers differently; the largest differences of its outputs, where they can be subtracted."""

    model: str
    title: str
    format: Format
    absolute: float | None
    relative: float | None
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Helping:
    """A method by which files load that do not by the usual one, and an example."""

    method: Method
    words: str
    files: int
    formats: tuple[str, ...]
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The content of a pair's page. ``before`` and ``after`` are the loaders next door on the same line."""

    empty: Empty | None
    saver: str
    loader: str
    counts: Mapping[Outcome, int]
    heat: Heat
    reasons: tuple[Reason, ...]
    drifts: tuple[Drifting, ...]
    helps: tuple[Helping, ...]
    before: str | None
    after: str | None
    reverse: Mapping[Outcome, int]

    @property
    def tally(self) -> Tally:
        """All primary loads."""
        return Tally(counts=self.counts)

    @property
    def back(self) -> Tally:
        """Those of the other direction."""
        return Tally(counts=self.reverse)


def pair(known: Known, saver: Environment, loader: Environment) -> Page:
    """Return the page of a pair."""
    cube = known.cube
    mask = cube.where(savers=[saver.id], loaders=[loader.id])
    every = cube.where(savers=[saver.id], loaders=[loader.id], every_method=True)
    order = [one.id for one in known.environments]
    before, after = neighbours(loader.id, order)
    content = Pair(
        empty=None if (mask & cube.measured).any() else _nothing(known, saver, loader),
        saver=saver.id,
        loader=loader.id,
        counts=tally_of(cube.counts(mask)).counts,
        heat=_heat(known, mask, saver.id, loader.id),
        reasons=reasons(known, mask),
        drifts=_drifts(known, mask),
        helps=_helps(known, every),
        before=before,
        after=after,
        reverse=tally_of(cube.counts(cube.where(savers=[loader.id], loaders=[saver.id]))).counts,
    )
    return Page(
        template="pair",
        title=f"Saved in {label(saver.id)}, loaded in {label(loader.id)}",
        address=addresses.pair(saver.id, loader.id),
        nav=addresses.home(),
        trail=(("Matrix", addresses.home()),),
        content=content,
        csv=addresses.download("csv", saver=saver.id, loader=loader.id),
    )


def neighbours(one: str, order: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the names before and after one; ``None`` where the order ends, or does not have it."""
    if one not in order:
        return None, None
    place = order.index(one)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)


def _nothing(known: Known, saver: Environment, loader: Environment) -> Empty:
    if known.is_empty:
        return NOTHING_YET
    return Empty(
        title="Nothing measured here yet",
        text=f"No file that {label(saver.id)} saved was loaded in {label(loader.id)} so far. This measures what is missing.",
        command=f"tfmatrix run --environments {','.join(dict.fromkeys([saver.id, loader.id]))}",
    )


def _heat(known: Known, mask: Mask, saver: str, loader: str) -> Heat:
    cube = known.cube
    saved = {int(place) for place in np.unique(cube.model[mask])}
    models: list[Model] = [one for place, one in enumerate(known.models) if place in saved] or list(known.models)
    return heat(
        cube.counts(mask, "model", "format"),
        ("model", model_axis(known, models)),
        ("format", format_axis()),
        f"What {label(loader)} makes of each model that {label(saver)} saved, by format.",
        lambda model, format_: addresses.cell(saver, model, Format(format_), loader),
    )


def _drifts(known: Known, mask: Mask) -> tuple[Drifting, ...]:
    """The largest differences first."""
    found = [known.cube.row(int(place)) for place in np.flatnonzero(mask & (known.cube.outcome == DRIFT))]
    found.sort(key=lambda row: -(row.max_absolute or 0.0))
    titles = {one.id: one.title for one in known.models}
    return tuple(
        Drifting(
            model=row.model,
            title=titles[row.model],
            format=row.format,
            absolute=row.max_absolute,
            relative=row.max_relative,
            href=addresses.of_row(row),
        )
        for row in found
    )


def _helps(known: Known, every: Mask) -> tuple[Helping, ...]:
    """The methods by which a file passes that does not by its primary one, most helpful first."""
    cube = known.cube
    rows = np.flatnonzero(every & (cube.outcome == PASS))
    file = cube.model.astype(np.int64) * len(FORMATS) + cube.format
    fine = np.unique(file[rows[cube.primary[rows]]])
    rows = rows[~cube.primary[rows] & ~np.isin(file[rows], fine)]
    counts = np.bincount(cube.method[rows], minlength=len(METHODS))
    return tuple(
        Helping(
            method=METHODS[place],
            words=WAYS[METHODS[place]],
            files=int(counts[place]),
            formats=tuple(str(FORMATS[one]) for one in np.unique(cube.format[rows[cube.method[rows] == place]])),
            href=addresses.of_row(cube.row(int(rows[cube.method[rows] == place][0]))),
        )
        for place in np.argsort(-counts, kind="stable")
        if counts[place]
    )
