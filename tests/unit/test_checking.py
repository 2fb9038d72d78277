"""Who works on what ``tfmatrix check`` hands in on this machine: whoever holds the lock, and this process where nobody does."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from filelock import FileLock

from matrix.config import Settings
from matrix.errors import DiskFullError, EngineError, StoreError, TfmatrixError, UsageError
from matrix.store import Store
from matrix.uploads.door import Door
from matrix.uploads.model import Options, Part
from matrix.uploads.work import UploadWork, alone
from service import checking
from service.alive import sign_of
from service.checking import Handed, handed_in
from tests.fake_uploads import SECONDS, World, engine_died, work_on

OPTIONS: Final = Options(environments=("tf2.9",), save_again=False)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments that answer by a rule."""

    def work(settings: Settings, opened: Store, _say: object) -> UploadWork:
        return work_on(settings.home, opened, World())

    monkeypatch.setattr(checking, "upload_work", work)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file."""
    path = tmp_path / "model.h5"
    path.write_bytes(b"model")
    return path


@contextmanager
def checked(home: Path, model: Path, **settings: Any) -> Iterator[Handed]:
    """A file that was handed in on this machine."""
    with handed_in(
        Settings(home=home, **settings), {Part.MODEL: model}, OPTIONS, server="", token="", say=lambda _: None
    ) as handed:
        yield handed


def finished(handed: Handed) -> bool:
    """Whether its row comes to stand within the time of a test."""
    deadline = time.monotonic() + SECONDS / 4
    while time.monotonic() < deadline:
        document = handed.look()
        if document is not None and document["finished"]:
            return bool(document["done"])
        time.sleep(0.01)
    return False


def test_where_nobody_works_this_process_does(tmp_path: Path, model: Path) -> None:
    """Nothing has to be started for it."""
    with checked(tmp_path, model) as handed:
        assert finished(handed)


def test_a_runner_that_takes_no_uploads_is_not_waited_for(tmp_path: Path, model: Path) -> None:
    """With TFMATRIX_UPLOADS=off it lives, and holds no lock."""
    sign_of(tmp_path).touch()
    with checked(tmp_path, model, uploads="off") as handed:
        assert finished(handed)


def test_who_follows_another_check_takes_over_when_that_one_leaves(tmp_path: Path, model: Path) -> None:
    """`check a & check b`: the first is done when its own row stands, and then nobody works on the second's."""
    with ExitStack() as both:
        with alone(Settings(home=tmp_path)):
            handed = both.enter_context(checked(tmp_path, model))
            assert [handed.look() for _ in range(3)] == [None] * 3
        assert finished(handed)


def refusing(error: TfmatrixError) -> Callable[..., UploadWork]:
    """What cannot work here."""

    def work(*_: object) -> UploadWork:
        raise error

    return work


def test_where_nothing_can_work_here_that_is_told_at_once(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is left at the door for others to find."""
    monkeypatch.setattr(checking, "upload_work", refusing(engine_died()))
    with pytest.raises(EngineError, match="engine is gone"), checked(tmp_path, model):
        raise AssertionError
    assert not list(tmp_path.glob("uploads/door/*"))


def test_a_runner_that_begins_is_waited_for_where_nothing_can_work_here(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives and holds the lock in a moment. Where it never does, what is in the way is told; not while somebody works."""
    sign_of(tmp_path).touch()
    monkeypatch.setattr(checking, "upload_work", refusing(engine_died()))
    monkeypatch.setattr(checking, "RETRY_SECONDS", 0.0)
    with checked(tmp_path, model) as handed:
        assert handed.look() is None
        monkeypatch.setattr(checking, "LOST_SECONDS", -1.0)
        with alone(Settings(home=tmp_path)):
            assert handed.look() is None
        with pytest.raises(EngineError, match="engine is gone"):
            handed.look()


def test_a_lock_of_another_user_is_left_to_the_runner(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lives works under it; where none does, that is said, with what to do."""

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", forbidden)
    with pytest.raises(UsageError, match="Permission denied"), checked(tmp_path, model):
        raise AssertionError
    sign_of(tmp_path).touch()
    monkeypatch.setattr(checking, "LOST_SECONDS", -1.0)
    with checked(tmp_path, model) as handed:
        assert handed.look() is None


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, DiskFullError), (errno.EACCES, StoreError)])
def test_what_the_disk_says_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[TfmatrixError]
) -> None:
    """Full, or not ours to write; and nothing lies at the door afterwards."""

    def says(*_: object) -> None:
        raise OSError(number, "injected")

    monkeypatch.setattr("shutil.copyfile", says)
    file = tmp_path / "model.h5"
    file.write_bytes(b"model")
    door = Door(tmp_path / "uploads" / "door")
    with pytest.raises(kind) as told:
        checking._into(door, {Part.MODEL: file}, Options())
    assert told.value.next_step
    assert door.weight() == (0, 0)
