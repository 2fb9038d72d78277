"""How much is made up, and when its nights were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from matrix.selection import BASE

SECONDS_PER_CELL = 0.18
LANES = 2
NEWCOMER_AT = 200 / 365
BROKEN_AT = (0.23, 0.51, 0.82)


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """What is asked for. Models are the real ones, as many of them as it takes to have so many cells.

    ``changes`` is the share of cells whose finding changes in a night; ``start`` is the day of the first night.
    """

    cells: int = 100_000
    nights: int = 365
    seed: int = 1
    environments: str = BASE
    changes: float = 0.0005
    start: date = date(2025, 11, 25)

    @property
    def newcomer_night(self) -> int:
        """The night in which the newest environment is measured for the first time."""
        return max(1, round(self.nights * NEWCOMER_AT))

    @property
    def broken_nights(self) -> tuple[int, ...]:
        """The nights in which one environment could not load its own canary; neither the first nor the last."""
        among = (max(2, round(self.nights * share)) for share in BROKEN_AT)
        return tuple(dict.fromkeys(night for night in among if night < self.nights))

    @property
    def night_seconds(self) -> float:
        """How long a night takes."""
        return max(60.0, self.cells * SECONDS_PER_CELL / LANES)

    def moment(self, night: int, share: float = 0.0) -> datetime:
        """When so much of a night was done, from 0 to 1."""
        began = datetime.combine(self.start, time(1), UTC) + timedelta(days=night - 1)
        return began + timedelta(seconds=round(share * self.night_seconds, 3))
