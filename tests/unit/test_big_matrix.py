"""The made-up year of nights keeps the store's promises, reads like a real one, and is the same for the same seed."""

from __future__ import annotations

import json
import math
import random
import sqlite3
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from matrix.catalog import load_environments, load_models
from matrix.errors import ExitCode, UsageError
from matrix.model import LOAD_VERSION, SAVE_VERSION, Format, Method, RunStatus, SaveKey, SaveOutcome, Verdict
from matrix.results import Difference
from matrix.store import open_store
from service import cli
from service.snapshot import primary_of
from tests.big_matrix import Size, __main__, evidence, fill
from tests.big_matrix.history import make_past
from tests.big_matrix.texts import HOSTILE

SIZE = Size(cells=600, nights=12, changes=0.02)
Rows = list[tuple[Any, ...]]
Key = tuple[str, str, str]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small year of nights."""
    path = tmp_path_factory.mktemp("big") / "matrix.db"
    fill(path, SIZE)
    return path


def asked(database: Path, question: str, *words: object) -> Rows:
    """What the database answers, past everything of ours."""
    with sqlite3.connect(database) as connection:
        found = connection.execute(question, words).fetchall()
    connection.close()
    return found


def everything(database: Path) -> list[str]:
    """All that a database holds, as SQL."""
    with sqlite3.connect(database) as connection:
        found = list(connection.iterdump())
    connection.close()
    return found


def spans(database: Path) -> dict[Key, Rows]:
    """The states of each cell, oldest first: nights from and to, verdict, error, whether it is current."""
    found: dict[Key, Rows] = defaultdict(list)
    states = (
        "SELECT artifact, loader, method, first_run, last_run, verdict, fingerprint, is_current FROM cells ORDER BY id"
    )
    for *key, first, last, verdict, fingerprint, is_current in asked(database, states):
        artifact, loader, method = key
        found[artifact, loader, method].append((first, last, verdict, fingerprint, is_current))
    return found


def test_the_same_seed_gives_the_same_rows(database: Path, tmp_path: Path) -> None:
    """Neither a clock nor an order of sets has a say; another seed gives others."""
    fill(tmp_path / "same.db", SIZE)
    fill(tmp_path / "other.db", Size(cells=600, nights=12, changes=0.02, seed=2))
    assert everything(tmp_path / "same.db") == everything(database)
    assert everything(tmp_path / "other.db") != everything(database)


def test_there_is_as_much_as_was_asked_for(database: Path, tmp_path: Path) -> None:
    """Nights, current cells, and every save of the models that it took; what is returned is what is there."""
    counts = fill(tmp_path / "counted.db", SIZE)
    held = {name: asked(database, f"SELECT count(*) FROM {name}")[0][0] for name in counts}  # noqa: S608  (our names)
    assert counts == held
    assert (held["runs"], held["environments"]) == (12, 18)
    assert asked(database, "SELECT count(*) FROM cells WHERE is_current") == [(600,)]
    assert asked(database, "SELECT count(*), count(DISTINCT model) FROM saves WHERE is_current") == [(18 * 7, 1)]


def test_what_is_pointed_at_is_there(database: Path) -> None:
    """Artifacts, errors and runs."""
    assert asked(database, "PRAGMA foreign_key_check") == []
    assert (
        asked(database, "SELECT count(*) FROM errors WHERE fingerprint NOT IN (SELECT fingerprint FROM cells)")[0][0]
        < 5
    )


def test_each_cell_has_one_current_state_and_it_holds_to_the_last_night(database: Path) -> None:
    """It is the newest but for what a broken environment recorded beside it."""
    for states in spans(database).values():
        assert [last for _, last, _, _, is_current in states if is_current] == [12]
    assert sum(1 for states in spans(database).values() if states[0][0] == 1) > 500


def test_states_of_a_cell_follow_each_other(database: Path) -> None:
    """Without a gap, and each says something else than the one before."""
    changed = 0
    for states in spans(database).values():
        known = [state for state in states if state[4] or state[2] != Verdict.HARNESS_BROKEN]
        for before, after in pairwise(known):
            assert after[0] == before[1] + 1
            assert after[2:4] != before[2:4]
            changed += 1
    assert changed > 50


def test_a_broken_night_hides_nothing(database: Path) -> None:
    """What our harness did not manage in one night is no current state, and its run is incomplete."""
    nights = {
        first
        for states in spans(database).values()
        for first, _, verdict, _, now in states
        if not now and verdict == Verdict.HARNESS_BROKEN
    }
    assert nights
    assert nights <= set(SIZE.broken_nights)
    with open_store(database) as opened:
        statuses = {run.id: run.status for run in opened.read.runs(100)}
    assert {night for night, status in statuses.items() if status is RunStatus.INCOMPLETE} == set(SIZE.broken_nights)
    assert statuses[12] is RunStatus.FINISHED


def test_a_cell_that_never_worked_has_no_better_past() -> None:
    """The store keeps what was known before our harness broke; so a state that is broken now is the only one."""
    past = make_past(Size(cells=9000, nights=12, changes=0.1))
    states = Counter(state.number for state in past.cells)
    broken = [number for number, cell in enumerate(past.world.cells) if cell.judged[0] is Verdict.HARNESS_BROKEN]
    assert broken
    assert {states[number] for number in broken} == {1}


def test_the_newest_environment_came_later(database: Path) -> None:
    """It was neither asked for nor seen before its night."""
    newest = next(one for one in reversed(load_environments()) if one.base is None)
    night = SIZE.newcomer_night
    assert 1 < night < 12
    found = asked(database, "SELECT min(first_run) FROM cells WHERE loader = ?", newest.recipe_digest)
    assert (
        found + asked(database, "SELECT min(first_run) FROM saves WHERE saver = ?", newest.recipe_digest)
        == [(night,)] * 2
    )
    with open_store(database) as opened:
        named = [newest.id in opened.read.run(number).selection["environments"] for number in (night - 1, night)]
    assert named == [False, True]


def test_the_store_reads_it(database: Path) -> None:
    """The matrix has passes, failures and drift, formats that came later, and errors that are found by their name."""
    environments = [one for one in load_environments() if one.base is None]
    with open_store(database) as opened:
        rows = opened.read.matrix(environments, SAVE_VERSION, LOAD_VERSION, primary_of())
        known = {row.fingerprint: opened.read.error(row.fingerprint) for row in rows if row.fingerprint}
    verdicts = Counter(row.verdict for row in rows if row.primary)
    assert min(verdicts[Verdict.PASS], verdicts[Verdict.FAIL]) > 100
    unsupported = {(row.saver, row.format) for row in rows if row.save_outcome is SaveOutcome.UNSUPPORTED}
    assert ("tf2.11", Format.KERAS) in unsupported
    assert ("tf2.12", Format.KERAS) not in unsupported
    assert ("tf2.16", Format.SAVEDMODEL) in unsupported
    keras_3 = {
        row.verdict for row in rows if row.format is Format.SAVEDMODEL and row.loader == "tf2.17" and row.primary
    }
    assert Verdict.PASS not in keras_3
    assert len({failure.exception for failure in known.values()}) > 5


def test_a_changed_cell_tells_its_history(database: Path) -> None:
    """From the oldest state to the current one, with times that grow."""
    states = spans(database)
    artifact, loader, method = max(states, key=lambda key: len(states[key]))
    found = asked(database, "SELECT model, saver, format FROM saves WHERE artifact = ? AND is_current", artifact)
    model, saver, format_ = found[0]
    with open_store(database) as opened:
        detail = opened.read.cell(SaveKey(model=model, saver=saver, format=Format(format_)), loader, Method(method))
    assert detail is not None
    assert len(detail.history) > 2
    assert [state.first_run for state in detail.history] == sorted(state.first_run for state in detail.history)
    assert all(state.first_at <= state.last_at for state in detail.history)
    assert detail.result is not None


def test_times_are_the_start_days(database: Path) -> None:
    """The first night begins on the day that is asked for, and nothing is later than the last one's end."""
    with open_store(database) as opened:
        newest, *_, oldest = opened.read.runs(100)
    assert oldest.started_at == SIZE.moment(1)
    assert oldest.started_at.date() == SIZE.start
    latest = asked(database, "SELECT max(last_at) FROM cells")[0][0]
    assert newest.finished_at is not None
    assert latest <= newest.finished_at.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_it_holds_what_means_harm(database: Path) -> None:
    """Each text that a file may put into a message is some cell's error now."""
    held = "SELECT DISTINCT message FROM cells JOIN errors USING (fingerprint) WHERE is_current"
    messages = [message for (message,) in asked(database, held)]
    assert any("<script>alert(1)</script>" in message for message in messages)
    beginnings = {text.split("$")[0][:40] for _, text in HOSTILE}
    assert {one for one in beginnings if not any(message.startswith(one) for message in messages)} == set()


