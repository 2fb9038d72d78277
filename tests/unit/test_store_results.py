"""What is recorded is what is read; what holds is extended; what changes makes history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from matrix.errors import StoreError, UsageError
from matrix.model import LOAD_VERSION, Method, RunStatus, SaveKey, Verdict
from matrix.results import Difference, Identity, Mark, Marks
from matrix.store import CellDetail, Store, open_store
from matrix.store.tables import saves
from tests.databases import Place
from tests.store_samples import (
    LATER,
    NOON,
    artifact,
    broken_cell,
    cell,
    environment,
    failed_cell,
    failed_save,
    failure,
    save,
)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """A database in which run 1 has begun and has saved one model."""
    with open_store(place) as opened:
        opened.write.begin_run({"models": "dense"}, {"cpus": 2}, NOON)
        opened.write.record_save(1, save(), NOON)
        yield opened


def detail(store: Store) -> CellDetail:
    """The sample cell with its story."""
    found = store.read.cell(save().key, environment().recipe_digest, Method.DEFAULT)
    assert found is not None
    return found


def next_run(store: Store) -> int:
    """Begin a run a day later."""
    return store.write.begin_run({}, {}, LATER)


def test_a_run_is_kept_from_begin_to_finish(store: Store) -> None:
    """A run starts as running with what was asked, and ends with a status and a time."""
    assert store.read.run(1).status is RunStatus.RUNNING
    assert (store.read.run(1).selection, store.read.run(1).facts) == ({"models": "dense"}, {"cpus": 2})
    store.write.finish_run(1, RunStatus.FINISHED, LATER)
    assert store.read.run(1).status is RunStatus.FINISHED
    assert (store.read.run(1).started_at, store.read.run(1).finished_at) == (NOON, LATER)


def test_runs_are_listed_newest_first(store: Store) -> None:
    """The list is cut at the limit, from the newest."""
    ids = [next_run(store) for _ in range(3)]
    assert [run.id for run in store.read.runs(2)] == [ids[-1], ids[-2]]


def test_the_last_unfinished_run_is_the_newest_not_finished(store: Store) -> None:
    """Killed, interrupted and incomplete runs can be resumed; finished ones cannot."""
    second = next_run(store)
    store.write.finish_run(second, RunStatus.FINISHED, LATER)
    unfinished = store.read.last_unfinished_run()
    assert unfinished is not None
    assert unfinished.id == 1
    store.write.finish_run(1, RunStatus.FINISHED, LATER)
    assert store.read.last_unfinished_run() is None


def test_what_is_not_there_is_said(store: Store) -> None:
    """Unknown runs and fingerprints are usage errors; a result or an end for an unknown run is refused."""
    with pytest.raises(UsageError, match="no run 7"):
        store.read.run(7)
    with pytest.raises(UsageError, match="fingerprint"):
        store.read.error("0" * 64)
    with pytest.raises(StoreError, match="no run 7"):
        store.write.finish_run(7, RunStatus.FINISHED, NOON)
    with pytest.raises(StoreError, match="never recorded"):
        store.write.record_cell(7, cell(), NOON)


def test_a_cell_without_its_artifact_is_refused_and_so_is_its_whole_batch(store: Store) -> None:
    """A batch is one transaction, and foreign keys are on."""
    with pytest.raises(StoreError, match="never recorded"):
        store.write.record_cells(1, [cell(), cell(of=artifact("unknown"))], NOON)
    assert store.read.known_cells([cell().key]) == set()


def test_results_are_read_back_by_key(store: Store) -> None:
    """Saves and cells come back equal; keys never measured are absent."""
    store.write.record_save(1, failed_save(model="lstm"), NOON)
    store.write.record_cells(1, [cell(), failed_cell(loader="tf2.15")], NOON)
    unknown = SaveKey(model="gru", saver=save().key.saver, format=save().key.format)
    assert store.read.saves([save().key, failed_save(model="lstm").key, unknown]) == {
        save().key: save(),
        failed_save(model="lstm").key: failed_save(model="lstm"),
    }
    wanted = [cell().key, cell(loader="tf2.15").key, cell(loader="tf2.16").key]
    assert store.read.cells(wanted) == {
        cell().key: cell(),
        cell(loader="tf2.15").key: failed_cell(loader="tf2.15"),
    }
    assert store.read.known_cells(wanted) == set(wanted[:2])


def test_another_version_of_the_loading_code_knows_nothing(store: Store) -> None:
    """A verdict belongs to the version of the code that found it."""
    store.write.record_cell(1, cell(), NOON)
    assert store.read.known_cells([replace(cell().key, version=LOAD_VERSION + 1)]) == set()


def test_recording_again_changes_nothing(store: Store) -> None:
    """The same results in the same run are one state each."""
    for _ in range(3):
        store.write.record_save(1, save(), NOON)
        store.write.record_cells(1, [cell(), cell()], NOON)
    (state,) = detail(store).history
    assert (state.first_run, state.last_run, state.is_current) == (1, 1, True)
    assert store.read.saves([save().key]) == {save().key: save()}


def test_the_same_finding_extends_its_state(store: Store) -> None:
    """Times and the size of differences are evidence, renewed with the state; they make no history."""
    store.write.record_cell(1, cell(), NOON)
    closer = Difference(output="digit", equal=True, max_absolute=0.0, max_relative=0.0)
    again = cell(differences=(closer,), effort=replace(cell().effort, wall_seconds=9.0))
    store.write.record_cell(next_run(store), again, LATER)
    (state,) = detail(store).history
    assert (state.first_run, state.last_run, state.first_at, state.last_at) == (1, 2, NOON, LATER)
    assert detail(store).result == again
    assert detail(store).measured_at == LATER


def test_an_older_run_taken_up_again_does_not_shorten_a_state(store: Store) -> None:
    """A resumed run may record what a newer one already has."""
    store.write.record_cell(next_run(store), cell(), LATER)
    store.write.record_cell(1, cell(), NOON)
    (state,) = detail(store).history
    assert (state.last_run, state.last_at) == (2, LATER)


def test_another_finding_closes_the_state_and_opens_one(store: Store) -> None:
    """History has every state in order, and one of them is current."""
    store.write.record_cell(1, cell(), NOON)
    second = next_run(store)
    store.write.record_cell(second, failed_cell(), LATER)
    store.write.record_cell(next_run(store), failed_cell("another kind"), LATER)
    assert [(state.verdict, state.last_run, state.is_current) for state in detail(store).history] == [
        (Verdict.PASS, 1, False),
        (Verdict.FAIL, 2, False),
        (Verdict.FAIL, 3, True),
    ]
    assert detail(store).result == failed_cell("another kind")


def test_another_output_that_differs_is_another_finding(store: Store) -> None:
    """Which outputs are unequal is what was found, though the verdict is the same."""
    first, second = (Difference(output=name, equal=False, max_absolute=1.0, max_relative=1.0) for name in "ab")
    store.write.record_cell(1, cell(verdict=Verdict.DRIFT, differences=(first,)), NOON)
    store.write.record_cell(1, cell(verdict=Verdict.DRIFT, differences=(second,)), NOON)
    assert len(detail(store).history) == 2


def test_another_mark_is_another_finding_and_other_words_are_not(store: Store) -> None:
    """What came of a try is a finding; the message that says why is evidence, renewed with the state."""
    first = Marks(saved_again=Mark.NO, optimizer_restored=Mark.YES, trained_step=Mark.YES, notes={"saved_again": "0x1"})
    words, other = replace(first, notes={"saved_again": "0x2"}), replace(first, saved_again=Mark.YES, notes={})
    for marks in (None, first, words, other):
        store.write.record_cell(1, cell(marks=marks), NOON)
    assert len(detail(store).history) == 3
    assert detail(store).result == cell(marks=other)


def test_a_new_artifact_is_another_finding(store: Store) -> None:
    """A save that gives other bytes replaces the artifact, and the cells of the old one are not its own."""
    store.write.record_cell(1, cell(), NOON)
    store.write.record_save(next_run(store), save(artifact=artifact("other bytes")), LATER)
    assert store.read.saves([save().key])[save().key].artifact == artifact("other bytes")
    assert detail(store).result is None


def test_a_broken_harness_is_kept_but_not_known(store: Store) -> None:
    """It can be read, and the cell is to be run again; the finding that follows takes its place."""
    store.write.record_cell(1, broken_cell(), NOON)
    assert store.read.cells([cell().key]) == {cell().key: broken_cell()}
    assert store.read.known_cells([cell().key]) == set()
    store.write.record_cell(1, cell(), NOON)
    assert store.read.known_cells([cell().key]) == {cell().key}


def test_a_broken_harness_does_not_displace_what_is_known(store: Store) -> None:
    """It accuses us: TensorFlow's verdict stands, is extended later, and the mishap stays in history, once."""
    store.write.record_cell(1, cell(), NOON)
    second = next_run(store)
    store.write.record_cell(second, broken_cell(), LATER)
    store.write.record_cell(second, broken_cell(), LATER)
    assert store.read.known_cells([cell().key]) == {cell().key}
    store.write.record_cell(next_run(store), cell(), LATER)
    assert [(state.verdict, state.last_run, state.is_current) for state in detail(store).history] == [
        (Verdict.PASS, 3, True),
        (Verdict.HARNESS_BROKEN, 2, False),
    ]


