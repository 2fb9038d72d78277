"""What was known as of each run, and what is different between two: counted in arrays of every state. Pure.

A state holds from its first run until another state of the same cell begins. Where our harness broke says nothing about
TensorFlow: such a state counts only where nothing else was known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reports.cube import FORMATS, METHODS, OUTCOMES
from reports.grid import Outcome

NONE: Final = -1
"""Stands where there is no state."""

Codes = NDArray[Any]

_BROKEN: Final = OUTCOMES.index(Outcome.HARNESS_BROKEN)
_ENVIRONMENTS: Final = 1 << 12
"""More than there will ever be: keys are put together from numbers below this."""


class Different(NamedTuple):
    """Keys that are not what they were: the place of the state before, or minus one, and that of the state after."""

    was: Codes
    now: Codes

    @property
    def is_new(self) -> Codes:
        """Those of which nothing was known before."""
        found: Codes = self.was == NONE
        return found


class Track:
    """States in the order of their keys, and for each key in that of time; what our harness broke comes before the rest."""

    def __init__(self, states: Codes, key: Codes, finding: tuple[str, ...]) -> None:
        known = states["outcome"] != _BROKEN
        order = np.lexsort([states["id"], known, key])
        self.states = states[order]
        self.key = key[order]
        self.known = known[order]
        self.first_run = self.states["first_run"]
        self._finding = finding

    def as_of(self, run: int) -> Codes:
        """The places of the states that were known when a run had ended, one for each key that was known."""
        there = np.flatnonzero(self.first_run <= run)
        return there[_last_of_each(self.key[there])]

    def between(self, before: int, after: int) -> Different:
        """What is different after a run from what it was after an earlier one."""
        was, now = self.as_of(before), self.as_of(after)
        return self._different(was, now)

    def of_run(self, run: int) -> Different:
        """What a run found that was not known before it."""
        return self.between(run - 1, run)

    @cached_property
    def begun(self) -> Codes:
        """For each run, by number, how many states began with it."""
        return np.bincount(self.first_run) if len(self.first_run) else np.zeros(1, dtype=np.intp)

    @cached_property
    def changed(self) -> Codes:
        """For each run, by number, how many keys it found other than they were known: states that follow another."""
        follows = np.zeros(len(self.key), dtype=bool)
        places = np.arange(len(self.key))
        follows[1:] = (self.key[1:] == self.key[:-1]) & self.known[1:] & self.known[:-1]
        follows[1:] &= self._unequal(places[:-1], places[1:])
        return np.bincount(self.first_run[follows], minlength=len(self.begun))

    def _different(self, was: Codes, now: Codes) -> Different:
        place = np.searchsorted(self.key[was], self.key[now])
        found = place < len(was)
        found[found] = self.key[was[place[found]]] == self.key[now[found]]
        before = np.full(len(now), NONE)
        before[found] = was[place[found]]
        differs = ~found
        differs[found] = self._unequal(before[found], now[found])
        return Different(was=before[differs], now=now[differs])

    def _unequal(self, one: Codes, other: Codes) -> Codes:
        unequal = np.zeros(len(one), dtype=bool)
        for name in self._finding:
            unequal |= self.states[name][one] != self.states[name][other]
        return unequal


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Every state of every save and cell, as ``reports.assembly`` holds them; ``primary`` is a method by model and format."""

    saves: Codes
    cells: Codes
    primary: Codes

    @cached_property
    def of_saves(self) -> Track:
        """The states of saves; a key is a saver, a model and a format."""
        return Track(self.saves, self._file(self.saves), ("outcome", "artifact", "error"))

    @cached_property
    def of_cells(self) -> Track:
        """The states of cells; a key is an artifact, a loader and a method.

        Of an artifact whose save is not held nobody could say what it is: its model is gone, or other code of ours saved it.
        """
        cells = self.cells[self.save_of_artifact[self.cells["artifact"]] != NONE]
        key = cells["artifact"].astype(np.int64) * _ENVIRONMENTS + cells["loader"]
        return Track(cells, key * len(METHODS) + cells["method"], ("outcome", "rung", "error"))

    @cached_property
    def save_of_artifact(self) -> Codes:
        """For each artifact the place in ``saves`` of the newest save that wrote it; minus one where none is held."""
        made = np.flatnonzero(self.saves["artifact"] != NONE)
        most = int(max(self.saves["artifact"].max(initial=NONE), self.cells["artifact"].max(initial=NONE)))
        found = np.full(most + 1, NONE)
        # Of savers that wrote the same bytes the first counts, as in the matrix; a current save before an older one.
        order = np.lexsort([-self._file(self.saves)[made], self.saves["current"][made]])
        found[self.saves["artifact"][made[order]]] = made[order]
        return found

    def _file(self, saves: Codes) -> Codes:
        models = max(1, len(self.primary))
        file = saves["saver"].astype(np.int64) * models + saves["model"]
        found: Codes = file * len(FORMATS) + saves["format"]
        return found


_FIELDS: Final = [
    (name, "i4") for name in ("id", "saver", "model", "format", "outcome", "artifact", "error", "first_run")
]
_CELL_FIELDS: Final = [
    (name, "i4") for name in ("id", "artifact", "loader", "method", "outcome", "rung", "error", "first_run")
]
NO_HISTORY: Final = History(
    saves=np.empty(0, [*_FIELDS, ("current", "?")]),
    cells=np.empty(0, [*_CELL_FIELDS, ("current", "?")]),
    primary=np.empty((0, len(FORMATS)), dtype=np.int8),
)
"""That of a matrix of which only the present is known."""


def _last_of_each(keys: Codes) -> Codes:
    """The places of the last of equal neighbours."""
    last = np.ones(len(keys), dtype=bool)
    last[:-1] = keys[1:] != keys[:-1]
    return last
