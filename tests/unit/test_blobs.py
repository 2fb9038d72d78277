"""A blob is what its name says, whole, or it is refused."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from matrix.blobs import Blobs
from matrix.errors import DiskFullError, ExitCode, StoreError

CONTENT = b"a saved model"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty store that does not exist yet."""
    return Blobs(tmp_path / "var" / "blobs")


def modes(path: Path) -> tuple[int, int]:
    """The mode of a file and of its folder."""
    return path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777


def test_what_is_put_is_got(blobs: Blobs) -> None:
    """Content comes back under its digest, from the place that the digest names."""
    assert blobs.put(CONTENT) == NAME
    assert blobs.get(NAME) == CONTENT
    assert blobs.path(NAME).parts[-2:] == (NAME[:2], NAME)


def test_a_sandbox_may_read_it_whatever_the_umask(blobs: Blobs) -> None:
    """Another user reads it; only its owner writes."""
    before = os.umask(0o077)
    try:
        blobs.put(CONTENT)
    finally:
        os.umask(before)
    assert modes(blobs.path(NAME)) == (0o644, 0o755)


def test_putting_again_keeps_the_file(blobs: Blobs) -> None:
    """Nothing is written twice, and no temporary file stays."""
    blobs.put(CONTENT)
    inode = blobs.path(NAME).stat().st_ino
    blobs.put(CONTENT)
    assert blobs.path(NAME).stat().st_ino == inode
    assert [file.name for file in blobs.path(NAME).parent.iterdir()] == [NAME]


@pytest.mark.parametrize("damaged", [b"", b"a saved mode", b"a saved MODEL"])
def test_putting_again_heals_a_damaged_file(blobs: Blobs, damaged: bytes) -> None:
    """Cut short or changed, it is replaced."""
    blobs.put(CONTENT)
    blobs.path(NAME).write_bytes(damaged)
    blobs.put(CONTENT)
    assert blobs.get(NAME) == CONTENT


def test_a_damaged_or_missing_blob_is_never_handed_out(blobs: Blobs, tmp_path: Path) -> None:
    """Neither as bytes nor as a link; the error says what to do."""
    for complaint in ("missing", "damaged"):
        for take in (lambda: blobs.get(NAME), lambda: blobs.link_into(NAME, tmp_path / "inbox", "x")):
            with pytest.raises(StoreError, match=complaint) as caught:
                take()
            assert caught.value.next_step
        blobs.put(CONTENT)
        blobs.path(NAME).write_bytes(b"a saved MODEL")
    assert not (tmp_path / "inbox").exists()


def test_a_link_is_no_copy(blobs: Blobs, tmp_path: Path) -> None:
    """The same file under another name; placing it again is fine."""
    blobs.put(CONTENT)
    blobs.link_into(NAME, tmp_path / "inbox", "model.h5")
    target = blobs.link_into(NAME, tmp_path / "inbox", "model.h5")
    assert target == tmp_path / "inbox" / "model.h5"
    assert target.samefile(blobs.path(NAME))
    assert modes(target) == (0o644, 0o755)
    assert [file.name for file in target.parent.iterdir()] == ["model.h5"]


def test_where_links_fail_it_is_copied(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Across file systems for one."""
    blobs.put(CONTENT)

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    target = blobs.link_into(NAME, tmp_path / "inbox", "model.h5")
    assert target.read_bytes() == CONTENT
    assert not target.samefile(blobs.path(NAME))
    assert modes(target) == (0o644, 0o755)


def test_a_full_disk_leaves_nothing_half_written(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is gone and the error has its own exit code."""

    def fill(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(DiskFullError) as caught:
        blobs.put(CONTENT)
    assert caught.value.exit_code is ExitCode.DISK
    assert caught.value.next_step
    assert list(blobs.path(NAME).parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """Here a file stands where the folder should be."""
    (tmp_path / "blobs").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        Blobs(tmp_path / "blobs").put(CONTENT)


@pytest.mark.parametrize("name", ["", "abc", NAME.upper(), "../" + NAME, NAME + "\n"])
def test_only_a_digest_names_a_blob(blobs: Blobs, name: str) -> None:
    """Nothing else becomes a path."""
    with pytest.raises(ValueError, match="sha256"):
        blobs.path(name)


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/passwd"])
def test_a_link_stays_in_its_folder(blobs: Blobs, tmp_path: Path, name: str) -> None:
    """Only a plain file name will do."""
    blobs.put(CONTENT)
    with pytest.raises(ValueError, match="plain file name"):
        blobs.link_into(NAME, tmp_path / "inbox", name)


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """Half of a file is removed before the next run; what is whole stays."""
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"whole")
    half = blobs.path(digest).parent / ".new-abcdef"
    half.write_bytes(b"wh")
    blobs.sweep()
    assert [path.name for path in half.parent.iterdir()] == [digest]


def test_what_is_swept_is_what_nobody_names_and_nobody_touched_lately(tmp_path: Path) -> None:
    """Whoever puts a file that is there already has use for it."""
    blobs = Blobs(tmp_path)
    named, old, young = (blobs.put(content) for content in (b"named", b"old", b"young"))
    for one in (named, old, young):
        os.utime(blobs.path(one), (1.0, 1.0))
    blobs.put(b"young")
    blobs.keep_only({named}, older_than=3600)
    assert [blobs.path(one).exists() for one in (named, old, young)] == [True, False, True]
