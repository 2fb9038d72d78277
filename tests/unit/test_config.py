"""Where settings come from: the environment before the file before the default; what is wrong in one is said."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from matrix.config import ROOT, Settings
from matrix.errors import UsageError
from matrix.settings_file import ITSELF
from service import cli

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of settings that is named, and no variable beside it."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TFMATRIX_{name.upper()}", raising=False)
    path = tmp_path / "tfmatrix.toml"
    path.touch()
    monkeypatch.setenv("TFMATRIX_CONFIG", str(path))
    monkeypatch.setenv("COLUMNS", "200")
    return path


def called(monkeypatch: pytest.MonkeyPatch, capsys: Capture, *words: str) -> tuple[int, str, str]:
    """Run a command; return its exit code and what it wrote, to standard output and to standard error."""
    monkeypatch.setattr(sys, "argv", ["tfmatrix", *words])
    code = cli.run_guarded(cli.app)
    written = capsys.readouterr()
    assert "Traceback" not in written.err
    return code, written.out, written.err


def test_environment_beats_file_beats_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting by itself; an empty variable counts as none."""
    file.write_text("port = 1\nbatch = 2\nlanes = 3\n")
    monkeypatch.setenv("TFMATRIX_PORT", "4")
    monkeypatch.setenv("TFMATRIX_BATCH", "")
    settings = Settings()
    assert (settings.port, settings.batch, settings.lanes, settings.host) == (4, 2, 3, "127.0.0.1")


def test_paths_are_meant_from_the_file(file: Path) -> None:
    """Not from wherever a command happens to be called."""
    file.write_text('home = "results"\n')
    assert Settings().home == file.parent / "results"


@pytest.mark.parametrize(
    ("content", "said", "step"),
    [
        ("prot = 1", "'prot', which is not a setting", "Did you mean 'port'?"),
        ("TFMATRIX_PORT = 1", "'TFMATRIX_PORT', which is not", "Did you mean 'port'?"),
        ('config = "x"', "'config', which is not", "TFMATRIX_CONFIG names"),
        ("port: 8321", "is not TOML", "port = 8321"),
        ("[server]\nport = 1", "'server'", ""),
    ],
)
def test_a_wrong_file_is_refused(file: Path, content: str, said: str, step: str) -> None:
    """Names the file, what is wrong in it, and what may have been meant."""
    file.write_text(content)
    with pytest.raises(UsageError) as caught:
        Settings()
    assert str(file) in caught.value.message
    assert said in caught.value.message
    assert step in caught.value.next_step


def test_a_file_that_was_named_has_to_be_there(file: Path) -> None:
    """The default one may be absent, a named one is a slip; so is a folder, or what is no text."""
    file.unlink()
    with pytest.raises(UsageError, match="There is no file"):
        Settings()
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not TOML"):
        Settings()
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        Settings()


def test_no_file_is_needed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the default one is read where it is, and missed nowhere."""
    file.write_text("port = 1\n")
    monkeypatch.delenv("TFMATRIX_CONFIG")
    monkeypatch.setattr(Settings.model_fields["config"], "default", file)
    assert Settings().port == 1
    file.unlink()
    assert Settings().port == 8321


def test_config_prints_where_each_comes_from(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """As a table, and as JSON; neither has a password."""
    file.write_text('port = 1\ndatabase = "postgresql://me:secret@host/name?password=secret"\n')
    monkeypatch.setenv("TFMATRIX_BATCH", "5")
    code, table, _ = called(monkeypatch, capsys, "config")
    code_json, text, _ = called(monkeypatch, capsys, "config", "--json")
    assert (code, code_json) == (0, 0)
    assert "secret" not in table + text
    document = json.loads(text)
    found = {one["name"]: (one["value"], one["origin"]) for one in document["settings"]}
    assert document["file"] == str(file)
    assert (found["port"], found["batch"], found["host"][1]) == ((1, "file"), (5, "environment"), "default")
    assert found["database"] == ("postgresql+psycopg://me:***@host/name", "file")
    assert found.keys() == Settings.model_fields.keys()
    assert all(f"TFMATRIX_{name.upper()}" in table for name in found)
    assert str(file) in table


def test_a_url_that_is_none_is_not_shown(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """It may hold a password somewhere."""
    file.write_text('database = "mysql://me:secret@host/name"\n')
    assert "secret" not in called(monkeypatch, capsys, "config")[1]


def test_a_wrong_value_is_told_as_it_was_written(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """By its name and file where it stands in one, else by its variable: exit code 2."""
    file.write_text("port = 99999\n")
    code, _, said = called(monkeypatch, capsys, "config")
    assert (code, f"port in {file}" in said) == (2, True), said
    monkeypatch.setenv("TFMATRIX_PORT", "eight")
    code, _, said = called(monkeypatch, capsys, "config")
    assert (code, "TFMATRIX_PORT" in said) == (2, True), said


def test_the_example_has_every_setting(file: Path) -> None:
    """Each with its line of help; with the signs taken away it says what holds without it."""
    lines = (ROOT / "tfmatrix.example.toml").read_text(encoding="utf-8").splitlines()
    settings = [line.removeprefix("# ") for line in lines if " = " in line]
    assert [one.split(" = ")[0] for one in settings] == [name for name in Settings.model_fields if name != ITSELF]
    helps = [lines[lines.index(f"# {one}") - 1].removeprefix("# ") for one in settings]
    for name, help_ in zip((one.split(" = ")[0] for one in settings), helps, strict=True):
        assert help_.startswith(str(Settings.model_fields[name].description))
    of_the_machine = {"home", "lanes", "memory"}
    stated = {name: value for name, value in tomllib.loads("\n".join(settings)).items() if name not in of_the_machine}
    defaults = {name: Settings.model_fields[name].default for name in stated}
    assert stated == {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in defaults.items()
    }
    file.write_text("\n".join(settings))
    Settings()
