"""Uploads from the door to the last finding, with environments that answer by a rule."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from matrix import catalog
from matrix.config import Settings
from matrix.errors import BusyError
from matrix.model import Environment, Flavour, Format, Method, Rung, SaveOutcome, Verdict
from matrix.store import Store
from matrix.store import uploads as uploads_of_the_store
from matrix.uploads import background, case, turns
from matrix.uploads.case import STATED_LATER, UNSTEADY
from matrix.uploads.model import ITSELF, Options, Part, Parts, Upload, UploadCell, UploadState
from matrix.uploads.ways import WHOLE
from matrix.uploads.work import sandboxes
from tests.fake_uploads import BASES, IDS, SECONDS, TOO_LARGE, World, hand_in, is_over, row, store, until, work_on
from tests.probe_code import probe

__all__ = ["store"]

EVERYTHING = catalog.load_environments()
OVERLAYS = [one for one in EVERYTHING if one.base is not None]
KERAS_3 = [one for one in OVERLAYS if one.flavour is Flavour.KERAS3]


def before_2_16(environment: Environment, method: str) -> float | str:
    """Keras 2 reads it; in 2.4 only without its compile settings; 2.13 answers something else."""
    if environment.minor >= (2, 16):
        return "File format not supported"
    if environment.minor == (2, 4) and method == Method.DEFAULT:
        return "Unknown optimizer"
    return 3.0 if environment.minor == (2, 13) else 1.0


def test_a_file_gets_its_row(tmp_path: Path, store: Store) -> None:
    """Every environment has a verdict: passes, drifts, fails, and loads another way; the saver's is the reference."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world, lanes=1)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert (upload.state, upload.reference, upload.message) == (UploadState.DONE, "tf2.9", None)
    found = row(store, upload)
    assert found.keys() == set(IDS.values())
    verdicts = {name: cell.result.verdict for name, cell in found.items()}
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.FAIL} == {
        one.id for one in BASES if one.minor >= (2, 16)
    }
    assert verdicts["tf2.13"] is Verdict.DRIFT
    assert verdicts["tf2.15"] is Verdict.PASS
    assert (found["tf2.4"].result.key.method, found["tf2.4"].result.verdict) == (Method.COMPILE_FALSE, Verdict.PASS)
    assert ("tf2.4", Method.DEFAULT) in world.asked
    assert world.asked[0][0] == "tf2.9"


def test_the_same_file_again_is_answered_from_what_is_known(tmp_path: Path, store: Store) -> None:
    """Nothing is inspected or run, and the second address shows the same."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        asked = len(world.asked)
        second = until(work, store, hand_in(work.door, owner="another"), is_over)
    assert (len(world.asked), world.inspected) == (asked, 1)
    assert (second.reference, second.content, second.id == first.id) == (first.reference, first.content, False)


def by_a_repaired_inspector(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on another version of it looks into files."""
    for module in (case, uploads_of_the_store):
        monkeypatch.setattr(module, "INSPECTION_VERSION", 99)


