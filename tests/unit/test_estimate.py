"""What a dry run says: cells of the first methods, a bound for the others, and what they cost by the rates it is given."""

from __future__ import annotations

import sys

import pytest

from matrix.catalog import load_environments, load_models
from matrix.config import Settings
from matrix.model import CellKey, Format, Method, SaveKey
from matrix.plan import Plan, Selection, load_tasks, make_plan
from matrix.results import SaveResult
from service import cli, wiring
from service.estimate import Rates, further_requests, sized
from tests.store_samples import EFFORT, artifact, save

RATES = Rates(cell=1.0, save=10.0, container=100.0)
SETTINGS = Settings(lanes=2, memory=8 << 30, container_memory=1 << 30, batch=1000)


def plan(formats: tuple[Format, ...] = (Format.H5,), methods: tuple[Method, ...] = tuple(Method)) -> Plan:
    """Dense, in 2.4 and 2.21."""
    environments = tuple(one for one in load_environments() if one.id in {"tf2.4", "tf2.21"})
    models = tuple(one for one in load_models() if one.id == "dense")
    return make_plan(Selection(environments=environments, models=models, formats=formats, methods=methods))


def saved(of: Plan) -> dict[SaveKey, SaveResult]:
    """Every save of a plan, each with an artifact of its own."""
    return {key: save(key=key, artifact=artifact(key.saver, key.format)) for key in of.saves}


def test_first_cells_are_counted_and_others_bounded() -> None:
    """Four cells by default; three other methods for each, if none of the four should pass."""
    wanted = plan()
    found = sized(wanted, further_requests(wanted), {}, set(), RATES, SETTINGS)
    assert (found.saves, found.cells, found.further) == (2, 4, 12)
    assert found.containers == 2 + 2
    assert found.seconds == (2 * 10 + 4 * 1 + 4 * 100) / 2
    assert found.most_seconds == found.seconds + (12 * 1 + 2 * 100) / 2
    assert found.core_hours == pytest.approx(found.seconds * 2 / 3600)


def test_methods_that_were_not_asked_for_are_not_in_the_bound() -> None:
    """As a run tries none of them."""
    wanted = plan(methods=(Method.DEFAULT, Method.COMPILE_FALSE))
    assert {one.method for one in further_requests(wanted)} == {Method.COMPILE_FALSE}


def test_what_is_known_is_not_counted_again() -> None:
    """Neither saves nor cells, of either kind."""
    wanted = plan()
    further, saves = further_requests(wanted), saved(wanted)
    keys: set[CellKey] = {task.key for task in load_tasks(wanted, saves, [*wanted.requests, *further])}
    found = sized(wanted, further, saves, keys, RATES, SETTINGS)
    assert (found.saves_known, found.cells_known, found.further_known) == (2, 4, 12)
    assert (found.seconds, found.most_seconds, found.containers) == (0, 0, 0)


def test_saves_that_gave_nothing_have_no_cells() -> None:
    """A format that a saver never had is not loaded by anyone."""
    wanted = plan()
    nothing = {key: save(key=key, artifact=None, effort=EFFORT) for key in wanted.saves}
    found = sized(wanted, further_requests(wanted), nothing, set(), RATES, SETTINGS)
    assert (found.cells, found.further) == (0, 0)


def test_the_core_is_what_the_promise_was_measured_with() -> None:
    """Ten models, four formats, three methods, eighteen environments."""
    core, full = (wiring.select(*words) for words in (wiring.CORE, wiring.DEFAULTS))
    assert [len(part) for part in (core.environments, core.models, core.formats, core.methods)] == [18, 10, 4, 3]
    assert (len(full.models), len(full.formats), len(full.methods)) == (40, len(Format), len(Method))


@pytest.mark.parametrize(("words", "models"), [((), "models         10"), (("--full",), "models         40")])
def test_matrix_has_a_dry_run(
    words: tuple[str, ...],
    models: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: pytest.TempPathFactory,
) -> None:
    """It gets nothing ready, and says cells, core-hours and minutes."""
    monkeypatch.setenv("TFMATRIX_HOME", str(tmp_path))
    monkeypatch.delenv("TFMATRIX_DATABASE", raising=False)
    monkeypatch.setattr(sys, "argv", ["tfmatrix", "matrix", "--dry-run", *words])
    assert cli.run_guarded(cli.app) == 0
    said = capsys.readouterr().out
    assert models in said
    assert all(word in said for word in ("by the first methods", "at most", "core-hours", "minutes"))
