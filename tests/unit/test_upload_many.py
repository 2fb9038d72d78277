"""Many uploads at once: all are served, none keeps another one's row waiting for long, and who waits is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from matrix.errors import BusyError
from matrix.model import Environment
from matrix.store import Store
from matrix.uploads import turns
from matrix.uploads.model import Options, Parts, UploadState
from tests.fake_uploads import SECONDS, World, hand_in, is_over, store, until, work_on

__all__ = ["store"]


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