def test_the_same_file_is_looked_into_again_once_the_inspector_was_repaired(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once. What was found of it stays: it is asked the same."""
    world = World(rule=before_2_16, made=lambda: 1.0, inspection={"inputs_from": "none"})
    work = work_on(tmp_path, store, world)
    with work.running():
        until(work, store, hand_in(work.door), is_over)
        asked = len(world.asked)
        by_a_repaired_inspector(monkeypatch)
        world.inspection["notes"] = ["Something that it did not see before."]
        found = [until(work, store, hand_in(work.door), is_over) for _ in range(2)]
    assert [one.inspection and one.inspection["notes"] for one in found] == [world.inspection["notes"]] * 2
    assert {one.inspection and one.inspection["inputs_from"] for one in found} == {"model"}
    assert (len(world.asked), world.inspected) == (asked, 2)


def test_a_file_that_turns_out_to_be_another_kind_is_tried_anew(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found of it answers another question, and stands in no row with the new answers."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        asked = len(world.asked)
        by_a_repaired_inspector(monkeypatch)
        world.inspection["root"] = "elsewhere"
        again = until(work, store, hand_in(work.door), is_over)
    assert {name for name, _ in world.asked[asked:]} == set(IDS.values())
    assert world.inspected == 2
    assert row(store, again).keys() == row(store, first).keys()


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


@pytest.mark.parametrize(
    ("keras", "overlays", "expected"),
    [("2.11.0", False, 0), ("3.5.0", False, len(KERAS_3)), ("2.11.0", True, len(OVERLAYS))],
)
def test_overlays_are_tried_when_asked_or_when_the_file_says_keras_3(
    tmp_path: Path, store: Store, keras: str, *, overlays: bool, expected: int
) -> None:
    """A file of Keras 2 needs them only where somebody wants to know."""
    world = World(inspection={"saved_with": {"keras": keras}})
    work = work_on(tmp_path, store, world, environments=EVERYTHING)
    with work.running():
        asked = Options(overlays=overlays, save_again=False)
        upload = until(work, store, hand_in(work.door, options=asked), is_over)
    assert len(upload.plan) == len(BASES) + expected


def test_it_is_saved_again_everywhere_and_loaded_everywhere(tmp_path: Path, store: Store) -> None:
    """Each environment that loads it saves it in each format, and each loads all of that."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor <= (2, 6) else "no")
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    saves = store.uploads.saves(upload.content)
    savers = {IDS[save.saver] for save in saves}
    assert savers == {"tf2.4", "tf2.5", "tf2.6"}
    assert {save.outcome for save in saves} == {SaveOutcome.SAVED}
    again = [cell for cell in store.uploads.cells(upload.content) if cell.saver != ITSELF]
    assert len(again) == len(saves) * len(BASES)
    passing = {IDS[cell.result.key.loader] for cell in again if cell.result.verdict is Verdict.PASS}
    assert passing == savers
    assert {cell.format for cell in again} == {save.format for save in saves} >= {Format.H5, Format.KERAS}


def test_formats_that_do_not_fit_together_are_saved_in_further_jobs(tmp_path: Path, store: Store) -> None:
    """Our own bound on one answer is no failure of a version; what is too large even alone is a state of its own."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor <= (2, 5) else "no")
    world.fit, world.too_large = 2, frozenset({"keras"})
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    outcomes = {(IDS[one.saver], one.format): one.outcome for one in store.uploads.saves(upload.content)}
    assert outcomes == {
        (saver, one): SaveOutcome.TOO_LARGE if one is Format.KERAS else SaveOutcome.SAVED
        for saver in ("tf2.4", "tf2.5")
        for one in WHOLE
    }
    assert world.asked.count(("tf2.4", "again")) == 2, "four that fit, two at a time"


def test_a_child_that_saves_nothing_is_not_asked_for_ever(tmp_path: Path, store: Store) -> None:
    """Whatever it leaves out, and however often."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor == (2, 4) else "no", fit=0)
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    assert {one.outcome for one in store.uploads.saves(upload.content)} == {SaveOutcome.FAILED}


def test_a_row_that_stood_stands_after_a_restart(tmp_path: Path, store: Store) -> None:
    """Its time is not moved, nor is it ever unfinished again."""
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options(environments=("tf2.9",))), is_over)
    store.uploads.change(upload.id, state=UploadState.SAVING_AGAIN, finished_at=None)
    states: list[UploadState] = []

    def over(one: Upload) -> bool:
        states.append(one.state)
        return one.state.is_over

    work = work_on(tmp_path, store, World())
    with work.running():
        ended = until(work, store, upload.id, over)
    assert ended.row_at == upload.row_at
    assert set(states) <= {UploadState.SAVING_AGAIN, UploadState.DONE}


