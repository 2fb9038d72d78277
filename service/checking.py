"""Where ``tfmatrix check`` has a file looked at: by this machine's runner, by this very process, or by a server."""

from __future__ import annotations

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
from matrix.errors import BusyError, EngineError, UsageError
from matrix.store import Store
from matrix.uploads.door import Door, Ticket, new_id
from matrix.uploads.model import Options, Part, hashed
from reports.pages.uploaded import Found, uploaded
from service import wiring
from service.alive import is_alive
from service.uploads.working import upload_work

OWNER: Final = "this machine"
LOST_SECONDS: Final = 120.0
"""So long a runner or a server may say nothing before it counts as lost."""


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
        look = _worker(settings, opened, stack, say)
        door = Door(settings.home / "uploads" / "door")
        upload_id = _into(door, files, options)
        yield _Here(settings, opened, upload_id, look)


def _worker(
    settings: Settings, opened: Store, stack: ExitStack, say: Callable[[str], None]
) -> Callable[[], None] | None:
    """Work on uploads in this process, unless a runner does; return what has to be called now and then for that."""
    if is_alive(settings.home, datetime.now(UTC)):
        return None
    work = upload_work(settings.model_copy(update={"warm": 0}), opened, say)
    try:
        stack.enter_context(work.running())
    except BusyError:  # another check, just now: it takes ours along
        return None
    return work.look


def _into(door: Door, files: Mapping[Part, Path], options: Options) -> str:
    ticket = Ticket(
        id=new_id(),
        names={part: path.name for part, path in files.items()},
        options=options,
        owner=OWNER,
        deletion=hashed(secrets.token_urlsafe()),
        handed_in_at=datetime.now(UTC),
    )
    with door.handing_in(ticket.id) as folder:
        for part, path in files.items():
            shutil.copyfile(path, folder / part.value)
        door.hand_in(ticket)
    return ticket.id


class _Here:
    """An upload of this machine's."""

    def __init__(self, settings: Settings, opened: Store, upload_id: str, look: Callable[[], None] | None) -> None:
        self._settings = settings
        self._opened = opened
        self._id = upload_id
        self._work = look
        self._revision: int | None = None
        self._document: dict[str, Any] | None = None
        self._heard_at = time.monotonic()

    def look(self) -> dict[str, Any] | None:
        """Do what this process has to, and read what is known."""
        if self._work is not None:
            self._work()
        revision = self._opened.uploads.revision(self._id)
        if revision != self._revision:
            self._revision, self._heard_at = revision, time.monotonic()
            self._document = self._read()
        elif time.monotonic() - self._heard_at > LOST_SECONDS:
            self._refuse_if_lost()
        return self._document

    def _read(self) -> dict[str, Any] | None:
        upload = self._opened.uploads.get(self._id)
        if upload is None:
            return None
        found = Found(
            upload=upload,
            cells=self._opened.uploads.cells(upload.content),
            saves=self._opened.uploads.saves(upload.content),
            ahead=self._opened.uploads.ahead(upload),
        )
        now = datetime.now(UTC)
        return uploaded(found, load_environments(), frozenset(), now).document(now)

    def _refuse_if_lost(self) -> None:
        if self._work is None and not is_alive(self._settings.home, datetime.now(UTC)):
            raise EngineError(
                "The runner that took the file up was not heard of any more.",
                next_step="Run the same command again: it goes on where that one stopped.",
            )
