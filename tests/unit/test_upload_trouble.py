"""Uploads where something is in the way: a stop, the database, a lost file, nonsense at the door. Nothing hangs or is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from matrix.blobs import Blobs
from matrix.errors import StoreError
from matrix.model import Environment, Verdict
from matrix.store import Store
from matrix.uploads.model import Options, Part, UploadCell, UploadState
from tests.fake_uploads import IDS, SECONDS, TOKEN, World, everywhere, hand_in, is_over, row, store, until, work_on

__all__ = ["store"]


def test_what_we_stop_ourselves_is_no_crash(tmp_path: Path, store: Store) -> None:
    """A container that is taken down because we stop looks like a model that died: that is not kept."""
    world = World()

    def taken_down(environment: Environment, _method: str) -> float | str:
        if environment.id != "tf2.9":
            assert world.stopped.wait(SECONDS)
            return "die"
        return 1.0

    world.rule = taken_down
    work = work_on(tmp_path, store, world)
    with work.running():
        upload_id = hand_in(work.door)
        until(work, store, upload_id, lambda one: bool(store.uploads.cells(one.content)))
    left = store.uploads.get(upload_id)
    assert left is not None
    assert left.state is UploadState.LOADING
    assert row(store, left).keys() == {"tf2.9"}


def failing_once(store: Store, monkeypatch: pytest.MonkeyPatch, name: str, when: Callable[..., bool]) -> list[str]:
    """Have a write of the database fail, once each time that ``when`` is newly true of what it writes."""
    seen: list[str] = []
    real = getattr(store.uploads, name)

    def write(*args: Any, **fields: Any) -> Any:
        what = str(fields.get("state", name))
        if what not in seen and when(*args, **fields):
            seen.append(what)
            raise StoreError("The database is locked.")
        return real(*args, **fields)

    monkeypatch.setattr(store.uploads, name, write)
    monkeypatch.setattr("matrix.uploads.case.REST_SECONDS", 0.05)
    return seen


def test_no_state_stays_for_ever_where_the_database_is_away_for_a_moment(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever change of state cannot be written down at first is written down later, and no lane is lost."""
    seen = failing_once(store, monkeypatch, "change", lambda *_, **fields: "state" in fields)
    work = work_on(tmp_path, store, World(rule=lambda one, _: 1.0 if one.minor <= (2, 5) else "no"), lanes=1)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    assert upload.state is UploadState.DONE
    assert set(seen) >= {"inspecting", "loading", "saving-again", "done"}


