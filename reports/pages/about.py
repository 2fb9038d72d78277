"""How it is measured, in figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from matrix.model import LOAD_VERSION, SAVE_VERSION, Format
from reports import addresses
from reports.cost import WHAT, Cost
from reports.cube import NOTHING, VERDICTS, Cube, tally_of
from reports.grid import Outcome
from reports.known import Known
from reports.pages.page import Page

AGES: Final = (("last day", 1), ("last week", 7), ("last month", 30), ("last year", 365))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fresh:
    """The share of cells seen within so many days, in per cent."""

    within: str
    cells: int
    share: int


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The page's figures. A cell is counted once, also where several savers wrote the same bytes; shares are from 0 to 1.

    ``repeated`` cells were measured twice before they counted; ``differed`` gave another verdict the second time.
    """

    environments: int
    models: int
    cells: int
    loads: int
    counts: Mapping[Outcome, int]
    errors: int
    causes: int
    repeated: int
    differed: int
    cost: Cost
    per_cell: float | None
    per_save: float | None
    core_hours: float
    known_share: float | None
    spent: Mapping[str, float]
    oldest: datetime | None
    newest: datetime | None
    fresh: tuple[Fresh, ...]
    engine: str | None
    processor: str | None
    versions: Mapping[str, str]
    badge: str


def about(known: Known, now: datetime) -> Page:
    """Return the page; ages are counted back from ``now``."""
    cube, cost = known.cube, known.cost
    own = cube.own
    at = cube.at[own]
    repeated = own & (cube.repeated != NOTHING)
    content = About(
        environments=len(known.environments),
        models=len(known.models),
        cells=int(own.sum()),
        loads=int(cube.measured.sum()),
        counts=tally_of(cube.counts(cube.where())).counts,
        errors=len(known.kinds),
        causes=len(known.causes),
        repeated=int(repeated.sum()),
        differed=_differed(cube, repeated),
        cost=cost,
        per_cell=cost.per_cell,
        per_save=cost.per_save,
        core_hours=cost.core_hours,
        known_share=cost.known_share,
        spent={WHAT.get(name, name): share for name, share in cost.shares.items()},
        oldest=datetime.fromtimestamp(int(at.min()), UTC) if len(at) else None,
        newest=datetime.fromtimestamp(int(at.max()), UTC) if len(at) else None,
        fresh=tuple(_fresh(words, days, at, now) for words, days in AGES) if len(at) else (),
        engine=known.header.engine,
        processor=known.header.host_cpu,
        versions={**known.header.versions, "saving code": str(SAVE_VERSION), "loading code": str(LOAD_VERSION)},
        badge=_badge(known),
    )
    return Page(
        template="about", title="How it is measured", address=addresses.about(), nav=addresses.about(), content=content
    )


def _differed(cube: Cube, repeated: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """How many gave another verdict when they were repeated."""
    outcome_of = np.array([[*Outcome].index(Outcome(verdict.value)) for verdict in VERDICTS])
    return int((outcome_of[cube.repeated[repeated]] != cube.outcome[repeated]).sum())


def _fresh(words: str, days: int, at: np.ndarray[tuple[int], np.dtype[np.int64]], now: datetime) -> Fresh:
    cells = int((at >= now.timestamp() - days * 86_400).sum())
    return Fresh(within=words, cells=cells, share=cells * 100 // len(at))


def _badge(known: Known) -> str:
    """A badge to show what one looks like."""
    newest = [one for one in known.environments if one.base is None][-1]
    return addresses.badge(known.models[0].id, next(iter(Format)), newest.id)