def test_a_slice_that_is_over_at_once_still_gets_something_done(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a container takes to start: what is done in the background comes to its end."""
    monkeypatch.setattr(background, "SLICE_SECONDS", 0.0)
    work = work_on(tmp_path, store, World(rule=lambda environment, _: 1.0 if environment.minor <= (2, 5) else "no"))
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    saves = [one for one in store.uploads.saves(upload.content) if one.artifact]
    again = [cell for cell in store.uploads.cells(upload.content) if cell.saver != ITSELF]
    assert len(again) == len(saves) * len(BASES) > 0


def test_a_crash_is_tried_again_in_a_fresh_process(tmp_path: Path, store: Store) -> None:
    """What happens once does not count; what happens twice does."""
    rule = {(2, 5): "die once", (2, 6): "die"}
    world = World(rule=lambda environment, _: rule.get(environment.minor, 1.0))
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    found = row(store, upload)
    assert (found["tf2.5"].result.verdict, found["tf2.5"].result.repeated) == (Verdict.PASS, Verdict.CRASH)
    assert found["tf2.6"].result.verdict is Verdict.CRASH


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


def test_groups_are_numbered_alike_for_whoever_hands_the_same_in_again(tmp_path: Path, store: Store) -> None:
    """Also where they ask for other versions."""
    said = {"tf2.21": 2.0, "tf2.4": 3.0, "tf2.12": 3.0}
    work = work_on(tmp_path, store, World(rule=lambda environment, _: said.get(environment.id, 1.0)), lanes=1)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        groups = {name: cell.group for name, cell in row(store, first).items()}
        asked = Options(save_again=False, environments=("tf2.4", "tf2.21"))
        for options in (asked, Options(save_again=False)):
            again = until(work, store, hand_in(work.door, options=options), is_over)
            assert {name: cell.group for name, cell in row(store, again).items()} == groups
    assert groups["tf2.4"] == groups["tf2.12"] != groups["tf2.21"]


def test_what_is_known_is_not_written_again(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor shown for a moment as it was before it was compared: the first page is somebody else's."""
    written: list[UploadCell] = []
    real = store.uploads.record_cells

    def noted(content: str, found: Sequence[UploadCell]) -> None:
        written.extend(found)
        real(content, found)

    monkeypatch.setattr(store.uploads, "record_cells", noted)
    work = work_on(tmp_path, store, World())
    with work.running():
        until(work, store, hand_in(work.door), is_over)
        assert len(written) >= len(BASES)
        written.clear()
        until(work, store, hand_in(work.door), is_over)
    assert written == []


def test_what_is_refused_has_no_row(tmp_path: Path, store: Store) -> None:
    """The sentence and the next step are the inspector's."""
    refused = {"code": "empty", "message": "The file is empty.", "next_step": "Choose another."}
    world = World(inspection={"refused": refused})
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, b""), is_over)
    assert (upload.state, upload.message) == (UploadState.REFUSED, "The file is empty.")
    assert world.asked == []


def test_what_is_known_of_a_file_does_not_get_round_the_kinds_that_are_taken(tmp_path: Path, store: Store) -> None:
    """Whoever narrows them later is obeyed; who widens them again has it answered."""
    for kinds, state in (("h5", UploadState.DONE), ("keras", UploadState.REFUSED), ("h5", UploadState.DONE)):
        work = work_on(tmp_path, store, World(), upload_kinds=kinds)
        with work.running():
            assert until(work, store, hand_in(work.door), is_over).state is state


def test_a_script_alone_is_built_in_each_environment(tmp_path: Path, store: Store) -> None:
    """It merely loads, since its weights are drawn anew, and is saved everywhere."""
    world = World(inspection={"kind": "builder"}, rule=lambda environment, _: float(environment.minor[1]))
    work = work_on(tmp_path, store, world)
    with work.running():
        upload_id = hand_in(work.door)
        (tmp_path / "uploads" / "door" / upload_id / "model").rename(
            tmp_path / "uploads" / "door" / upload_id / "builder"
        )
        ticket = tmp_path / "uploads" / "door" / upload_id / "ticket.json"
        ticket.write_text(ticket.read_text().replace('"model":', '"builder":'))
        upload = until(work, store, upload_id, is_over)
    found = row(store, upload)
    assert {cell.result.verdict for cell in found.values()} == {Verdict.LOADS}
    assert upload.reference is None
    assert {name for name, what in world.asked if what == "build"} == set(IDS.values())