def test_the_last_finding_of_a_row_may_be_written_down_late(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All places are done, and the database is away when that is told: the row ends nevertheless."""
    failing_once(store, monkeypatch, "change", lambda *_, **fields: "row_at" in fields)
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert (upload.state, upload.row_at is not None) == (UploadState.DONE, True)


def test_files_that_are_lost_end_an_upload_and_stop_no_other(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not tried for ever, and the next one is served meanwhile."""
    monkeypatch.setattr("matrix.uploads.case.REST_SECONDS", 0.01)
    world = World()
    work = work_on(tmp_path, store, world, lanes=1)
    files = Blobs(tmp_path / "uploads" / "files")

    def lose(environment: Environment, _method: str) -> float:
        for upload in store.uploads.under_way():
            files.path(upload.parts[Part.MODEL].sha256).unlink(missing_ok=True)
        return float(environment.minor[1])

    world.rule = lose
    with work.running():
        lost = until(work, store, hand_in(work.door), is_over)
        world.rule = everywhere
        other = until(work, store, hand_in(work.door, b"another"), is_over)
    assert lost.state is UploadState.FAILED
    assert str(tmp_path) not in (lost.message or "")
    assert other.state is UploadState.DONE


def test_a_fault_in_an_upload_that_is_deleted_meanwhile_costs_no_lane(tmp_path: Path, store: Store) -> None:
    """Nobody is left to be told; the one lane goes on."""
    world = World()
    work = work_on(tmp_path, store, world, lanes=1)

    def fault(_environment: Environment, _method: str) -> float:
        for upload in store.uploads.under_way():
            store.uploads.forget(upload.id, UploadState.DELETED, datetime.now(UTC))
        raise ZeroDivisionError

    world.rule = fault
    with work.running():
        until(work, store, hand_in(work.door), is_over)
        world.rule = everywhere
        other = until(work, store, hand_in(work.door, b"another"), is_over)
    assert other.state is UploadState.DONE


def test_where_no_environment_is_built_that_is_said(tmp_path: Path, store: Store) -> None:
    """It ends, and names what builds them."""
    work = work_on(tmp_path, store, World(), missing=frozenset(IDS.values()))
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert (upload.state, "setup" in (upload.next_step or "")) == (UploadState.FAILED, True)


def test_a_deletion_is_heard_before_what_lies_at_the_door_is_taken_in(tmp_path: Path, store: Store) -> None:
    """Web leaves word and clears the door; a runner that looks between the two takes nothing in."""
    work = work_on(tmp_path, store, World())
    with work.running():
        upload_id = hand_in(work.door)
        work.door.ask_removal(upload_id, "guess")
        work.look()
        taken = store.uploads.get(upload_id)
        other = hand_in(work.door, b"other")
        work.door.ask_removal(other, TOKEN)
        work.look()
        gone = store.uploads.get(other)
    assert (taken and taken.state.is_gone, gone and gone.state) == (False, UploadState.DELETED)
    assert not work.door.holds(other)


def test_a_deletion_that_the_database_could_not_note_is_heard_again(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked was told that it is done."""
    failing_once(store, monkeypatch, "forget", lambda *_: True)
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
        work.door.ask_removal(upload.id, TOKEN)
        with pytest.raises(StoreError):
            work.look()
        until(work, store, upload.id, lambda one: one.state.is_gone)


def test_what_is_known_is_not_taken_in_again(tmp_path: Path, store: Store) -> None:
    """What a killed process left at the door, and what somebody puts back there, changes nothing of what is known."""
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
        work._intake.remove(upload.id, UploadState.DELETED)
        again = tmp_path / "uploads" / "door" / hand_in(work.door, b"other")
        again.rename(again.with_name(upload.id))
        work.look()
        known = store.uploads.get(upload.id)
    assert known is not None
    assert known.state is UploadState.DELETED
    assert work.door.waiting() == ()
    assert not work._cases


def test_all_environments_are_asked_the_same_whenever_they_are_asked(tmp_path: Path, store: Store) -> None:
    """Inputs that a script draws by chance are kept: other ones would make a drift of every environment asked later."""
    chance = iter(range(1000))
    world = World(made=lambda: float(next(chance)))
    some = Options(environments=("tf2.9", "tf2.13"), save_again=False)
    first = work_on(tmp_path, store, world, lanes=1)
    with first.running():
        upload = until(first, store, hand_in(first.door, options=some), is_over)
    later = World(made=lambda: float(next(chance)))
    again = work_on(tmp_path, store, later, lanes=1)
    with again.running():
        until(again, store, hand_in(again.door), is_over)
    asked = (world.inputs | later.inputs) - {""}
    assert len(asked) == 1
    assert upload.inspection is not None
    assert asked == {upload.inspection["inputs"]}
    assert Blobs(tmp_path / "uploads" / "files").get(*asked)


def test_nothing_is_saved_again_where_the_room_for_uploads_is_full(tmp_path: Path, store: Store) -> None:
    """The row is there all the same."""
    work = work_on(tmp_path, store, World())
    work._means = replace(work._means, disk=1)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    assert upload.state is UploadState.DONE
    assert len(row(store, upload)) == len(IDS)
    assert store.uploads.saves(upload.content) == ()


def test_what_could_not_be_written_when_the_reference_was_found_is_written_later(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very write that says that the reference passes: it must not stay ``loads``."""
    monkeypatch.setattr("matrix.uploads.case.REST_SECONDS", 0.01)
    real = store.uploads.record_cells

    def away_once(content: str, found: Sequence[UploadCell]) -> None:
        if any(cell.result.verdict is Verdict.PASS for cell in found) and not away:
            away.append(found)
            raise StoreError("The database is away.")
        real(content, found)

    away: list[Sequence[UploadCell]] = []
    monkeypatch.setattr(store.uploads, "record_cells", away_once)
    work = work_on(tmp_path, store, World(), lanes=1)
    with work.running():
        upload = until(
            work, store, hand_in(work.door, options=Options(save_again=False, environments=("tf2.9",))), is_over
        )
    assert away
    assert {cell.result.verdict for cell in row(store, upload).values()} == {Verdict.PASS}


def test_a_file_is_looked_into_again_where_its_inputs_are_lost(tmp_path: Path, store: Store) -> None:
    """What is known of the same files helps nobody who is asked with what is not there."""
    world = World(made=lambda: 1.0)
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
        assert upload.inspection is not None
        work._blobs.drop(upload.inspection["inputs"])
        again = until(work, store, hand_in(work.door), is_over)
    assert (again.state, world.inspected) == (UploadState.DONE, 2)


def test_what_a_killed_process_left_of_looking_into_files_is_cleared_away(tmp_path: Path, store: Store) -> None:
    """Folders are numbered anew by each process."""
    left = tmp_path / "uploads" / "inspect" / "0"
    left.mkdir(parents=True)
    with work_on(tmp_path, store, World()).running():
        assert not left.exists()
