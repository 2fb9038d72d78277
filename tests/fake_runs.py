"""Runs without an engine: every image is there, and what the lanes find is made up.

As a program it is ``tfmatrix`` with such runs. Files in the home folder say what goes wrong: ``no-engine``, that none
answers; ``hold``, that the lanes do not go on; ``fault``, that they raise what nobody expects.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from matrix.config import Settings
from matrix.errors import EngineError
from matrix.lane import Spent
from matrix.model import CellKey, Method, SaveKey
from matrix.plan import LoadBatch, SaveBatch
from matrix.results import CellResult
from matrix.runner import Runner, Summary
from service import cli, measuring, serve, wiring
from tests.store_samples import artifact, cell, failed_cell, save


class FakeEngine:
    """Has every image."""

    isolates = True

    def missing(self, _environments: object) -> dict[str, str]:
        return {}

    def name(self) -> str:
        return "fake"

    def reap(self, _label: str) -> None: ...


class FakeLanes(Runner):
    """A runner whose lanes find that tf2.9 loads its own file only by default, and others' by ``weights``."""

    measured: list[CellKey]

    def _measure(self, batches: Sequence[SaveBatch | LoadBatch], summary: Summary, lanes: Any) -> None:
        del lanes
        for batch in batches:
            for one in batch.tasks:
                for finding in self._find(batch, one):
                    self._record(finding, summary)
            self._record(Spent(environment=batch.environment, seconds={"alone": 1.5}), summary)

    def _find(self, batch: SaveBatch | LoadBatch, task: Any) -> Iterator[Any]:
        if isinstance(batch, SaveBatch):
            saver = batch.environment
            for format_ in task.formats:
                key = SaveKey(model=task.model, saver=saver.recipe_digest, format=format_)
                yield replace(save(), key=key, artifact=artifact(saver.id, task.model))
            return
        self.measured.append(task.key)
        yield self._load_one(task)

    def _load_one(self, task: Any) -> CellResult:
        fails = task.request.loader == "tf2.9" != task.request.saver and task.key.method is not Method.WEIGHTS
        return failed_cell("unknown layer", key=task.key) if fails else cell(key=task.key)


class ToldLanes(FakeLanes):
    """Lanes that look into the home folder for what goes wrong."""

    def __init__(self, settings: Settings, *parts: Any) -> None:
        super().__init__(settings, *parts)
        self.home = settings.home
        self.measured = []

    def _load_one(self, task: Any) -> CellResult:
        if (self.home / "fault").exists():
            raise ZeroDivisionError
        while (self.home / "hold").exists():
            time.sleep(0.01)
        return super()._load_one(task)


def engine_of(settings: Settings) -> Any:
    """An engine, unless the home folder says that there is none."""
    if (settings.home / "no-engine").exists():
        raise EngineError("No container engine answers.", next_step="`tfmatrix setup` starts one.")
    return FakeEngine()


if __name__ == "__main__":
    vars(serve)["RUNNER"] = (sys.executable, "-m", "tests.fake_runs", "runner", "--attached")
    vars(wiring)["engine"] = engine_of
    vars(measuring)["Runner"] = ToldLanes
    cli.main()
