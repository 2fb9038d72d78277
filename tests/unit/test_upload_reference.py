"""The reference: which version others are compared with, whatever was asked for, and when they are compared with nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from matrix.model import Environment, Rung, Verdict
from matrix.store import Store
from matrix.uploads.case import UNSTEADY
from matrix.uploads.model import ITSELF, Options, UploadState
from tests.fake_uploads import BASES, TOO_LARGE, World, before_2_16, hand_in, is_over, row, store, until, work_on

__all__ = ["store"]


def test_only_what_is_asked_for_is_run_beside_the_reference(tmp_path: Path, store: Store) -> None:
    """A gate asks for two versions; the saver's is tried as well, or there would be no numbers."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world)
    with work.running():
        asked = Options(environments=("tf2.13", "tf2.15"), save_again=False)
        upload = until(work, store, hand_in(work.door, options=asked), is_over)
    assert upload.plan == ("tf2.9", "tf2.13", "tf2.15")
    assert row(store, upload).keys() == set(upload.plan)


def home_is_broken(environment: Environment, _method: str) -> float | str:
    """2.9 saved it and cannot load it; 2.10 can, and 2.15 answers something else."""
    if environment.minor <= (2, 9):
        return "no"
    return 3.0 if environment.minor >= (2, 15) else 1.0


def test_the_reference_is_the_same_whatever_was_asked_for(tmp_path: Path, store: Store) -> None:
    """It is the nearest that loads the file, also where somebody asked for another one alone: both pages say the same."""
    work = work_on(tmp_path, store, World(rule=home_is_broken))
    with work.running():
        asked = Options(environments=("tf2.15",), save_again=False)
        some = until(work, store, hand_in(work.door, options=asked), is_over)
        before = row(store, some)["tf2.15"]
        every = until(work, store, hand_in(work.door), is_over)
    assert some.reference == every.reference == "tf2.10"
    assert before.result.verdict is row(store, every)["tf2.15"].result.verdict is Verdict.DRIFT
    assert set(some.plan) == {"tf2.9", "tf2.10", "tf2.15"}


def test_where_nothing_that_was_asked_for_answers_no_reference_is_looked_for(tmp_path: Path, store: Store) -> None:
    """There would be nothing to hold against it."""
    work = work_on(tmp_path, store, World(rule=home_is_broken))
    with work.running():
        asked = Options(environments=("tf2.4",), save_again=False)
        upload = until(work, store, hand_in(work.door, options=asked), is_over)
    assert (upload.reference, upload.plan) == (None, ("tf2.4", "tf2.9"))


def test_a_reference_that_did_not_save_the_file_is_asked_twice_as_well(tmp_path: Path, store: Store) -> None:
    """A model that answers at random is known for that wherever it loads first."""
    numbers = iter(range(10_000))
    world = World(rule=lambda environment, _: "no" if environment.minor == (2, 9) else float(next(numbers)))
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert (upload.note, upload.reference) == (UNSTEADY, None)
    assert {cell.result.verdict for cell in row(store, upload).values()} == {Verdict.LOADS, Verdict.FAIL}


def test_a_model_that_answers_at_random_is_compared_with_nothing(tmp_path: Path, store: Store) -> None:
    """It is said so, and what loads merely loads; also when the file comes again."""
    numbers = iter(range(10_000))
    world = World(rule=lambda _, __: float(next(numbers)))
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
        second = until(work, store, hand_in(work.door), is_over)
    for one in (upload, second):
        assert (one.note, one.reference) == (UNSTEADY, None)
        assert {cell.result.verdict for cell in row(store, one).values()} == {Verdict.LOADS}


def test_what_a_model_that_answers_at_random_is_saved_again_as_merely_loads(tmp_path: Path, store: Store) -> None:
    """What the version that saved it answered would be another thing the next time; also once more after a restart."""
    numbers = iter(range(10_000))
    some = Options(environments=("tf2.9", "tf2.10"))
    for _ in range(2):
        work = work_on(tmp_path, store, World(rule=lambda _, __: float(next(numbers))))
        with work.running():
            upload = until(work, store, hand_in(work.door, options=some), is_over)
        again = [cell.result for cell in store.uploads.cells(upload.content) if cell.saver != ITSELF]
        assert {(one.verdict, one.rung, one.differences) for one in again} == {(Verdict.LOADS, Rung.CALLED, ())}
        some = replace(some, environments=("tf2.9", "tf2.10", "tf2.11"))


def test_a_version_that_answers_at_random_drifts_and_hides_no_other(tmp_path: Path, store: Store) -> None:
    """Such as one that loads a file without its weights, however early it is tried."""
    numbers = iter(range(10, 10_000))
    newest = BASES[-1].id
    world = World(rule=lambda environment, _: float(next(numbers)) if environment.id == newest else 1.0)
    work = work_on(tmp_path, store, world, lanes=4)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert (upload.note, upload.reference) == (None, "tf2.9")
    drifting = {name for name, cell in row(store, upload).items() if cell.result.verdict is Verdict.DRIFT}
    assert drifting == {newest}


def test_answers_that_are_too_large_load_and_are_compared_with_nothing(tmp_path: Path, store: Store) -> None:
    """Our bound is no refusal of a framework; what is known of it is not asked again."""
    world = World(silent=True)
    work = work_on(tmp_path, store, world, lanes=1)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
        asked = len(world.asked)
        again = until(work, store, hand_in(work.door, owner="another"), is_over)
    assert len(world.asked) == asked
    for one in (upload, again):
        assert (one.state, one.reference) == (UploadState.DONE, None)
    found = row(store, upload).values()
    assert {(cell.result.verdict, cell.outputs, cell.notes) for cell in found} == {(Verdict.LOADS, None, (TOO_LARGE,))}
    assert store.uploads.saves(upload.content) == ()
