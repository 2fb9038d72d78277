"""``--dry-run``: what a plan asks for, how much of it is known, and what the rest may cost.

Of the first methods every cell is counted. Further methods are tried only where these do not pass, so that of their cells
only a bound is known.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from rich.console import Console

from matrix.config import Settings
from matrix.methods import further_cells
from matrix.model import CellKey, CellRequest, SaveKey
from matrix.plan import Plan, load_tasks
from matrix.results import SaveResult
from matrix.store import Store
from service import wiring

SECONDS_PER_CELL: Final = 0.25
SECONDS_PER_SAVE: Final = 2.0
SECONDS_PER_CONTAINER: Final = 6.0
"""Used until this machine has measured its own; docs/method.md says where they come from."""

ENOUGH: Final = 200
"""Saves or cells from which on what the runs of this machine noted says more than the numbers above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Core-seconds for each. Those measured by whole runs hold their containers, which then cost nothing more."""

    cell: float = SECONDS_PER_CELL
    save: float = SECONDS_PER_SAVE
    container: float = SECONDS_PER_CONTAINER
    measured: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many of something a plan asks for, and how many of these are known."""

    all: int
    known: int

    @property
    def missing(self) -> int:
        """How many have to run."""
        return self.all - self.known


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The size of a plan. Cells of saves that have not run yet are counted as if every save gave an artifact.

    ``cells`` are those of the first methods, ``further`` bounds the rest from above. Seconds are of the clock, with
    all lanes busy; ``most`` are those when every further cell is asked for, too.
    """

    saves: int
    saves_known: int
    cells: int
    cells_known: int
    further: int
    further_known: int
    containers: int
    lanes: int
    seconds: float
    most_seconds: float
    measured: bool

    @property
    def core_hours(self) -> float:
        """What the first methods cost."""
        return self.seconds * self.lanes / 3600

    @property
    def most_core_hours(self) -> float:
        """What everything costs at most."""
        return self.most_seconds * self.lanes / 3600


def estimate(settings: Settings, plan: Plan) -> Estimate:
    """Return how much there is to do, from what is known."""
    further = further_requests(plan)
    opened = wiring.known_or_none(settings)
    if opened is None:
        return sized(plan, further, {}, set(), Rates(), settings)
    with opened:
        saves = opened.read.saves(plan.saves)
        tasks = load_tasks(plan, saves, [*plan.requests, *further])
        known = opened.read.known_cells([task.key for task in tasks])
        rates = _rates(opened)
    return sized(plan, further, saves, known, rates, settings)


def _rates(opened: Store) -> Rates:
    """Return what whole runs came to; where they noted too little, the means of what was measured."""
    cost = wiring.cost(opened)
    per_cell, per_save = opened.read.seconds_per_cell(), opened.read.seconds_per_save()
    save = cost.per_save if cost.per_save is not None and cost.saves >= ENOUGH else per_save or SECONDS_PER_SAVE
    if cost.per_cell is not None and cost.cells >= ENOUGH:
        return Rates(cell=cost.per_cell, save=save, container=0.0, measured=True)
    return Rates(cell=per_cell or SECONDS_PER_CELL, save=save, measured=per_cell is not None)


def further_requests(plan: Plan) -> list[CellRequest]:
    """Return every cell of the plan's further methods, whatever comes of the first."""
    models = {model.id: model for model in plan.selection.models}
    environments = {environment.id: environment for environment in plan.selection.environments}
    asked = set(plan.requests)
    possible = dict.fromkeys(further_cells(plan.requests, models, environments))
    return [one for one in possible if one.method in plan.selection.methods and one not in asked]


def sized(  # noqa: PLR0913, PLR0917  all that an estimate follows from
    plan: Plan,
    further: Iterable[CellRequest],
    saves: Mapping[SaveKey, SaveResult],
    known: Collection[CellKey],
    rates: Rates,
    settings: Settings,
) -> Estimate:
    """Return the size of a plan of which these saves and cells are known. Pure."""
    missing_saves = [key for key in plan.saves if key not in saves]
    first, more = (_count(plan, requests, saves, known) for requests in (plan.requests, further))
    loaders = len(plan.selection.environments)
    containers = len({key.saver for key in missing_saves}) + _containers(first.missing, loaders, settings.batch)
    lanes = settings.lanes_in_memory
    busy = len(missing_saves) * rates.save + first.missing * rates.cell + containers * rates.container
    most = busy + more.missing * rates.cell + _containers(more.missing, loaders, settings.batch) * rates.container
    return Estimate(
        saves=len(plan.saves),
        saves_known=len(plan.saves) - len(missing_saves),
        cells=first.all,
        cells_known=first.known,
        further=more.all,
        further_known=more.known,
        containers=containers,
        lanes=lanes,
        seconds=busy / lanes,
        most_seconds=most / lanes,
        measured=rates.measured,
    )


def show(out: Console, settings: Settings, plan: Plan, *, as_json: bool) -> None:
    """Print the estimate."""
    found = estimate(settings, plan)
    if as_json:
        derived = {"core_hours": found.core_hours, "most_core_hours": found.most_core_hours}
        document = {"schema": 1, "selection": plan.selection.words(), **asdict(found), **derived}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    for name, words in plan.selection.words().items():
        out.print(f"{name:13} {len(words):3}  {', '.join(words)}", soft_wrap=True)
    source = "as measured on this machine" if found.measured else "as measured elsewhere"
    for name, text in (
        ("saves", f"{found.saves:,}, of which {found.saves_known:,} are known"),
        ("cells", f"{found.cells:,} by the first methods, of which {found.cells_known:,} are known"),
        ("", f"at most {found.further:,} by others, where these do not pass; {found.further_known:,} are known"),
        ("core-hours", f"{found.core_hours:.2f}, with all others at most {found.most_core_hours:.2f}; {source}"),
        (
            "minutes",
            f"{found.seconds / 60:.1f}, at most {found.most_seconds / 60:.1f}: {found.lanes} lanes side by side",
        ),
    ):
        out.print(f"{name:13} {text}", soft_wrap=True)


def _count(
    plan: Plan, requests: Iterable[CellRequest], saves: Mapping[SaveKey, SaveResult], known: Collection[CellKey]
) -> Count:
    """Count cells whose save gave an artifact, each once, and those whose save has yet to run."""
    requests = list(requests)
    digests = {one.id: one.recipe_digest for one in plan.selection.environments}
    waiting = sum(
        SaveKey(model=one.model, saver=digests[one.saver], format=one.format) not in saves for one in requests
    )
    keys = {task.key for task in load_tasks(plan, saves, requests)}
    return Count(all=len(keys) + waiting, known=len(keys & set(known)))


def _containers(cells: int, loaders: int, batch: int) -> int:
    return max(-(-cells // batch), min(cells, loaders))
