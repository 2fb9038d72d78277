"""Which engine runs, what is said of it, and what one that isolates nothing refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from images import venvs
from matrix.catalog import load_environments
from matrix.config import Settings
from matrix.engines import refuse_untrusted
from matrix.engines.venv import VenvEngine, python
from matrix.errors import EngineError, NoEngineError, UsageError
from matrix.model import Environment, Origin
from reports import rendering
from reports.known import Known
from reports.links import ServerLinks
from reports.pages.filters import Filters
from reports.pages.home import home
from service import machine, wiring
from tests.fake_matrix import results
from tests.known import known_of


@pytest.fixture(autouse=True)
def nothing_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No container engine answers, nor can one be had."""
    monkeypatch.setenv("TFMATRIX_HOME", str(tmp_path))
    monkeypatch.delenv("TFMATRIX_ENGINE", raising=False)
    monkeypatch.setattr(wiring, "connect", _refuse)
    monkeypatch.setattr(machine, "ensure_engine", _refuse)


def _refuse(*_: object) -> NoReturn:
    raise NoEngineError("nothing here", next_step="none")


def test_auto_falls_back_only_after_a_setup_did() -> None:
    """An engine that merely does not answer now is an error; one that cannot be had was found so by a setup."""
    with pytest.raises(EngineError):
        wiring.engine(Settings())
    assert "nothing here" in (machine._why_venv(Settings()) or "")
    assert isinstance(wiring.engine(Settings()), VenvEngine)


def test_a_setup_that_has_an_engine_takes_the_fall_back_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a container engine again, later commands use it."""
    machine._why_venv(Settings())
    monkeypatch.setattr(machine, "ensure_engine", lambda _say: None)
    assert machine._why_venv(Settings()) is None
    assert not wiring.fallen_back(Settings()).exists()


def test_docker_never_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names the engine gets it, or an error."""
    machine._why_venv(Settings())
    monkeypatch.setenv("TFMATRIX_ENGINE", "docker")
    with pytest.raises(EngineError):
        wiring.engine(Settings())
    with pytest.raises(NoEngineError):
        machine._why_venv(Settings())


def test_venv_is_taken_when_named_and_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warning names the engine and that it isolates nothing."""
    monkeypatch.setenv("TFMATRIX_ENGINE", "venv")
    chosen = wiring.engine(Settings())
    assert "no isolation" in chosen.name()
    assert "ISOLATE NOTHING" in (wiring.warning_of(chosen) or "")


def test_uploads_are_refused_where_nothing_is_isolated(tmp_path: Path) -> None:
    """What was uploaded needs a person's word; what is ours does not."""
    engine = VenvEngine(tmp_path)
    with pytest.raises(UsageError) as caught:
        refuse_untrusted(engine, Origin.UPLOADED, trust=False)
    assert "--trust" in caught.value.next_step
    refuse_untrusted(engine, Origin.UPLOADED, trust=True)
    refuse_untrusted(engine, Origin.OURS, trust=False)


def test_a_python_that_is_not_here_makes_its_rows_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason is kept, so that a run names it; a row that has its environment needs no Python to be found."""
    old, new = _rows("tf2.4", "tf2.21")
    made = python(tmp_path, new)
    made.parent.mkdir(parents=True)
    made.touch()
    monkeypatch.setattr(venvs, "interpreter", lambda _version: None)
    assert venvs.unavailable((old, new), tmp_path) == {"tf2.4": "CPython 3.8 is not on this machine"}
    assert VenvEngine(tmp_path).missing((old, new)) == {"tf2.4": "CPython 3.8 is not on this machine"}


def test_the_page_says_which_runs_were_not_isolated() -> None:
    """A visible notice stands on the page when a run had no containers, and only then."""
    plain = known_of(results())
    assert "Measured without containers" not in _home(plain)
    warned = replace(plain, header=replace(plain.header, unisolated=("3", "4")))
    assert "Runs 3, 4 used the engine" in _home(warned)


def _home(known: Known) -> str:
    return rendering.html(home(known, Filters()), ServerLinks(), datetime.now(UTC))


def _rows(*names: str) -> list[Environment]:
    return [one for one in load_environments() if one.id in names]
