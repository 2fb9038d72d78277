"""The door: a folder through which uploads come in, written by web, emptied by the runner.

Web may write here and nowhere else (decision 13), so whatever lies here may have been written by somebody who has taken
web over: the runner opens nothing but plain files, follows no link, believes no number, and copies what it takes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from matrix.protocol import clean
from matrix.uploads.model import Options, Part

TICKET: Final = "ticket.json"
_TICKET_BYTES: Final = 64 << 10
_ID: Final = re.compile("[A-Za-z0-9_-]{20,64}")
_REMOVAL: Final = ".remove"
_ABANDONED_SECONDS: Final = 24 * 3600
NAME_LENGTH: Final = 200
_DIGEST: Final = re.compile("([0-9a-f]{64})?")  # without one nobody deletes it
_NONSENSE: Final = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What reading anything raises that was not written by our web."""


class DoorError(Exception):
    """Something at the door is not what our web writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """What goes with the files: whose they are, what they were called, what is asked."""

    id: str
    names: dict[Part, str]
    options: Options
    owner: str
    deletion: str
    handed_in_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """Somebody wants an upload deleted, and says that this is its token."""

    id: str
    token: str


def new_id() -> str:
    """Return a name that nobody guesses: 128 bits."""
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Whether a text can be an upload's id, and so a folder's name."""
    return _ID.fullmatch(text) is not None


class Door:
    """The folder, from both sides."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def handing_in(self, upload_id: str) -> Iterator[Path]:
        """Give a folder to write parts into, each named by its part; it is removed unless ``hand_in`` took it."""
        half = self._half(upload_id)
        half.mkdir(parents=True, mode=0o755)
        if self._root.stat().st_mode & stat.S_ISGID:  # web and runner are different users, with a group of both
            half.chmod(0o775)
        try:
            yield half
        finally:
            shutil.rmtree(half, ignore_errors=True)

    def hand_in(self, ticket: Ticket) -> None:
        """Publish a folder that was filled: from now on the runner sees it, whole."""
        half = self._half(ticket.id)
        fields = asdict(ticket) | {"handed_in_at": ticket.handed_in_at.isoformat()}
        (half / TICKET).write_text(json.dumps(fields))
        half.rename(self._root / ticket.id)

    def ask_removal(self, upload_id: str, token: str) -> None:
        """Leave word that an upload be deleted; whether the token is right, the runner says."""
        if not is_id(upload_id):
            raise ValueError(f"{upload_id!r} is no upload's id")
        half = self._root / f".{upload_id}{_REMOVAL}"
        self._root.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps({"token": token}))
        half.rename(self._root / f"{upload_id}{_REMOVAL}")

    def is_removed(self, upload_id: str) -> bool:
        """Whether somebody left word that an upload be deleted, and the runner has not done it yet."""
        return is_id(upload_id) and (self._root / f"{upload_id}{_REMOVAL}").is_file()

    def holds(self, upload_id: str) -> bool:
        """Whether an upload lies here, not taken up yet."""
        return is_id(upload_id) and (self._root / upload_id).is_dir()

    def weight(self) -> tuple[int, int]:
        """Return how many uploads lie here, whole or half, and their bytes."""
        folders = [one for one in self._entries() if one.is_dir(follow_symlinks=False)]
        sizes = 0
        for folder in folders:
            with suppress(OSError):
                sizes += sum(one.stat(follow_symlinks=False).st_size for one in os.scandir(folder.path))
        return len(folders), sizes

    def waiting(self) -> tuple[str, ...]:
        """Ids of what was handed in, oldest first."""
        found = [one for one in self._entries() if is_id(one.name) and one.is_dir(follow_symlinks=False)]
        return tuple(one.name for one in sorted(found, key=_age))

    def removals(self) -> tuple[Removal, ...]:
        """Return what was asked to be deleted, until ``heard`` is told of each; what makes no sense is cleared away."""
        found = []
        for entry in self._entries():
            name = entry.name.removesuffix(_REMOVAL)
            if name == entry.name or not is_id(name):
                continue
            try:
                token = clean(json.loads(_small(Path(entry.path)))["token"], 200)
                found.append(Removal(id=name, token=token))
            except (DoorError, *_NONSENSE):
                self.heard(name)
        return tuple(found)

    def heard(self, upload_id: str) -> None:
        """Clear away that an upload be deleted: it is done, or was not to be."""
        with suppress(OSError):
            (self._root / f"{upload_id}{_REMOVAL}").unlink()

    def ticket(self, upload_id: str) -> Ticket:
        """Read what goes with an upload.

        Raises:
            DoorError: It is not what our web writes.
        """
        try:
            return _ticket(upload_id, json.loads(_small(self._root / upload_id / TICKET)))
        except _NONSENSE as error:
            raise DoorError(f"its ticket cannot be read ({type(error).__name__})") from error

    @contextmanager
    def part(self, upload_id: str, part: Part) -> Iterator[BinaryIO]:
        """Open a part's file to be copied.

        Raises:
            DoorError: It is not there, or no plain file.
        """
        with _plain(self._root / upload_id / part.value) as file:
            yield file

    def clear(self, upload_id: str) -> None:
        """Remove an upload from here: it was taken up, or refused."""
        shutil.rmtree(self._root / upload_id, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what was never handed in whole: of a web process that was killed, long ago."""
        for entry in self._entries():
            with suppress(OSError):
                if entry.name.startswith(".") and time.time() - _age(entry) > _ABANDONED_SECONDS:
                    shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else Path(entry.path).unlink()

    def _half(self, upload_id: str) -> Path:
        if not is_id(upload_id):
            raise ValueError(f"{upload_id!r} is no upload's id")
        return self._root / f".{upload_id}"

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(self._root))
        except FileNotFoundError:
            return []


def _ticket(upload_id: str, fields: dict[str, Any]) -> Ticket:
    options, deletion = fields["options"], fields["deletion"]
    if not isinstance(deletion, str) or not _DIGEST.fullmatch(deletion):
        raise ValueError("its deletion token is no sha256")
    return Ticket(
        id=upload_id,
        names={Part(part): clean(name, NAME_LENGTH) for part, name in fields["names"].items()},
        options=Options(
            environments=tuple(clean(one, 100) for one in options["environments"][:200]),
            overlays=options["overlays"] is True,
            save_again=options["save_again"] is True,
        ),
        owner=clean(fields["owner"], 100),
        deletion=deletion,
        handed_in_at=datetime.fromisoformat(fields["handed_in_at"]).astimezone(UTC),
    )


def _age(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _small(path: Path) -> bytes:
    with _plain(path) as file:
        return file.read(_TICKET_BYTES)


@contextmanager
def _plain(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file of a plain folder: no link is followed, no pipe or device waits for us."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            handle = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise DoorError(f"{path.name} cannot be opened ({error.strerror})") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(handle)
        raise DoorError(f"{path.name} is no plain file")
    with os.fdopen(handle, "rb") as file:
        yield file