def test_environments_that_are_not_there_or_broken_accuse_us(tmp_path: Path, store: Store) -> None:
    """One without an image is not in the row; one that does not prove itself is never red, and tried again next time."""
    world = World(broken=frozenset({"tf2.5"}))
    work = work_on(tmp_path, store, world, missing=frozenset({"tf2.4"}))
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
        world.broken = frozenset()
        second = until(work, store, hand_in(work.door), is_over)
    assert "tf2.4" not in upload.plan
    assert row(store, second)["tf2.5"].result.verdict is Verdict.PASS


def test_what_a_killed_process_was_at_goes_on(tmp_path: Path, store: Store) -> None:
    """The next process takes up what was inspected and found, and runs only what is missing."""
    world = World()
    work = work_on(tmp_path, store, world, lanes=1)
    with work.running():
        upload_id = hand_in(work.door)
        until(work, store, upload_id, lambda one: len(store.uploads.cells(one.content)) >= 3)
    left = store.uploads.get(upload_id)
    assert left is not None
    known = len(store.uploads.cells(left.content))
    assert not left.state.is_over or known == len(BASES)
    again = World()
    work = work_on(tmp_path, store, again)
    with work.running():
        upload = until(work, store, upload_id, is_over)
    assert len(row(store, upload)) == len(BASES)
    assert again.inspected == 0
    assert len({name for name, _ in again.asked}) <= len(BASES) - known + 1


def test_a_fault_of_ours_is_said_and_the_next_upload_is_served(tmp_path: Path, store: Store) -> None:
    """Nothing hangs."""
    world = World(faults=[ZeroDivisionError()])
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
        other = until(work, store, hand_in(work.door, b"another"), is_over)
    assert upload.state is UploadState.FAILED
    assert "ZeroDivisionError" in (upload.message or "")
    assert other.state is UploadState.DONE


def test_ten_at_once_are_all_served(tmp_path: Path, store: Store) -> None:
    """None is lost; whoever hands in one is not behind all of somebody's nine."""
    work = work_on(tmp_path, store, World(), lanes=1)
    with work.running():
        many = [hand_in(work.door, b"%d" % number, owner="many") for number in range(9)]
        one = hand_in(work.door, b"one", owner="one")
        uploads = [until(work, store, upload_id, is_over) for upload_id in (*many, one)]
    assert {upload.state for upload in uploads} == {UploadState.DONE}
    ended = sorted(uploads, key=lambda upload: str(upload.finished_at))
    assert uploads[-1].id in {upload.id for upload in ended[:4]}


