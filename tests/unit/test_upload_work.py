"""Uploads from the door to the last finding, with environments that answer by a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matrix import catalog
from matrix.config import Settings
from matrix.model import Flavour, Method, SaveOutcome, Verdict
from matrix.store import Store
from matrix.uploads.case import STATED_LATER
from matrix.uploads.model import Options, Part, UploadState
from matrix.uploads.work import sandboxes
from tests.fake_uploads import BASES, IDS, World, before_2_16, hand_in, is_over, row, store, until, work_on
from tests.probe_code import probe

__all__ = ["store"]

EVERYTHING = catalog.load_environments()
OVERLAYS = [one for one in EVERYTHING if one.base is not None]
KERAS_3 = [one for one in OVERLAYS if one.flavour is Flavour.KERAS3]


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


def test_what_is_refused_has_no_row(tmp_path: Path, store: Store) -> None:
    """The sentence and the next step are the inspector's."""
    refused = {"code": "empty", "message": "The file is empty.", "next_step": "Choose another."}
    world = World(inspection={"refused": refused})
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, b""), is_over)
    assert (upload.state, upload.message) == (UploadState.REFUSED, "The file is empty.")
    assert world.asked == []


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


def test_a_child_may_copy_what_may_be_uploaded(tmp_path: Path) -> None:
    """However little a cell may answer: an upload is copied, and its archive unpacked, before it is loaded."""
    settings = Settings(home=tmp_path, artifact_bytes=1 << 20, upload_bytes=3 << 30)
    engine: Any = None
    opened = sandboxes(settings, engine)._patience
    assert {limits.file for limits in (opened.load, opened.save)} == {3 << 30}
    assert opened.load.body == 1 << 20
    small = Settings(home=tmp_path, upload_bytes=1 << 20)
    assert sandboxes(small, engine)._patience.load.file == probe("archives").MAX_BYTES


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
