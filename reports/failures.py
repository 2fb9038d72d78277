"""Kinds of failure counted over the matrix, and searched. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from reports.assembly import Kind
from reports.cube import FORMATS, NOTHING, Codes
from reports.known import Known
from reports.ranges import spans

_WORDS: Final = re.compile(r'"([^"]+)"?|(\S+)')
_CAUSE_LETTERS: Final = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted:
    """For each of the cube's errors: how many cells fail with it, and how many saves."""

    cells: Codes
    saves: Codes

    @property
    def all(self) -> Codes:
        """Both together: what lists are ordered by."""
        return self.cells + self.saves


@dataclass(frozen=True, kw_only=True, eq=False)
class Where:
    """For each of the cube's errors the environments in which it occurs, as a table of yes and no."""

    ids: tuple[str, ...]
    savers: Codes
    loaders: Codes

    def words(self, errors: Codes) -> tuple[str, str]:
        """Savers and loaders of some errors together, as ranges of versions."""
        return self._spans(self.savers[errors]), self._spans(self.loaders[errors])

    def _spans(self, there: Codes) -> str:
        return spans({self.ids[int(place)] for place in np.flatnonzero(there.any(axis=0))}, self.ids)


def counted(known: Known) -> Counted:
    """Count each error: loads that ended with it, whatever the method, and saves, once whatever may have loaded them."""
    cube, many = known.cube, len(known.cube.fingerprints)
    loaded = (cube.error != NOTHING) & (cube.rung != NOTHING)
    unsaved = (cube.error != NOTHING) & (cube.rung == NOTHING)
    file = (cube.saver.astype(np.int64) * len(cube.models) + cube.model) * len(FORMATS) + cube.format
    _, first = np.unique(file[unsaved], return_index=True)
    return Counted(
        cells=np.bincount(cube.error[loaded], minlength=many),
        saves=np.bincount(cube.error[unsaved][first], minlength=many),
    )


def where(known: Known) -> Where:
    """Return where each error occurs."""
    cube = known.cube
    savers = np.zeros((len(cube.fingerprints), len(cube.environments)), dtype=bool)
    loaders = savers.copy()
    there = cube.error != NOTHING
    savers[cube.error[there], cube.saver[there]] = True
    there &= cube.rung != NOTHING
    loaders[cube.error[there], cube.loader[there]] = True
    return Where(ids=tuple(one.id for one in cube.environments), savers=savers, loaders=loaders)


def search(kinds: Mapping[str, Kind], fingerprints: Iterable[str], query: str) -> list[bool]:
    """Return for each fingerprint whether its class and message have every word of a query, whatever the case.

    What stands in double quotes is searched for as it is. A fingerprint's own beginning finds it, too.
    """
    words = [phrase or word for phrase, word in _WORDS.findall(query.lower())]
    return [_has(kinds.get(one), one, words) for one in fingerprints]


def stand_ins(known: Known) -> dict[str, str]:
    """Return for each cause of which there is a row its most frequent kind, by fingerprint."""
    count = counted(known).all
    found: dict[str, str] = {}
    for place in np.argsort(-count, kind="stable"):
        if count[place]:
            found.setdefault(known.causes[known.cause_of_error[place]], known.cube.fingerprints[place])
    return found


def slug(cause: str) -> str:
    """Return a short name of a cause, fit for an address: it stays the same as long as the cause's words do."""
    return hashlib.sha256(cause.encode()).hexdigest()[:_CAUSE_LETTERS]


def _has(kind: Kind | None, fingerprint: str, words: list[str]) -> bool:
    if kind is None:
        return not words
    text = f"{kind.exception}: {kind.message}".lower()
    return all(word in text or (len(word) >= _CAUSE_LETTERS - 2 and fingerprint.startswith(word)) for word in words)