def test_the_database_refuses_a_second_current_state(store: Store) -> None:
    """One current state per key is the database's own rule."""
    with store.write._engine.begin() as connection:
        row = connection.execute(saves.select()).one()._asdict()
        row.pop("id")
        with pytest.raises(IntegrityError, match=r"UNIQUE|uq_saves_current"):
            connection.execute(insert(saves).values(**row))


def test_an_error_is_stored_once(store: Store) -> None:
    """Failures of one fingerprint share one text, the first."""
    store.write.record_cell(1, failed_cell(), NOON)
    other = failed_cell(loader="tf2.15", failure=replace(failure(), message="the same, with another address"))
    store.write.record_cell(1, other, NOON)
    assert store.read.error(failure().fingerprint) == failure()
    assert store.read.cells([other.key])[other.key].failure == failure()


def test_hostile_text_is_kept_without_harm(store: Store) -> None:
    """NUL and lone surrogates, which no database holds, never end a run."""
    hostile = replace(failure(), message="a\0b\ud800c")
    store.write.record_cell(1, failed_cell(failure=hostile, warnings=("\0\ud800",)), NOON)
    found = store.read.cells([cell().key])[cell().key]
    assert found.failure is not None
    assert found.failure.message == "a\ufffdb\ufffdc"
    assert found.warnings == ("\0\ud800",)


