"""Ctrl-C: exit code 130, and what is true of it: a run is gone on with, of a measurement of stability nothing is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from matrix import catalog
from matrix.model import CellRequest, Format, Method, Verdict
from matrix.plan import LoadTask, Plan, Selection
from matrix.results import CellResult
from matrix.runner import Runner
from matrix.stability import Sample, Seen
from matrix.store import open_store
from service import cli, stability, wiring
from tests.store_samples import artifact, cell, environment

REQUEST = CellRequest(saver="tf2.9", model="dense", format=Format.H5, loader="tf2.9", method=Method.DEFAULT)


@pytest.fixture(autouse=True)
def _results(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results without a row, and an engine that is never asked."""
    monkeypatch.setattr(wiring, "engine", lambda _: SimpleNamespace(isolates=True))
    open_store(home / "matrix.db").close()


def interrupted(*_: object, **__: object) -> NoReturn:
    """What Ctrl-C does to whatever runs."""
    raise KeyboardInterrupt


def called(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run a command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["tfmatrix", *words])
    return cli.run_guarded(cli.app)


def test_a_run_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was measured before the stop is kept, and ``--resume`` takes the run up."""
    monkeypatch.setattr(Runner, "run", interrupted)
    assert called(monkeypatch, "run", "--environments", "2.9") == 130
    said = capsys.readouterr().err
    assert "what was measured is kept" in said
    assert "`tfmatrix run --resume`" in said
    assert said.endswith("interrupted\n")


def test_where_no_run_began_none_is_resumed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan that was looked at leaves nothing to go on with."""
    monkeypatch.setattr(catalog, "load_environments", interrupted)
    assert called(monkeypatch, "run", "--dry-run") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_stability_tells_what_it_saw_and_that_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It records no cell, so there is nothing to resume: the same command draws the same cells and begins anew."""
    seen = cell()
    task = LoadTask(key=seen.key, request=REQUEST, artifact=artifact("tf2.9", "dense"))
    selection = Selection(environments=(environment(),), models=(), formats=(), methods=())
    sample = Sample(tasks=(task,), timeouts_left_out=0)
    known = {seen.key: Seen(verdict=Verdict.PASS, fingerprint=None)}

    def look(*_: object) -> Iterator[CellResult]:
        yield seen
        interrupted()

    monkeypatch.setattr(
        stability, "_drawn", lambda *_, **__: (Plan(selection=selection, saves=(), requests=()), sample, known)
    )
    monkeypatch.setattr(Runner, "look", look)
    assert called(monkeypatch, "stability") == 130
    said = capsys.readouterr()
    assert "1 cells (seed 1), 1 loads: 0 changed their verdict" in said.out
    assert "--resume" not in said.err
    assert "is not kept" in said.err
    assert said.err.endswith("interrupted\n")
