"""What measuring cost, from what the runs noted about themselves. Pure.

A lane is one processor, so the seconds of all lanes are seconds of cores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

LOADING: Final = ("together", "alone", "repeated")
WHAT: Final = {
    "started": "containers start and prove themselves",
    "saved": "models are built and saved",
    "together": "cells in company",
    "alone": "cells in a process of their own",
    "repeated": "repeats in a fresh process",
    "other": "the rest",
}
"""What a lane's seconds are spent on, in the order in which a batch spends them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What runs cost together. ``unknown`` runs noted nothing: they still run, or were killed.

    ``known`` cells were asked for and not run again; ``None`` where no run noted it.
    """

    runs: int
    unknown: int
    saves: int
    cells: int
    known: int | None
    seconds: Mapping[str, float]

    @property
    def core_hours(self) -> float:
        """All of it."""
        return sum(self.seconds.values()) / 3600

    @property
    def per_cell(self) -> float | None:
        """Core-seconds per cell: loading, with its share of what saves and loads have in common."""
        return self._each(self._loading, self.cells)

    @property
    def per_save(self) -> float | None:
        """Core-seconds per save, with its share of what saves and loads have in common."""
        return self._each(self.seconds.get("saved", 0.0), self.saves)

    @property
    def known_share(self) -> float | None:
        """The share of the cells asked for that were known, from 0 to 1."""
        asked = (self.known or 0) + self.cells
        return None if self.known is None or not asked else self.known / asked

    @property
    def shares(self) -> dict[str, float]:
        """Where the time goes, each from 0 to 1."""
        whole = sum(self.seconds.values())
        order = [*(name for name in WHAT if name in self.seconds), *(self.seconds.keys() - WHAT.keys())]
        return {name: self.seconds[name] / whole for name in order} if whole else {}

    @property
    def sentence(self) -> str | None:
        """One line; nothing where no cell was run."""
        if self.per_cell is None:
            return None
        return f"{self.per_cell:.2f} core-seconds per cell, {self.core_hours:.2f} core-hours for {self.cells:,} cells"

    @property
    def _loading(self) -> float:
        return sum(self.seconds.get(name, 0.0) for name in LOADING)

    def _each(self, own: float, count: int) -> float | None:
        """Seconds for each, with a share of what is nobody's own in proportion to what is."""
        owned = self._loading + self.seconds.get("saved", 0.0)
        if not count or not owned:
            return None
        return sum(self.seconds.values()) * own / owned / count


def cost_of(noted: Iterable[Mapping[str, Any] | None]) -> Cost:
    """Add up what runs noted, finished or interrupted."""
    noted = list(noted)
    known = [one for one in noted if one is not None]
    seconds: Counter[str] = Counter()
    for one in known:
        seconds.update(one.get("lane_seconds", {}))
    counted = [one["known"] for one in known if "known" in one]
    return Cost(
        runs=len(known),
        unknown=len(noted) - len(known),
        saves=sum(one.get("saves", 0) for one in known),
        cells=sum(one.get("cells", 0) for one in known),
        known=sum(counted) if counted else None,
        seconds=dict(seconds),
    )