def test_differences_hold_what_no_number_says() -> None:
    """NaN, infinities, and outputs that cannot be subtracted."""
    dice = random.Random(1)  # noqa: S311
    found: list[Difference] = [evidence._difference("label", Verdict.DRIFT, dice) for _ in range(500)]
    sizes = [one.max_absolute for one in found if one.max_absolute is not None]
    assert any(map(math.isnan, sizes))
    assert any(map(math.isinf, sizes))
    assert any(one.reason for one in found)
    assert not any(one.equal for one in found)


def test_repeats_are_as_the_runner_makes_them(database: Path) -> None:
    """What ended abnormally is repeated, what our harness did is not, and some repeat comes to something else."""
    found = asked(database, "SELECT verdict, repeated, count(*) FROM cells GROUP BY verdict, repeated")
    repeated = {(verdict, again) for verdict, again, _ in found}
    abnormal = {again for verdict, again in repeated if Verdict(verdict).is_abnormal}
    assert abnormal
    assert None not in abnormal
    assert {again for verdict, again in repeated if verdict == Verdict.HARNESS_BROKEN} == {None}
    dice = random.Random(1)  # noqa: S311
    assert {evidence._repeated(Verdict.CRASH, dice) for _ in range(500)} == {Verdict.CRASH, Verdict.PASS}


