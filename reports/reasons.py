"""Why rows fail: those that come down to one cause together, however many texts it has. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from reports import addresses
from reports.cube import FORMATS, NOTHING, Mask, names
from reports.known import Known
from reports.ranges import spans

MOST: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """A cause in few words; how many cells and kinds of failure come down to it, and where.

    ``fingerprint`` is its most frequent kind, whose page is at ``href``; ``savers`` and ``loaders`` are ranges of versions.
    """

    cause: str
    cells: int
    kinds: int
    fingerprint: str
    href: str
    savers: str
    loaders: str
    formats: tuple[str, ...]
    models: tuple[str, ...]


def reasons(known: Known, mask: Mask, most: int | None = MOST) -> tuple[Reason, ...]:
    """Return why the rows of a mask that have an error have it, the most frequent cause first."""
    cube = known.cube
    rows = np.flatnonzero(mask & (cube.error != NOTHING))
    causes = known.cause_of_error[cube.error[rows]] if len(rows) else np.empty(0, np.int32)
    counts = np.bincount(causes, minlength=len(known.causes))
    order = sorted(np.flatnonzero(counts), key=lambda place: (-counts[place], place))
    return tuple(_reason(known, known.causes[place], rows[causes == place]) for place in order[:most])


def _reason(known: Known, cause: str, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Reason:
    cube = known.cube
    kinds, counts = np.unique(cube.error[rows], return_counts=True)
    fingerprint = cube.fingerprints[int(kinds[counts.argmax()])]
    ids = [one.id for one in cube.environments]
    return Reason(
        cause=cause,
        cells=len(rows),
        kinds=len(kinds),
        fingerprint=fingerprint,
        href=addresses.error(fingerprint),
        savers=spans(set(names(ids, cube.saver[rows])), ids),
        loaders=spans(set(names(ids, cube.loader[rows])), ids),
        formats=tuple(str(one) for one in names(FORMATS, cube.format[rows])),
        models=names([one.id for one in cube.models], cube.model[rows]),
    )
