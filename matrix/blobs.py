"""Files named by their content. What is stored under a digest either has that digest or is refused."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from matrix.errors import DiskFullError, StoreError

_SHA256: Final = re.compile("[0-9a-f]{64}")
_FILE_MODE: Final = 0o644  # a sandbox reads it as another user
_FOLDER_MODE: Final = 0o755
_HALF_WRITTEN: Final = ".new-"


class TooLargeError(Exception):
    """A stream holds more than it may."""


class Blobs:
    """A folder of blobs: ``<root>/<first two digits>/<sha256>``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def sweep(self) -> None:
        """Remove what a writer left half written when it was killed; for the one process that writes here."""
        for path in self._root.glob(f"*/{_HALF_WRITTEN}*"):
            path.unlink(missing_ok=True)

    def put(self, content: bytes) -> str:
        """Store bytes and return their sha256. They are on the disk when this returns, whole or not at all."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path(sha256)
        if _holds(target, content):
            os.utime(target)  # so that whoever sweeps sees that somebody has use for it
        else:
            with _room_needed(target), _replacing(target) as temporary:
                temporary.write_bytes(content)
                _flush(temporary)
            _flush(target.parent)
        return sha256

    def take(self, source: BinaryIO, limit: int) -> tuple[str, int]:
        """Store what a stream holds, without keeping it in memory; return its sha256 and size.

        Raises:
            TooLargeError: It holds more bytes than the limit; nothing is kept.
        """
        digest, size = hashlib.sha256(), 0
        place = self._root / "00" / "taken"
        with _room_needed(place), _new_file(place.parent) as temporary:
            with temporary.open("wb") as file:
                while chunk := source.read(1 << 20):
                    size += len(chunk)
                    if size > limit:
                        raise TooLargeError(f"it is larger than {limit} bytes")
                    digest.update(chunk)
                    file.write(chunk)
            target = self.path(digest.hexdigest())
            _folder(target.parent)
            _flush(temporary)
            _place(temporary, target)
            _flush(target.parent)
        return digest.hexdigest(), size

    def drop(self, sha256: str) -> None:
        """Remove a blob that nothing names any more."""
        self.path(sha256).unlink(missing_ok=True)

    def keep_only(self, named: Collection[str], *, older_than: float = 0.0) -> None:
        """Remove every blob but these and what was written within so many seconds; for the one process that writes here."""
        before = time.time() - older_than
        for path in self._root.glob("*/*"):
            if path.name not in named and path.stat().st_mtime <= before:
                path.unlink(missing_ok=True)

    def get(self, sha256: str) -> bytes:
        """The bytes of a blob, once they are seen to be those."""
        try:
            content = self.path(sha256).read_bytes()
        except OSError as error:
            raise self._missing(sha256) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise self._damaged(sha256)
        return content

    def path(self, sha256: str) -> Path:
        """Where a blob is, or would be."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a sha256 in lower-case hexadecimal")
        return self._root / sha256[:2] / sha256

    def link_into(self, sha256: str, folder: Path, name: str) -> Path:
        """Place a blob in a folder under a name, without a copy where the file system allows that.

        It is checked first: a damaged file would come back from a container as a verdict.
        """
        if name in {"", ".."} or name != Path(name).name:
            raise ValueError(f"{name!r} is not a plain file name")
        blob, target = self.path(sha256), folder / name
        try:
            with blob.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._missing(sha256) from error
        if found != sha256:
            raise self._damaged(sha256)
        with _room_needed(target), _replacing(target) as temporary:
            temporary.unlink()
            _link_or_copy(blob, temporary)
        return target

    def _missing(self, sha256: str) -> StoreError:
        return StoreError(
            f"The stored file {self.path(sha256)} is missing or cannot be read, though the results name it.",
            next_step=_START_AFRESH.format(root=self._root),
        )

    def _damaged(self, sha256: str) -> StoreError:
        return StoreError(
            f"The stored file {self.path(sha256)} is damaged: its content is not what its name says.",
            next_step=_START_AFRESH.format(root=self._root),
        )


_START_AFRESH: Final = (
    "Put it back from a copy of {root}; or delete it, move the database aside and run `make matrix` to measure anew."
)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A temporary file that takes the target's place in one step, or is removed."""
    with _new_file(target.parent) as temporary:
        yield temporary
        _place(temporary, target)


@contextmanager
def _new_file(folder: Path) -> Iterator[Path]:
    _folder(folder)
    handle, name = tempfile.mkstemp(prefix=_HALF_WRITTEN, dir=folder)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)  # still there after an error, or when it is the very file it replaced


def _folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(_FOLDER_MODE)


def _place(temporary: Path, target: Path) -> None:
    temporary.chmod(_FILE_MODE)
    temporary.replace(target)


@contextmanager
def _room_needed(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"No room is left on the disk of {target.parent}; nothing was half written."
            step = "Free some space (`tfmatrix images prune` removes old images), then `tfmatrix run --resume`."
            raise DiskFullError(message, next_step=step) from error
        message = f"{target} cannot be written ({error.strerror})."
        raise StoreError(message, next_step="Check that the folder is yours to write.") from error


def _holds(target: Path, content: bytes) -> bool:
    """Whether a file has this content; one of another size need not be read."""
    try:
        return target.stat().st_size == len(content) and target.read_bytes() == content
    except OSError:
        return False


def _link_or_copy(blob: Path, target: Path) -> None:
    try:
        target.hardlink_to(blob)
    except OSError:  # another file system, one without links, or too many of them
        shutil.copyfile(blob, target)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
