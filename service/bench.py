"""``tfmatrix bench``: what a cell costs the plain way, our way, and at the least, side by side on one core."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from images.bootstrap.engine import connect
from matrix.blobs import Blobs
from matrix.catalog import load_environments, load_models
from matrix.config import ROOT, Settings
from matrix.engines import Engine
from matrix.engines.docker import PROBE, DockerEngine
from matrix.errors import ExitCode
from matrix.lane import Finding, Lanes
from matrix.methods import primary_method
from matrix.model import CellKey, CellRequest, Environment, Format, Model
from matrix.plan import LoadBatch, LoadTask, SaveBatch, SaveTask
from matrix.processors import processors
from matrix.repeat import NEVER
from matrix.results import SaveResult
from matrix.runner import patience
from matrix.sandboxes import Sandboxes
from matrix.selection import select_environments, select_models
from service.options import Json

PLAIN_TO_OURS: Final = 12
OURS_TO_FLOOR: Final = 1.2
BENCH: Final = ROOT / "images" / "bench"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Seconds per cell of one environment, each way, everything included."""

    environment: str
    cells: int
    plain: float
    ours: float
    floor: float


def bench(
    *,
    environments: Annotated[str, typer.Option(help="Ids, globs, ranges.")] = "2.4,2.15,2.21",
    rounds: Annotated[
        int | None,
        typer.Option(min=1, help="How often a batch loads each of the ten core models; TFMATRIX_BATCH by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure seconds per cell: (a) a container each, (b) this project's batch, (c) fork, load and call alone."""
    out = Console(highlight=False)
    chosen = select_environments(environments, load_environments())
    rounds = rounds or max(1, Settings().batch // len(_models()))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for environment in chosen:
            out.print(f"{environment.id} …") if not as_json else None
            rows.append(_Bench(environment, Path(folder) / environment.id).row(rounds))
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, "rows": [asdict(row) for row in rows]}) + "\n")
    else:
        _print(out, rows, rounds)
    plain, ours, floor = (_mean(rows, key) for key in ("plain", "ours", "floor"))
    if plain / ours < PLAIN_TO_OURS or ours / floor > OURS_TO_FLOOR:
        raise typer.Exit(ExitCode.FINDINGS)


class _Bench:
    """One environment with the ten core models that it saved itself as HDF5, so that all three ways do the same."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o755)
        self._environment = environment
        self._folder = folder
        self._engine = DockerEngine(connect(), runtime=Settings().runtime)
        self._blobs = Blobs(folder / "blobs")
        self._processor = processors()[0]
        settings = Settings()
        sandboxes = bench_sandboxes(self._engine, folder, settings)
        self._lanes = Lanes(sandboxes, self._blobs, processors=(self._processor,), repeats=NEVER)
        self._tasks = self._save()

    def row(self, rounds: int) -> Row:
        """Measure the three ways, one after the other."""
        cells = [self._cell(task) for task in self._tasks]
        repeated = LoadBatch(environment=self._environment, tasks=tuple(self._tasks * rounds))
        (self._folder / "cells.json").write_text(json.dumps(cells * rounds), encoding="utf-8")
        plain = sum(_seconds(partial(self._run, "plain.py", cell)) for cell in cells)
        floor = _seconds(lambda: self._run("floor.py", ["/bench/cells.json"]))
        ours = _seconds(lambda: self._lanes.work(repeated, 0, lambda _finding: None))
        many = len(repeated.tasks)
        return Row(
            environment=self._environment.id, cells=many, plain=plain / len(cells), ours=ours / many, floor=floor / many
        )

    def _save(self) -> list[LoadTask]:
        models = _models()
        tasks = tuple(SaveTask(model=model.id, formats=(Format.H5,)) for model in models)
        found: list[Finding] = []
        self._lanes.work(SaveBatch(environment=self._environment, tasks=tasks), 0, found.append)
        saved = {one.key.model: one.artifact for one in found if isinstance(one, SaveResult)}
        digest, name = self._environment.recipe_digest, self._environment.id
        loads = []
        for model in models:
            method = primary_method(model, Format.H5)
            if (artifact := saved.get(model.id)) is not None:
                key = CellKey(artifact=artifact.sha256, loader=digest, method=method)
                request = CellRequest(saver=name, model=model.id, format=Format.H5, loader=name, method=method)
                loads.append(LoadTask(key=key, request=request, artifact=artifact))
        return loads

    def _cell(self, task: LoadTask) -> list[str]:
        inputs = task.artifact.inputs
        named = self._folder / f"{task.request.model}.h5"
        if not named.exists():
            self._blobs.link_into(task.artifact.sha256, self._folder, named.name)
        return [
            f"/bench/{named.name}",
            "h5",
            task.request.model,
            task.request.method.value,
            f"/bench/blobs/{inputs[:2]}/{inputs}",
        ]

    def _run(self, script: str, words: Sequence[str]) -> None:
        folders = {PROBE: "/probe", BENCH: "/scripts", self._folder: "/bench"}
        self._engine.run(self._environment, ["python", f"/scripts/{script}", *words], folders, self._processor)


def bench_sandboxes(engine: Engine, folder: Path, settings: Settings) -> Sandboxes:
    """Return what a benchmark's containers are opened by."""
    return Sandboxes(
        engine,
        inboxes=folder / "inbox",
        labels={"tfmatrix.bench": "1"},
        patience=patience(settings),
        memory=settings.container_memory,
    )


def _models() -> tuple[Model, ...]:
    """Return the core models: what is measured must stay the same when others join."""
    return select_models("core", load_models())


def _seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def _mean(rows: Sequence[Row], key: str) -> float:
    return sum(float(getattr(row, key)) for row in rows) / len(rows)


def _print(out: Console, rows: Sequence[Row], rounds: int) -> None:
    table = Table("seconds per cell", "(a) container each", "(b) our batch", "(c) floor", "(a)/(b)", "(b)/(c)")
    ways = ("plain", "ours", "floor")
    lines = [(row.environment, *(getattr(row, way) for way in ways)) for row in rows]
    for name, plain, ours, floor in [*lines, ("mean", *(_mean(rows, way) for way in ways))]:
        table.add_row(name, f"{plain:.3f}", f"{ours:.3f}", f"{floor:.3f}", f"{plain / ours:.1f}", f"{ours / floor:.2f}")
    out.print(table)
    out.print(
        f"(b) and (c): one container, each model {rounds} times, start, import and canary included; one core."
        f" To reach: (a)/(b) at least {PLAIN_TO_OURS}, (b)/(c) at most {OURS_TO_FLOOR}."
    )
