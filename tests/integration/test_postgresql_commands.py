"""The command line with TFMATRIX_DATABASE, as a person sets it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from matrix.catalog import load_environments
from matrix.errors import ExitCode
from matrix.model import LOAD_VERSION, SAVE_VERSION
from matrix.store import open_store
from service.cli import app, run_guarded
from tests.store_samples import NOON, failed_cell, save


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def tfmatrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command on a database, in this process: it takes seconds to import."""

    def command(place: str, *words: str) -> Said:
        monkeypatch.setenv("TFMATRIX_DATABASE", place)
        monkeypatch.setenv("TFMATRIX_HOME", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["tfmatrix", *words])
        return Said(run_guarded(app), *capsys.readouterr())

    return command


def test_what_is_copied_is_shown(place: str, tmp_path: Path, tfmatrix: Command) -> None:
    """A save and a cell of an environment of ours, from a file into the database, by the commands."""
    environment = next(one for one in load_environments() if one.id == "tf2.15")
    saved = save(model="dense")
    saved = replace(saved, key=replace(saved.key, saver=environment.recipe_digest, version=SAVE_VERSION))
    assert saved.artifact is not None
    found = failed_cell(of=saved.artifact)
    found = replace(found, key=replace(found.key, loader=environment.recipe_digest, version=LOAD_VERSION))
    with open_store(tmp_path / "old.db") as store:
        run = store.write.begin_run({}, {}, NOON)
        store.write.record_environment(environment, None, None, NOON)
        store.write.record_save(run, saved, NOON)
        store.write.record_cell(run, found, NOON)
    copied = tfmatrix(place, "copy", str(tmp_path / "old.db"))
    assert (copied.code, copied.out) == (ExitCode.FINE, "7 rows copied.\n"), copied.err
    shown = tfmatrix(place, "show", "--environments", "2.15", "--models", "dense", "--json")
    assert shown.code == ExitCode.FINE, shown.err
    assert [(row["model"], row["verdict"]) for row in json.loads(shown.out)["rows"]] == [("dense", "fail")]
    for words in (["summary"], ["run", "--dry-run"]):
        done = tfmatrix(place, *words)
        assert done.code == ExitCode.FINE, done.err
    assert not (tmp_path / "matrix.db").exists()


def test_an_empty_database_has_no_results_yet(place: str, tfmatrix: Command) -> None:
    """Nothing is made by asking; a plan needs no results."""
    shown = tfmatrix(place, "show")
    assert shown.code == ExitCode.INCOMPLETE
    assert "no results yet" in shown.err
    planned = tfmatrix(place, "run", "--dry-run")
    assert planned.code == ExitCode.FINE, planned.err


def test_nothing_is_copied_from_what_is_not_there(place: str, tmp_path: Path, tfmatrix: Command) -> None:
    """Nor is the file made."""
    copied = tfmatrix(place, "copy", str(tmp_path / "old.db"))
    assert copied.code == ExitCode.INCOMPLETE
    assert "old.db does not exist" in copied.err
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_away_is_told(tfmatrix: Command) -> None:
    """Two lines, exit code 7, and no password in either."""
    done = tfmatrix("postgresql://someone:secret@127.0.0.1:1/name", "show")
    assert done.code == ExitCode.DATABASE
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["error", "next"]
    assert "secret" not in done.err
