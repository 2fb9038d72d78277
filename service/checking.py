"""Where ``tfmatrix check`` has a file looked at: by this machine's runner, by this very process, or by a server."""

from __future__ import annotations

import errno
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from matrix.catalog import load_environments
from matrix.config import Settings
from matrix.errors import BusyError, DiskFullError, EngineError, StoreError, UsageError
from matrix.store import Store
from matrix.uploads.door import Door, Ticket, new_id
from matrix.uploads.model import Options, Part, hashed
from matrix.uploads.waiting import Wait
from matrix.uploads.work import UploadWork, alone
from reports.pages.uploaded import Found, uploaded
from service import wiring
from service.alive import is_alive
from service.uploads.working import upload_work

OWNER: Final = "this machine"
LOST_SECONDS: Final = 120.0
"""So long nobody may work, where this process cannot, before it is given up."""

RETRY_SECONDS: Final = 10.0
"""After so long it is tried again to work here."""


class Handed(Protocol):
    """An upload that was handed in somewhere."""

    def look(self) -> dict[str, Any] | None:
        """Return its document as it is now; nothing while it was not taken up."""


@contextmanager
def handed_in(  # noqa: PLR0913  what is handed in, and where
    settings: Settings,
    files: Mapping[Part, Path],
    options: Options,
    *,
    server: str,
    token: str,
    say: Callable[[str], None],
) -> Iterator[Handed]:
    """Hand files in, and give what follows them. What is in the way meanwhile is told to ``say``.

    Raises:
        EngineError: There is no engine, or no server that answers.
        UsageError: The files are too large, or are not taken.
    """
    if server:
        from service.remote import handed_in_at  # noqa: PLC0415  (an HTTP client that no other command needs)

        with handed_in_at(server, token, files, options) as handed:
            yield handed
        return
    size = sum(path.stat().st_size for path in files.values())
    if size > settings.upload_bytes:
        raise UsageError(
            f"The files have {size} bytes, and {settings.upload_bytes} are taken.",
            next_step="Raise TFMATRIX_UPLOAD_BYTES.",
        )
    with wiring.store(settings, create=True) as opened, ExitStack() as stack:
        worker = _Worker(settings, opened, stack, say)
        worker.begin()
        door = Door(settings.home / "uploads" / "door")
        upload_id = _into(door, files, options)
        yield _Here(opened, upload_id, worker)


class _Worker:
    """Works on uploads in this process from the moment on in which nobody else does; who does, holds a lock."""

    def __init__(self, settings: Settings, opened: Store, stack: ExitStack, say: Callable[[str], None]) -> None:
        self._idle_since: float | None = None
        self._settings = settings
        self._opened = opened
        self._stack = stack
        self._say = say
        self._work: UploadWork | None = None
        self._again_at = 0.0

    def begin(self) -> None:
        """Take over if nobody works.

        Raises:
            TfmatrixError: That cannot be done here, and there is no runner that may do it in a moment.
        """
        self._take_over(patience=LOST_SECONDS if self._may_a_runner() else 0)

    def look(self) -> None:
        """Do what is to be done just now, if that is ours.

        Raises:
            TfmatrixError: For long nobody worked, and here nobody can.
        """
        if self._work is None and time.monotonic() >= self._again_at:
            self._take_over(patience=LOST_SECONDS)
        if self._work is not None:
            self._work.look()

    def _take_over(self, patience: float) -> None:
        """Begin to work unless somebody does; what is in the way of it is raised once nobody has worked for so long."""
        try:
            self._work = None if self._is_held() else self._begun()
            self._idle_since = None
        except BusyError:  # somebody was faster
            self._idle_since = None
        except (EngineError, UsageError):
            now = time.monotonic()
            self._again_at = now + RETRY_SECONDS
            self._idle_since = now if self._idle_since is None else self._idle_since
            if now - self._idle_since >= patience:
                raise

    def _begun(self) -> UploadWork:
        work = upload_work(self._settings.model_copy(update={"warm": 0}), self._opened, self._say)
        self._stack.enter_context(work.running())
        return work

    def _is_held(self) -> bool:
        """Whether somebody works: asked before an engine is looked for, which takes a while and may not be there."""
        try:
            with alone(self._settings):
                return False
        except BusyError:
            return True
        except OSError as error:
            if self._may_a_runner():  # another user's: the lock is its own
                return True
            raise UsageError(
                f"The folder for uploads in {self._settings.home} cannot be written ({error.strerror}).",
                next_step="Make it yours to write, start its runner, or name another folder in TFMATRIX_HOME.",
            ) from error

    def _may_a_runner(self) -> bool:
        return is_alive(self._settings.home, datetime.now(UTC))


def _into(door: Door, files: Mapping[Part, Path], options: Options) -> str:
    ticket = Ticket(
        id=new_id(),
        names={part: path.name for part, path in files.items()},
        options=options,
        owner=OWNER,
        deletion=hashed(secrets.token_urlsafe()),
        handed_in_at=datetime.now(UTC),
    )
    try:
        with door.handing_in(ticket.id) as folder:
            for part, path in files.items():
                shutil.copyfile(path, folder / part.value)
            door.hand_in(ticket)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(
                "No room is left on the disk of the home folder; nothing of the upload is kept.",
                next_step="Free some space (`tfmatrix images prune` removes old images), then check it again.",
            ) from error
        raise StoreError(
            f"The upload cannot be put into the home folder ({error.strerror}).",
            next_step="Check that the file is yours to read and uploads/door in the home folder yours to write.",
        ) from error
    return ticket.id


class _Here:
    """An upload of this machine's."""

    def __init__(self, opened: Store, upload_id: str, worker: _Worker) -> None:
        self._opened = opened
        self._id = upload_id
        self._worker = worker
        self._revision: int | None = None
        self._document: dict[str, Any] | None = None

    def look(self) -> dict[str, Any] | None:
        """Do what this process has to, and read what is known.

        Raises:
            TfmatrixError: For long nobody worked on it, and here nobody can.
        """
        self._worker.look()
        revision = self._opened.uploads.revision(self._id)
        if revision != self._revision:
            self._revision = revision
            self._document = self._read()
        return self._document

    def _read(self) -> dict[str, Any] | None:
        upload = self._opened.uploads.get(self._id)
        if upload is None:
            return None
        now = datetime.now(UTC)
        found = Found(
            upload=upload,
            cells=self._opened.uploads.cells(upload.content),
            saves=self._opened.uploads.saves(upload.content),
            wait=self._opened.uploads.waits(now).get(upload.id, Wait()),
        )
        return uploaded(found, load_environments(), frozenset()).document(now)
