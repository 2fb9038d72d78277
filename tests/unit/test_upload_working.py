"""What the runner does for uploads where none are taken, or nothing can work on them: what is deleted or expired goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from matrix.config import Settings
from matrix.errors import BusyError
from matrix.store import Store
from matrix.uploads.model import Options, Upload, UploadState
from matrix.uploads.work import alone
from service.uploads import working
from service.uploads.working import attending
from tests.fake_uploads import SECONDS, TOKEN, World, engine_died, hand_in, is_over, store, until, work_on

__all__ = ["store"]

PAST = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long in a test."""
    monkeypatch.setattr(working, "REMOVAL_SECONDS", 0.02)
    monkeypatch.setattr(working, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr("matrix.uploads.intake.TIDY_SECONDS", 0.0)


def files(home: Path) -> list[Path]:
    """All files that are kept of uploads."""
    return [path for path in (home / "uploads" / "files").rglob("*") if path.is_file()]


def two(home: Path, store: Store) -> tuple[Upload, Upload]:
    """Two uploads whose rows stand."""
    work = work_on(home, store, World())
    asked = Options(environments=("tf2.9",), save_again=False)
    with work.running():
        first, second = (until(work, store, hand_in(work.door, one, options=asked), is_over) for one in (b"1", b"2"))
    return first, second


def in_time(reached: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(store: Store, upload_id: str) -> UploadState | None:
    """Where an upload stands."""
    upload = store.uploads.get(upload_id)
    return None if upload is None else upload.state


@pytest.mark.parametrize("uploads", ["off", "auto"])
def test_what_is_deleted_or_expired_goes_also_where_nothing_is_worked_on(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, uploads: Any
) -> None:
    """Uploads are off, or there is no engine; what lies at the door and is not asked to be deleted stays there."""

    def no_engine(*_: object) -> None:
        raise engine_died()

    monkeypatch.setattr(working, "upload_work", no_engine)
    deleted, expired = two(tmp_path, store)
    door = work_on(tmp_path, store, World()).door
    door.ask_removal(deleted.id, TOKEN)
    store.uploads.change(expired.id, expires_at=PAST)
    lying, asked = hand_in(door, b"3"), hand_in(door, b"4")
    door.ask_removal(asked, TOKEN)
    with attending(Settings(home=tmp_path, uploads=uploads), store, lambda _: None):
        in_time(lambda: state(store, asked) is UploadState.DELETED and not files(tmp_path))
    assert state(store, deleted.id) is UploadState.DELETED
    assert state(store, expired.id) is UploadState.EXPIRED
    assert not store.uploads.cells(expired.content)
    assert (door.waiting(), door.removals(), store.uploads.get(lying)) == ((lying,), (), None)


def test_who_works_meanwhile_removes_it(tmp_path: Path, store: Store) -> None:
    """Such as ``tfmatrix check`` beside a runner that takes no uploads: it is not kept from working, nothing is done twice."""
    said: list[str] = []
    with attending(Settings(home=tmp_path, uploads="off"), store, said.append):
        work = work_on(tmp_path, store, World())

        def is_free() -> bool:
            try:
                with work.running():
                    until(work, store, hand_in(work.door, options=Options(environments=("tf2.9",))), is_over)
                    time.sleep(0.1)
            except BusyError:  # for the moment that a removal takes
                return False
            return True

        in_time(is_free)
    assert said == []
    with alone(Settings(home=tmp_path)):
        pass


def test_what_expires_at_the_door_goes_as_well(tmp_path: Path, store: Store) -> None:
    """It was never taken in: since uploads are off, or for want of room."""
    door = work_on(tmp_path, store, World()).door
    upload_id = hand_in(door)
    ticket = tmp_path / "uploads" / "door" / upload_id / "ticket.json"
    ticket.write_text(ticket.read_text().replace(str(datetime.now(UTC).year), "2001"))
    with attending(Settings(home=tmp_path, uploads="off"), store, lambda _: None):
        in_time(lambda: state(store, upload_id) is UploadState.EXPIRED)
    assert door.waiting() == ()