def test_an_environment_keeps_what_it_said(store: Store) -> None:
    """A later record without identity or image leaves both."""
    identity = Identity(versions={"tensorflow": "2.9.3"}, facts={"cpu_flags": ["avx2"], "one_dnn": True})
    store.write.record_environment(environment(), identity, "sha256:1", NOON)
    store.write.record_environment(environment(), None, None, LATER)
    record = store.read.environments([environment().recipe_digest])[environment().recipe_digest]
    assert (record.identity, record.image_id, record.recorded_at) == (identity, "sha256:1", LATER)
    assert (record.id, record.cut_off) == (environment().id, environment().cut_off)


def test_a_cell_whose_save_failed_has_only_the_save(store: Store) -> None:
    """The detail says why there is nothing; a save never tried is nothing at all."""
    store.write.record_save(1, failed_save(model="lstm"), NOON)
    found = store.read.cell(failed_save(model="lstm").key, environment().recipe_digest, Method.DEFAULT)
    assert found is not None
    assert (found.save, found.result, found.history) == (failed_save(model="lstm"), None, ())
    assert store.read.cell(save(model="gru").key, environment().recipe_digest, Method.DEFAULT) is None


def test_the_mean_time_is_of_what_was_measured(store: Store) -> None:
    """Nothing measured has no mean; a broken harness does not count."""
    assert store.read.seconds_per_cell() is None
    store.write.record_cell(1, cell(effort=replace(cell().effort, wall_seconds=2.0)), NOON)
    store.write.record_cell(1, replace(broken_cell(), key=cell(loader="tf2.15").key), NOON)
    assert store.read.seconds_per_cell() == pytest.approx(2.0)
    assert store.read.seconds_per_save() == pytest.approx(0.5)


def test_a_naive_time_is_refused(store: Store) -> None:
    """Without a zone a time is a guess."""
    with pytest.raises(Exception, match="naive"):
        store.write.begin_run({}, {}, datetime(2026, 11, 24, tzinfo=UTC).replace(tzinfo=None))


def test_long_lists_of_keys_are_answered_in_chunks(store: Store) -> None:
    """Lists longer than any limit of parameters find what is there."""
    store.write.record_cell(1, cell(), NOON)
    keys = [cell(of=artifact(number)).key for number in range(40_000)]
    assert store.read.known_cells([*keys, cell().key]) == {cell().key}


def test_runs_are_listed_from_any_one_back(store: Store) -> None:
    """A page of a long list begins before a run, and no earlier one is left out."""
    for _ in range(3):
        next_run(store)
    assert [run.id for run in store.read.runs(2, before=4)] == [3, 2]
    assert store.read.runs(2, before=1) == ()
