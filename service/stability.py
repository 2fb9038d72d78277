"""``tfmatrix stability``: how often a cell comes to something else when it is run again. Writes no cell."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console

from matrix.config import Settings
from matrix.errors import ExitCode, IncompleteError
from matrix.model import LOAD_VERSION, SAVE_VERSION, CellKey, CellRequest
from matrix.plan import LoadBatch, Plan, load_batches, load_tasks, make_plan
from matrix.results import CellResult
from matrix.runner import Runner
from matrix.stability import Sample, Seen, Stability, compare, draw, goes, seen
from matrix.store import Store
from service import wiring
from service.options import Json
from service.progress import RunProgress, if_interrupted
from service.snapshot import primary_of

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

NOT_KEPT = "what was loaded is not kept; the same command begins anew, with the same cells"


def stability(
    *,
    cells: Annotated[int, typer.Option(min=1, help="Known cells that are drawn.")] = 500,
    times: Annotated[int, typer.Option(min=1, help="How often each is run.")] = 10,
    seed: Annotated[int, typer.Option(help="Another number draws another sample.")] = 1,
    as_json: Json = False,
) -> None:
    """Run a random sample of the known cells again and again, and say which do not come to the same each time."""
    settings = Settings()
    with if_interrupted(err, NOT_KEPT), wiring.store(settings, create=False) as opened:
        plan, sample, known = _drawn(opened, cells=cells, seed=seed)
        if not sample.tasks:
            raise IncompleteError("No cell is known yet.", next_step="`tfmatrix run` measures some.")
        batches = _batches(plan, sample, times, settings.batch)
        runner_of = partial(Runner, settings, wiring.engine(settings), opened)
        found: list[CellResult] = []
        try:
            with (
                RunProgress(err if as_json else out) as progress,
                closing(runner_of(progress).look("again", batches)) as look,
            ):
                found.extend(finding for finding in look if isinstance(finding, CellResult))
        finally:  # what an interruption left is worth telling, too
            judged = compare(sample, known, found, times=times)
            if found:
                _tell(judged, seed=seed, as_json=as_json)
    if judged.unstable:
        raise typer.Exit(ExitCode.FINDINGS)
    if judged.incomplete:
        message = f"{len(judged.incomplete)} cells could not be run {times} times."
        raise IncompleteError(message, next_step="`tfmatrix doctor` names the fix.")


def _drawn(opened: Store, *, cells: int, seed: int) -> tuple[Plan, Sample, dict[CellKey, Seen]]:
    """Draw from all that is known of the environments of their own, by any method."""
    plan = make_plan(wiring.select(*wiring.DEFAULTS))
    rows = opened.read.matrix(plan.selection.environments, SAVE_VERSION, LOAD_VERSION, primary_of())
    requests = [
        CellRequest(saver=row.saver, model=row.model, format=row.format, loader=row.loader, method=row.method)
        for row in rows
        if row.verdict is not None
    ]
    tasks = {task.key: task for task in load_tasks(plan, opened.read.saves(plan.saves), requests)}
    known = opened.read.cells(list(tasks))
    sample = draw(tasks.values(), {key: one.verdict for key, one in known.items()}, cells=cells, seed=seed)
    return plan, sample, {task.key: seen(known[task.key]) for task in sample.tasks}


def _batches(plan: Plan, sample: Sample, times: int, size: int) -> list[LoadBatch]:
    """Return the batches of each time, one after the other."""
    return [batch for tasks in goes(sample, times) for batch in load_batches(plan, tasks, size)]


def _tell(judged: Stability, *, seed: int, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"schema": 1, "seed": seed, "rate": judged.rate, **asdict(judged)}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    for one in judged.unstable:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in one.verdicts.items())
        differs = f"known: {one.known.verdict}" if one.by_verdict else f"{one.fingerprints} kinds of failure"
        out.print(f"{_line(one.request)}: {counts} ({differs})", soft_wrap=True)
    by_verdict = sum(one.by_verdict for one in judged.unstable)
    out.print(
        f"{judged.cells} cells (seed {seed}), {judged.results} loads: {by_verdict} changed their verdict ({judged.rate:.2%}),"
        f" {len(judged.unstable) - by_verdict} only how they failed",
        soft_wrap=True,
    )
    if judged.timeouts_left_out:
        out.print(
            f"{judged.timeouts_left_out} timeouts were left out: each would take its whole limit {judged.times} times"
        )
    if judged.incomplete:
        out.print(f"{len(judged.incomplete)} cells were run less than {judged.times} times")


def _line(request: CellRequest) -> str:
    words: Sequence[str] = (request.saver, request.model, request.format, request.loader, "--method", request.method)
    return f"tfmatrix cell {' '.join(words)}"
