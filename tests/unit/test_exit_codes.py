"""Bad input on the command line: what happened, the next step, its exit code, and never a traceback."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import pytest
import typer

from matrix import catalog
from service import cli

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("home")


def called(monkeypatch: pytest.MonkeyPatch, capsys: Capture, *words: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it wrote to standard error."""
    monkeypatch.setattr(sys, "argv", ["tfmatrix", *words])
    code = cli.run_guarded(cli.app)
    written = capsys.readouterr().err
    assert "Traceback" not in written
    return code, written


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--environments", "2.99"], ["There is no environment '2.99'", "Did you mean '2.9'?"]),
        (["--environments", "2.9..2.99"], ["There is no environment '2.99'", "Did you mean"]),
        (["--environments", "2.12..2.4"], ["is empty", "older end first"]),
        (["--models", "dnese"], ["There is no model 'dnese'", "Did you mean 'dense'?"]),
        (["--formats", "h4"], ["There is no format 'h4'", "Did you mean 'h5'?"]),
        (["--methods", "defualt"], ["There is no method 'defualt'", "Did you mean 'default'?"]),
        (["--environments", ""], ["No environment is named", "tf2.4"]),
    ],
)
def test_unknown_names_name_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: list[str], says: list[str]
) -> None:
    """Environment, range, model, format and method: exit code 2, with what may have been meant."""
    code, written = called(monkeypatch, capsys, "run", "--dry-run", *words)
    assert code == 2
    assert all(text in written for text in says), written


@pytest.mark.parametrize("words", [["dance"], ["run", "--colour"], ["cell", "2.4"], ["bench", "--rounds", "0"]])
def test_words_the_command_line_does_not_know(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: list[str]
) -> None:
    """Unknown commands and options, missing and impossible arguments: exit code 2."""
    assert called(monkeypatch, capsys, *words)[0] == 2


@pytest.mark.parametrize("words", [["show"], ["report"], ["requests"], ["run", "--resume"]])
def test_no_database_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: list[str]) -> None:
    """Commands that only read make no database: exit code 3 (unknown) and what to run."""
    code, written = called(monkeypatch, capsys, *words)
    assert code == 3
    assert "next:" in written


def test_a_file_that_is_no_database_is_said(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Exit code 7, and the file is left as it was."""
    (home / "matrix.db").write_text("a shopping list, long enough to be taken for a page of something" * 99)
    code, written = called(monkeypatch, capsys, "show")
    assert (code, "matrix.db" in written) == (7, True)
    assert (home / "matrix.db").read_text().startswith("a shopping list")


def test_a_malformed_catalog_is_said_whole(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Exit code 9 and every complaint with its line."""
    path = home / "environments.toml"
    path.write_text('[[environment]]\nid = "tf2.9"\ntensorflow = "two"\n')
    monkeypatch.setattr(catalog, "load_environments", partial(catalog.load_environments, path))
    code, written = called(monkeypatch, capsys, "run", "--dry-run")
    assert code == 9
    assert f"{path}:3: tf2.9: tensorflow is 'two'" in written
    assert f"{path}:1: tf2.9 lacks 'python'" in written


def test_a_dry_run_without_anything_known_is_fine(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """It needs neither engine nor database, and says the size of the plan: two savers, two loaders, one model."""
    words = ["run", "--dry-run", "--json", "--environments", "2.4,2.15", "--models", "dense", "--formats", "h5"]
    monkeypatch.setattr(sys, "argv", ["tfmatrix", *words])
    assert cli.run_guarded(cli.app) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["saves"], found["cells"], found["cells_known"]) == (2, 4, 0)


@pytest.mark.parametrize("word", ["[/x]", "[bold", "[[x]]"])
def test_brackets_in_a_name_are_said_back(monkeypatch: pytest.MonkeyPatch, capsys: Capture, word: str) -> None:
    """What a person wrote is text, not markup of ours."""
    code, written = called(monkeypatch, capsys, "run", "--dry-run", "--models", word)
    assert code == 2
    assert repr(word) in written


def test_a_setting_that_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A TFMATRIX_ variable out of its range is a usage error that names the variable."""
    monkeypatch.setenv("TFMATRIX_LANES", "0")
    code, written = called(monkeypatch, capsys, "run", "--dry-run")
    assert code == 2
    assert "TFMATRIX_LANES" in written.upper()


def test_findings_are_the_exit_code_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that ends by an exit code of its own ends the process with it."""
    app = typer.Typer()
    app.command()(_found_something)
    monkeypatch.setattr(sys, "argv", ["tfmatrix"])
    assert cli.run_guarded(app) == 1


def _found_something() -> None:
    raise typer.Exit(1)