def test_slow_looks_into_files_keep_no_rows_of_others_waiting(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender of files that keep the inspector busy has one of them before somebody's row; the others in their turns."""
    monkeypatch.setattr(turns, "ALLOWANCE", 0.0001)
    world, looked_into = World(), list[int]()

    def slow(parts: Parts) -> dict[str, Any]:
        while store.uploads.get(ids[-1]) is None:  # by then all were taken in
            time.sleep(0.001)
        return world(parts)

    def note(environment: Environment, _method: str) -> float:
        if environment.id == "tf2.15":
            looked_into.append(world.inspected)
        return 1.0

    world.rule = note
    work = work_on(tmp_path, store, world, lanes=1)
    work._inspect = slow
    asked = Options(environments=("tf2.9",), save_again=False)
    ids = [hand_in(work.door, b"%d" % number, owner="slow", options=asked) for number in range(5)]
    ids.append(hand_in(work.door, b"row", owner="another", options=Options(environments=("tf2.15",), save_again=False)))
    with work.running():
        until(work, store, ids[-1], is_over)
    assert looked_into == [2]


def all_have_turns(store: Store, ids: Sequence[str]) -> bool:
    """Whether these were given their turns."""
    return all(upload is not None and upload.turn is not None for upload in map(store.uploads.get, ids))


def test_who_waits_is_told_how_many_rows_are_before(tmp_path: Path, store: Store) -> None:
    """Also once all were looked into, which is soon; a row's time counts from its own first turn."""
    world, told, ids = World(), threading.Event(), list[str]()

    def look(parts: Parts) -> dict[str, Any]:
        while len(ids) < 4 or store.uploads.get(ids[-1]) is None:  # by then all were taken in
            time.sleep(0.001)
        return world(parts)

    def hold(_environment: Environment, _method: str) -> float:
        assert told.wait(SECONDS)
        return 1.0

    world.rule = hold
    work = work_on(tmp_path, store, world, lanes=1)
    work._inspect = look
    some = Options(environments=("tf2.9",), save_again=False)
    with work.running():
        ids += [hand_in(work.door, b"%d" % number, owner="many", options=some) for number in range(3)]
        ids.append(hand_in(work.door, b"one", owner="one", options=some))
        until(work, store, ids[0], lambda one: one.started_at is not None and all_have_turns(store, ids))
        waits = store.uploads.waits(datetime.now(UTC))
        told.set()
        ended = [until(work, store, one, is_over) for one in ids]
    assert world.inspected == len(ids)
    assert [waits[one].ahead for one in ids] == [0, 2, 3, 1]
    began = [str(one.started_at) for one in ended]
    assert sorted(began) == [began[place] for place in (0, 3, 1, 2)]


def test_two_processes_do_not_work_on_the_same_uploads(tmp_path: Path, store: Store) -> None:
    """The second is told."""
    first, second = work_on(tmp_path, store, World()), work_on(tmp_path, store, World())
    with first.running(), pytest.raises(BusyError), second.running():
        pass


def test_a_child_may_copy_what_may_be_uploaded(tmp_path: Path) -> None:
    """However little a cell may answer: an upload is copied, and its archive unpacked, before it is loaded."""
    settings = Settings(home=tmp_path, artifact_bytes=1 << 20, upload_bytes=3 << 30)
    engine: Any = None
    opened = sandboxes(settings, engine)._patience
    assert {limits.file for limits in (opened.load, opened.save)} == {3 << 30}
    assert opened.load.body == 1 << 20
    small = Settings(home=tmp_path, upload_bytes=1 << 20)
    assert sandboxes(small, engine)._patience.load.file == probe("archives").MAX_BYTES


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


def test_what_no_container_has_room_for_is_refused(tmp_path: Path, store: Store) -> None:
    """Before anything is loaded, in a sentence: no framework is said to refuse it."""
    world = World(inspection={"unpacked": 3 << 30}, most_bytes=2 << 30)
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert (upload.state, world.asked) == (UploadState.REFUSED, [])
    assert upload.message == "It unpacks to 3,072 MiB, and a container here has room for 2,048 MiB."


def test_what_a_child_assumed_reaches_the_upload(tmp_path: Path, store: Store) -> None:
    """Where inputs come from, and what is not known of them: once for all environments, as they are asked the same."""
    work = work_on(tmp_path, store, World(made=lambda: 1.0), lanes=1)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    said = upload.inspection or {}
    assert (said["inputs_from"], said["inputs_note"]) == ("model", f"{STATED_LATER} 0 and 1 were made.")
    assert {cell.notes for cell in row(store, upload).values()} == {()}


@pytest.mark.parametrize("given", [True, False])
def test_a_script_is_called_with_what_was_given(tmp_path: Path, store: Store, *, given: bool) -> None:
    """In its row, and where it is saved again; without, the page says where its inputs come from."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor == (2, 4) else "no")
    work = work_on(tmp_path, store, world, lanes=1)
    with work.running():
        inputs = work._blobs.put(b"inputs") if given else ""
        world.inspection = {"kind": "builder", "inputs": inputs or None, "inputs_from": "given" if given else "none"}
        upload = until(
            work,
            store,
            hand_in(work.door, named={Part.BUILDER: ("builder.py", b"def build_model(): ...")}, options=Options()),
            is_over,
        )
    assert upload.state is UploadState.DONE, upload.message
    assert world.built_with == {inputs}
    assert ("tf2.4", "build") in world.asked
    assert (upload.inspection or {})["inputs_from"] == ("given" if given else "sample_inputs")
    assert {one.outcome for one in store.uploads.saves(upload.content)} == {SaveOutcome.SAVED}
