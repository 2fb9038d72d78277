"""How long an upload may wait for its row, and take for it: by the turns that were given, and how fast rows fill. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median, median_low
from typing import Final

ENOUGH: Final = 2
"""After so many environments a row has a pace of its own."""

_COARSE: Final = 5
"""Seconds that are more than a few are told in steps of so many: nobody knows them better."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """An upload whose row is not complete: ``planned`` environments (0: not known yet), of which so many are tried.

    ``tried`` counts those of them that were tried since ``began``, when its row had its first turn, and ``known`` all.
    """

    id: str
    content: str
    planned: int
    known: int
    tried: int
    began: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """How many rows are before an upload's, and in about how many seconds its own may be complete, where that is known."""

    ahead: int = 0
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A row that was filled: how long that took from its first turn, and in how many environments."""

    seconds: float
    environments: int


def waits(line: Sequence[Waiting], recent: Sequence[Filled], now: datetime) -> Mapping[str, Wait]:
    """Return the waits of uploads in line. The first is served, at its own pace; the others will be, at that of recent rows."""
    pace = median(one.seconds / one.environments for one in recent) if recent else None
    length = median_low([one.environments for one in recent]) if recent else 0
    found: dict[str, Wait] = {}
    counted: set[str] = set()
    before: float | None = 0.0
    for ahead, one in enumerate(line):
        own = None if ahead else _pace(one, now)
        pace = own if pace is None else pace
        left = 0.0 if one.content in counted else _left(one, own or pace, length)
        counted.add(one.content)  # of the same files what is found once is known
        before = None if before is None or left is None else before + left
        found[one.id] = Wait(ahead=ahead, seconds=None if before is None else _about(before))
    return found


def _pace(one: Waiting, now: datetime) -> float | None:
    """Seconds that each environment took since the row had its first turn."""
    if one.began is None or one.tried < ENOUGH:
        return None
    return max(0.0, (now - one.began).total_seconds()) / one.tried


def _left(one: Waiting, pace: float | None, length: int) -> float | None:
    planned = one.planned or length
    return None if pace is None or not planned else max(0, planned - one.known) * pace


def _about(seconds: float) -> float:
    return float(max(1, round(seconds)) if seconds < 2 * _COARSE else _COARSE * round(seconds / _COARSE))
