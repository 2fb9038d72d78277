"""What is taken in at the door, and what is left of an upload once it is deleted: nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from matrix.blobs import Blobs
from matrix.errors import DiskFullError, EngineError, StoreError
from matrix.store import Store
from matrix.uploads import intake
from matrix.uploads.model import Options, UploadState
from tests.fake_uploads import TOKEN, World, hand_in, is_over, store, until, work_on

__all__ = ["store"]


def test_a_deleted_upload_leaves_nothing_and_only_its_token_does_it(tmp_path: Path, store: Store) -> None:
    """A wrong token changes nothing; the right one removes files and findings."""
    work = work_on(tmp_path, store, World())
    files = tmp_path / "uploads" / "files"
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options(environments=("tf2.9",))), is_over)
        work.door.ask_removal(upload.id, "guess")
        work.look()
        assert store.uploads.cells(upload.content)
        work.door.ask_removal(upload.id, TOKEN)
        gone = until(work, store, upload.id, lambda one: one.state.is_gone)
    assert gone.state is UploadState.DELETED
    assert not store.uploads.cells(upload.content)
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_an_upload_whose_time_is_over_leaves_nothing(tmp_path: Path, store: Store) -> None:
    """But that it was here; another one of other files stays."""
    work = work_on(tmp_path, store, World())
    with work.running():
        asked = Options(environments=("tf2.9",), save_again=False)
        upload = until(work, store, hand_in(work.door, options=asked), is_over)
        other = until(work, store, hand_in(work.door, b"other", options=asked), is_over)
        store.uploads.change(upload.id, expires_at=upload.handed_in_at)
        work._intake._tidy_at = 0.0
        work.look()
    gone = store.uploads.get(upload.id)
    assert gone is not None
    assert (gone.state, gone.parts, gone.owner) == (UploadState.EXPIRED, {}, "")
    assert not store.uploads.cells(upload.content)
    assert store.uploads.cells(other.content)
    assert [work._blobs.path(file.sha256).exists() for one in (upload, other) for file in one.parts.values()] == [
        False,
        True,
    ]


def test_what_was_deleted_at_the_door_is_known_to_be_gone(tmp_path: Path, store: Store) -> None:
    """Of its files web left nothing, of its ticket some or nothing; a wrong token still changes nothing of what lies there."""
    work = work_on(tmp_path, store, World())
    cleared, half, wrong = (hand_in(work.door) for _ in range(3))
    for upload_id, token in ((cleared, TOKEN), (half, TOKEN), (wrong, "guess")):
        work.door.ask_removal(upload_id, token)
    work.door.clear(cleared)
    (tmp_path / "uploads" / "door" / half / "ticket.json").write_text("{")
    work._intake._remove_what_is_asked()
    found = {one: store.uploads.get(one) for one in (cleared, half, wrong)}
    for upload in (found[cleared], found[half]):
        assert upload is not None
        assert (upload.state, upload.parts, upload.owner) == (UploadState.DELETED, {}, "")
    assert (found[wrong], work.door.waiting()) == (None, (wrong,))


def test_what_nobody_came_to_name_is_swept(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as an answer that a lane wrote for an upload that was deleted under it; what is named stays."""
    monkeypatch.setattr(intake, "SWEEP_SECONDS", 0.0)
    monkeypatch.setattr(intake, "ORPHAN_SECONDS", 0.2)
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options(environments=("tf2.9",))), is_over)
        late = work._blobs.path(work._blobs.put(b"late"))
        work.look()
        assert late.exists()
        until(work, store, upload.id, lambda _: not late.exists())
        assert all(work._blobs.path(file.sha256).exists() for file in upload.parts.values())


def test_what_was_asked_to_be_deleted_outlives_whoever_dies_over_it(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the one that it died over nor those behind it are lost."""
    forget, faults = store.uploads.forget, [StoreError("The database is locked.")]

    def locked(upload_id: str, state: UploadState, now: datetime) -> frozenset[str]:
        if faults:
            raise faults.pop()
        return forget(upload_id, state, now)

    work = work_on(tmp_path, store, World())
    with work.running():
        ids = [until(work, store, hand_in(work.door), is_over).id for _ in range(3)]
        for upload_id in ids:
            work.door.ask_removal(upload_id, TOKEN)
        monkeypatch.setattr(store.uploads, "forget", locked)
        with pytest.raises(StoreError):
            work.look()
    another = work_on(tmp_path, store, World())
    with another.running():
        another.look()
    assert {str(one.state) for one in map(store.uploads.get, ids) if one} == {"deleted"}
    assert another.door.removals() == ()


def test_a_removal_that_meets_a_fault_of_ours_stops_nobody(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said and put aside: else no upload would ever be taken in again."""
    work = work_on(tmp_path, store, World())
    said: list[str] = []
    monkeypatch.setattr(work._intake, "_say", said.append)
    monkeypatch.setattr(work._intake, "_forget", lambda _: 1 / 0)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        work.door.ask_removal(first.id, TOKEN)
        assert until(work, store, hand_in(work.door, b"another"), is_over).state is UploadState.DONE
    assert [one for one in said if "ZeroDivisionError" in one and first.id not in one]
    assert work.door.removals() == ()


def test_what_nobody_names_is_removed_when_work_begins(tmp_path: Path, store: Store) -> None:
    """A process that was killed may leave files of which no upload knows; those of uploads stay."""
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    files = Blobs(tmp_path / "uploads" / "files")
    orphan = files.put(b"nobody's")
    with work_on(tmp_path, store, World()).running():
        pass
    assert not files.path(orphan).exists()
    assert all(files.path(file.sha256).exists() for file in upload.parts.values())


def test_without_room_an_upload_waits_at_the_door(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest goes on, and it is taken in once there is room."""
    work = work_on(tmp_path, store, World())
    monkeypatch.setattr("matrix.uploads.intake.FULL_SECONDS", 0.0)
    full = [DiskFullError("No room is left."), DiskFullError("No room is left.")]
    take = work._blobs.take

    def no_room(source: BinaryIO, limit: int) -> tuple[str, int]:
        if full:
            raise full.pop()
        return take(source, limit)

    monkeypatch.setattr(work._blobs, "take", no_room)
    with work.running():
        upload = until(work, store, hand_in(work.door), is_over)
    assert upload.state is UploadState.DONE
    assert not full


def test_what_is_taken_in_while_no_engine_answers_is_begun_once_one_does(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the store by then, and stays at the door until it is in hand."""
    world = World()
    work = work_on(tmp_path, store, world)
    with work.running():
        with monkeypatch.context() as without:

            def missing(_ids: object) -> frozenset[str]:
                raise EngineError("Nothing answers.", next_step="Start it.")

            without.setattr(work._engine, "missing", missing)
            upload_id = hand_in(work.door, options=Options(environments=("tf2.9",)))
            with pytest.raises(EngineError):
                work.look()
            assert upload_id in work.door.waiting()
        assert until(work, store, upload_id, is_over).state is UploadState.DONE
    assert work.door.waiting() == ()


def test_nonsense_at_the_door_is_cleared_away(tmp_path: Path, store: Store) -> None:
    """The next upload is served."""
    work = work_on(tmp_path, store, World())
    with work.running():
        broken = hand_in(work.door)
        (tmp_path / "uploads" / "door" / broken / "model").unlink()
        upload = until(work, store, hand_in(work.door, b"another"), is_over)
    assert upload.state is UploadState.DONE
    assert store.uploads.get(broken) is None
    assert work.door.waiting() == ()
