"""``tfmatrix run --dry-run``: what a plan asks for, how much of it is known, and how long the rest may take."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Final

from rich.console import Console

from matrix.config import Settings
from matrix.model import Format, SaveKey
from matrix.plan import Plan, load_batches, load_tasks, save_batches
from service import wiring

SECONDS_PER_CELL: Final = 0.25
SECONDS_PER_SAVE: Final = 2.0
SECONDS_PER_CONTAINER: Final = 6.0
"""Used until this machine has measured its own; docs/method.md says where they come from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The size of a plan. Cells of saves that have not run yet are counted as if every save gave an artifact."""

    saves: int
    saves_known: int
    cells: int
    cells_known: int
    containers: int
    seconds: float


def estimate(settings: Settings, plan: Plan) -> Estimate:
    """Return how much there is to do, from what is known."""
    opened = wiring.known_or_none(settings)
    known_saves = opened.read.saves(plan.saves) if opened else {}
    tasks = load_tasks(plan, known_saves)
    known_cells = opened.read.known_cells([task.key for task in tasks]) if opened else set()
    per_cell = (opened.read.seconds_per_cell() if opened else None) or SECONDS_PER_CELL
    per_save = (opened.read.seconds_per_save() if opened else None) or SECONDS_PER_SAVE
    if opened:
        opened.close()
    missing = [key for key in plan.saves if key not in known_saves]
    runnable = [task for task in tasks if task.key not in known_cells]
    cells = len(runnable) + _cells_of(plan, missing)
    loaders = len(plan.selection.environments)
    containers = len(save_batches(plan, missing)) + max(
        len(load_batches(plan, runnable, settings.batch)), min(cells, loaders)
    )
    busy = len(missing) * per_save + cells * per_cell + containers * SECONDS_PER_CONTAINER
    return Estimate(
        saves=len(plan.saves),
        saves_known=len(known_saves),
        cells=len(tasks) + _cells_of(plan, missing),
        cells_known=len(known_cells),
        containers=containers,
        seconds=busy / settings.lanes_in_memory,
    )


def show(out: Console, settings: Settings, plan: Plan, *, as_json: bool) -> None:
    """Print the estimate."""
    found = estimate(settings, plan)
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, "selection": plan.selection.words(), **asdict(found)}) + "\n")
        return
    for name, words in plan.selection.words().items():
        out.print(f"{name:13} {len(words):3}  {', '.join(words)}", soft_wrap=True)
    out.print(f"{'saves':13} {found.saves}, of which {found.saves_known} are known")
    out.print(f"{'cells':13} at most {found.cells}, of which {found.cells_known} are known")
    lanes = settings.lanes_in_memory
    out.print(f"{'expected':13} {found.seconds / 60:.1f} min: {found.containers} containers, {lanes} side by side")


def _cells_of(plan: Plan, missing: list[SaveKey]) -> int:
    digests = {one.id: one.recipe_digest for one in plan.selection.environments}
    wanted: set[tuple[str, str, Format]] = {(key.model, key.saver, key.format) for key in missing}
    return sum((one.model, digests[one.saver], one.format) in wanted for one in plan.requests)
