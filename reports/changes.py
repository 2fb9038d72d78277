"""Two loaders beside each other: which files one loads and the other does not, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final

import numpy as np

from matrix.model import Format
from reports import addresses
from reports.cube import DRIFT, FORMATS, IS_FAILING, IS_MEASURED, NOTHING, PASS, Codes
from reports.known import Known
from reports.lines import line_of
from reports.ranges import spans


class Change(StrEnum):
    """What became of a file from one loader to the other, in the order in which it matters."""

    BROKE = "broke"
    DRIFTS = "drift now"
    FIXED = "fixed"
    FAILS_OTHERWISE = "fail otherwise"
    SAME = "the same"
    UNKNOWN = "not measured in both"


CHANGES: Final = tuple(Change)


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """Every file by the method that it calls for, in both loaders; one array for each column, all of one length.

    ``change`` is a place in ``CHANGES``; ``cause`` a place in ``known.causes`` (that of the loader in which it fails), minus
    one where there is none, and ``error`` likewise one of the cube's.
    """

    before: str
    after: str
    saver: Codes
    model: Codes
    format: Codes
    change: Codes
    cause: Codes
    error: Codes

    def counts(self) -> dict[Change, int]:
        """How many files of each kind of change there are."""
        return _counted(self.change)

    def by(self, column: Codes, places: int) -> list[dict[Change, int]]:
        """The same for each place on an axis."""
        flat = np.bincount(column.astype(np.intp) * len(CHANGES) + self.change, minlength=places * len(CHANGES))
        return [_named(row) for row in flat.reshape(places, len(CHANGES))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one version changed compared with the one before it on its line."""

    before: str
    after: str
    href: str
    counts: Mapping[Change, int]
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Files of one model in one format that changed in the same way for the same cause; ``savers`` as ranges."""

    change: Change
    model: str
    title: str
    format: Format
    files: int
    savers: str
    cause: str
    cause_href: str | None
    before_href: str
    after_href: str


def compare(known: Known, before: str, after: str) -> Compared:
    """Compare two loaders by everything that was saved."""
    cube = known.cube
    files = len(cube.environments) * len(cube.models) * len(FORMATS)
    outcome, error = np.full((2, files), NOTHING), np.full((2, files), NOTHING)
    for side, loader in enumerate((before, after)):
        here = np.flatnonzero(cube.primary & (cube.loader == cube.environment_at[loader]))
        file = (cube.saver[here].astype(np.intp) * len(cube.models) + cube.model[here]) * len(FORMATS) + cube.format[
            here
        ]
        outcome[side, file], error[side, file] = cube.outcome[here], cube.error[here]
    there = np.flatnonzero((outcome != NOTHING).all(axis=0))
    outcome, error = outcome[:, there], error[:, there]
    causes = np.append(known.cause_of_error, NOTHING)[error]
    change = _classified(outcome, causes)
    side = (change == CHANGES.index(Change.FIXED)).astype(np.intp)  # what was fixed is said by the loader that failed
    at = 1 - side, np.arange(len(there))
    return Compared(
        before=before,
        after=after,
        saver=there // (len(cube.models) * len(FORMATS)),
        model=there // len(FORMATS) % len(cube.models),
        format=there % len(FORMATS),
        change=change,
        cause=causes[at],
        error=error[at],
    )


def groups(known: Known, compared: Compared, change: Change, most: int | None = None) -> tuple[tuple[Group, ...], int]:
    """Return the files of one kind of change, those of the largest cause first, and how many groups these are."""
    rows = np.flatnonzero(compared.change == CHANGES.index(change))
    models, cause = len(known.models), compared.cause[rows]
    sizes = np.bincount(cause + 1, minlength=len(known.causes) + 1)
    key = ((cause.astype(np.int64) + 1) * models + compared.model[rows]) * len(FORMATS) + compared.format[rows]
    order = np.lexsort([compared.saver[rows], key, -sizes[cause + 1]])
    parts = np.split(rows[order], np.flatnonzero(np.diff(key[order])) + 1) if len(rows) else []
    return tuple(_group(known, compared, part, change) for part in parts[:most]), len(parts)


@lru_cache(maxsize=1)  # every pair of loaders has the same beside it, and it takes as long as the rest of the page
def steps(known: Known) -> tuple[Step, ...]:
    """Return what each version that something is known of broke and fixed, along each line, newest first."""
    measured = set(known.cube.loader[known.cube.measured].tolist())
    along = [one.id for one in known.environments if known.cube.environment_at[one.id] in measured]
    pairs = [pair for _, line in groupby(along, key=line_of) for pair in reversed(list(pairwise(line)))]
    return tuple(step(known, before, after) for before, after in pairs)


def step(known: Known, before: str, after: str) -> Step:
    """Return what one version changed, and why most of what broke did."""
    compared = compare(known, before, after)
    broke = compared.cause[(compared.change == CHANGES.index(Change.BROKE)) & (compared.cause != NOTHING)]
    return Step(
        before=before,
        after=after,
        href=addresses.changes(before=before, after=after),
        counts=compared.counts(),
        cause=known.causes[int(np.bincount(broke).argmax())] if len(broke) else "",
    )


def _classified(outcome: Codes, causes: Codes) -> Codes:
    was, now = outcome
    failed, fails = IS_FAILING[was], IS_FAILING[now]
    return np.select(
        [
            ~(IS_MEASURED[was] & IS_MEASURED[now]),
            ~failed & fails,
            (was != DRIFT) & (now == DRIFT),
            (was != PASS) & (now == PASS),
            failed & fails & ((was != now) | (causes[0] != causes[1])),
        ],
        [
            CHANGES.index(one)
            for one in (Change.UNKNOWN, Change.BROKE, Change.DRIFTS, Change.FIXED, Change.FAILS_OTHERWISE)
        ],
        CHANGES.index(Change.SAME),
    )


def _group(known: Known, compared: Compared, rows: Codes, change: Change) -> Group:
    first, ids = int(rows[0]), [one.id for one in known.cube.environments]
    model, format_ = known.models[compared.model[first]], FORMATS[compared.format[first]]
    cause, error = int(compared.cause[first]), int(compared.error[first])
    saver = ids[compared.saver[first]]
    before, after = (addresses.cell(saver, model.id, format_, loader) for loader in (compared.before, compared.after))
    return Group(
        change=change,
        model=model.id,
        title=model.title,
        format=format_,
        files=len(rows),
        savers=spans({ids[place] for place in compared.saver[rows]}, ids),
        cause="" if cause == NOTHING else known.causes[cause],
        cause_href=None if error == NOTHING else addresses.error(known.cube.fingerprints[error]),
        before_href=before,
        after_href=after,
    )


def _counted(change: Iterable[int]) -> dict[Change, int]:
    return _named(np.bincount(np.asarray(change, dtype=np.intp), minlength=len(CHANGES)))


def _named(counts: Codes) -> dict[Change, int]:
    return {one: int(many) for one, many in zip(CHANGES, counts, strict=True) if many}