def test_overlays_are_made_up_too(tmp_path: Path) -> None:
    """A tf_keras reads what Keras 2 wrote, where the Keras 3 below it does not."""
    fill(tmp_path / "matrix.db", Size(cells=400, nights=2, environments="2.15,2.16,tf2.16+*"))
    chosen = [one for one in load_environments() if one.id in {"tf2.15", "tf2.16", "tf2.16+tf_keras2.16"}]
    with open_store(tmp_path / "matrix.db") as opened:
        rows = opened.read.matrix(chosen, SAVE_VERSION, LOAD_VERSION, primary_of())
    read = {
        row.loader: row.verdict
        for row in rows
        if (row.saver, row.model, row.format, row.primary) == ("tf2.15", "dense", Format.SAVEDMODEL, True)
    }
    assert read["tf2.16"] is Verdict.FAIL
    assert read["tf2.16+tf_keras2.16"] is Verdict.PASS


def test_other_ways_are_tried_where_the_first_do_not_pass(tmp_path: Path) -> None:
    """More cells than the first methods have come from further methods."""
    fill(tmp_path / "matrix.db", Size(cells=9000, nights=1, environments="2.4,2.12,2.15,2.18,2.21"))
    methods = asked(tmp_path / "matrix.db", "SELECT DISTINCT method FROM cells")
    assert {method for (method,) in methods} == {method.value for method in Method}
    assert asked(tmp_path / "matrix.db", "SELECT count(DISTINCT model) FROM saves") == [(len(load_models()),)]


@pytest.mark.parametrize("again", ["results", "nothing but tables"])
def test_only_an_empty_database_is_filled(tmp_path: Path, again: str) -> None:
    """One with rows is left as it is; one without is as good as new."""
    path = tmp_path / "matrix.db"
    small = Size(cells=50, nights=1, environments="2.20,2.21")
    if again == "nothing but tables":
        open_store(path).close()
        assert fill(path, small)["runs"] == 1
        return
    fill(path, small)
    before = everything(path)
    with pytest.raises(UsageError, match="holds results already"):
        fill(path, small)
    assert everything(path) == before


def test_more_cells_than_there_are_is_an_error(tmp_path: Path) -> None:
    """It says how many there are, and leaves no file."""
    with pytest.raises(UsageError, match=r"have \d+ cells, not 100000"):
        fill(tmp_path / "matrix.db", Size(environments="2.21"))
    assert not (tmp_path / "matrix.db").exists()


def test_the_command_fills_once_and_show_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it writes, `tfmatrix show` shows; a second time it refuses, with a next step and no traceback."""
    words = ["big", "--database", str(tmp_path / "matrix.db"), "--cells", "200", "--nights", "3"]
    monkeypatch.setattr(sys, "argv", words)
    assert cli.run_guarded(__main__.app) == ExitCode.FINE
    assert "3 runs" in capsys.readouterr().err
    assert cli.run_guarded(__main__.app) == ExitCode.USAGE
    refusal = capsys.readouterr().err
    assert "holds results already" in refusal
    assert "next:" in refusal
    assert "Traceback" not in refusal
    monkeypatch.setenv("TFMATRIX_DATABASE", f"sqlite:///{tmp_path / 'matrix.db'}")
    monkeypatch.setattr(sys, "argv", ["tfmatrix", "show", "--json"])
    assert cli.run_guarded(cli.app) == ExitCode.FINE
    assert json.loads(capsys.readouterr().out)["header"]["run"] == "3"
