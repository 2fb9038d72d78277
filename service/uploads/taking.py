"""Takes an upload in: whole, within the limits, to the door; or not at all, with nothing left behind."""

from __future__ import annotations

import asyncio
import errno
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from matrix.catalog import load_environments
from matrix.config import Settings
from matrix.errors import DiskFullError, IncompleteError, StoreError, TfmatrixError
from matrix.selection import select_environments
from matrix.uploads.admission import script_not_taken
from matrix.uploads.door import Door, Ticket, new_id
from matrix.uploads.model import Options, Part, UploadState, hashed
from service.problems import BadUpload, Forbidden, TooMany, TooSlow, WrongType
from service.state import Service
from service.uploads.access import address_of, network_of, owner_of
from service.uploads.intake import AROUND, Intake, Taken, too_large
from service.uploads.limits import STEP, Pace

IDLE_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 3600.0
WRITERS: Final = 4
SPARE_BYTES: Final = 64 << 20
"""What is left of the disk for everybody else, at the least."""

_QUEUE_SECONDS: Final = 30
_BOUNDARY: Final = re.compile(
    r'multipart/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE
)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"0", "false", "no", "off"})

Admit = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    """An upload that lies at the door. ``token`` may delete it, and is kept nowhere."""

    id: str
    token: str
    files: Mapping[Part, Taken]
    expires_at: datetime


async def take_in(request: Request, service: Service, admit: Admit) -> Handed:
    """Take an upload in as it comes. ``admit`` is asked before the first byte of a file is kept.

    Raises:
        TfmatrixError: It is not taken: too large, too many, no room, no form, no model.
        ClientDisconnect: The other side went away in the middle.
    """
    settings, door = service.settings, service.door
    boundary, length = _boundary(request), _length(request, settings.upload_bytes)
    network = network_of(address_of(request, settings))
    with service.limits.sending(network, length) as count:
        await run_in_threadpool(_refuse_if_full, service)
        upload_id = new_id()
        with in_our_words(), door.handing_in(upload_id) as folder:
            with Intake(folder, boundary, most_bytes=settings.upload_bytes, admit=admit) as intake:
                came = 0
                async for data in _chunks(request, service.limits.pace()):
                    count(len(data))
                    await to_thread.run_sync(intake.feed, data, limiter=_writers(service))
                    steps, came = came // STEP, came + len(data)
                    if length is None and came // STEP > steps:  # room was held for so much and no more
                        await run_in_threadpool(_refuse_without_room, service)
                intake.finish()
            return await run_in_threadpool(_hand_in, settings, door, folder, upload_id, intake, owner_of(network))


def _hand_in(  # noqa: PLR0913, PLR0917  all that a ticket is made from
    settings: Settings, door: Door, folder: Path, upload_id: str, intake: Intake, owner: str
) -> Handed:
    files = sorted_out(intake.files, folder, settings.kinds_taken)
    token, now = secrets.token_hex(20), datetime.now(UTC)
    ticket = Ticket(
        id=upload_id,
        names={part: one.name for part, one in files.items()},
        options=options_in(intake.fields),
        owner=owner,
        deletion=hashed(token),
        handed_in_at=now,
    )
    door.hand_in(ticket)
    return Handed(id=upload_id, token=token, files=files, expires_at=now + timedelta(days=settings.upload_days))


def sorted_out(files: Mapping[Part, Taken], folder: Path, kinds: frozenset[str]) -> dict[Part, Taken]:
    """Return which file is what: a script that came as the model is its builder.

    Raises:
        BadUpload: There is nothing to load among them.
        Forbidden: A script came, and none are taken here.
    """
    found = dict(files)
    if Part.MODEL in found and Part.BUILDER not in found and found[Part.MODEL].name.lower().endswith(".py"):
        found[Part.BUILDER] = found.pop(Part.MODEL)
        (folder / Part.MODEL.value).rename(folder / Part.BUILDER.value)
    if not found.keys() & {Part.MODEL, Part.BUILDER}:
        came = f"{' and '.join(found)} came, but no model" if found else "No file came"
        raise BadUpload(f"{came}.", next_step="The model's file is named model: curl -F model=@model.keras")
    if script := script_not_taken(found.keys(), kinds):
        raise Forbidden(
            f"{found[script].name} is a script, and this site takes none as {script}.",
            next_step="Send the model alone, or check it with tfmatrix on a machine of your own.",
        )
    return found


def options_in(fields: Mapping[str, str]) -> Options:
    """Return what a form asks for.

    Raises:
        BadUpload: It makes no sense.
    """
    words = fields.get("environments", "").strip()
    try:
        chosen = select_environments(words, load_environments()) if words else ()
    except TfmatrixError as error:
        raise BadUpload(error.message, next_step=error.next_step) from error
    return Options(
        environments=tuple(one.id for one in chosen),
        overlays=_said("overlays", fields, default=False),
        save_again=_said("save_again", fields, default=True),
    )


def _said(name: str, fields: Mapping[str, str], *, default: bool) -> bool:
    word = fields.get(name, "").strip().lower()
    if word and word not in _YES | _NO:
        raise BadUpload(f"{name} is yes or no, and not {word[:40]!r}.", next_step="Leave it out for the usual.")
    return word in _YES if word else default


def _boundary(request: Request) -> bytes:
    found = _BOUNDARY.match(request.headers.get("content-type", "").strip())
    if found is None:
        raise WrongType("An upload is a form with files.", next_step="curl -F model=@model.keras sends one.")
    return (found[1] or found[2]).encode("latin-1")


def _length(request: Request, most: int) -> int | None:
    """Return how long the body is; nothing where that is not said.

    Raises:
        TooLarge: It is longer: told before any of it is read.
    """
    said = request.headers.get("content-length", "")
    length = int(said) if said.isdigit() else None
    if length is not None and length > most + AROUND:
        raise too_large(most)
    return length


async def _chunks(request: Request, pace: Pace) -> AsyncIterator[bytes]:
    """Yield a body as it comes.

    Raises:
        TooSlow: Nothing came for long, too little, or it takes too long.
    """
    stream = request.stream()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LONGEST_SECONDS
    while True:
        try:
            async with asyncio.timeout(min(IDLE_SECONDS, deadline - loop.time())):
                with pace.waiting():
                    data = await anext(stream, None)
        except TimeoutError as error:
            raise TooSlow(
                f"Nothing came for {IDLE_SECONDS:.0f} s, or all of it took longer than {LONGEST_SECONDS / 60:.0f} min.",
                next_step="Send it again, over a better line.",
            ) from error
        if data is None:
            return
        if data:
            pace.came(len(data))
            yield data


def _refuse_if_full(service: Service) -> None:
    """Refuse what could not be kept beside all else that comes in just now, or not be tried for long."""
    settings = service.settings
    waiting, _ = service.door.weight()
    with suppress(IncompleteError):  # nothing was ever taken up: the runner makes the database
        rows = service.site().store.uploads.under_way()
        waiting += sum(one.state is not UploadState.SAVING_AGAIN for one in rows)
    if waiting >= settings.upload_queue:
        raise TooMany(
            f"{waiting} uploads wait already, and that is what this site lets wait.",
            seconds=_QUEUE_SECONDS,
            next_step="Send it again in a while, or check it with tfmatrix on a machine of your own.",
        )
    _refuse_without_room(service)


def _refuse_without_room(service: Service) -> None:
    """Refuse what could not be kept beside all else that comes in just now."""
    settings, coming = service.settings, service.limits.coming
    _, heavy = service.door.weight()
    with suppress(IncompleteError):
        heavy += service.site().store.uploads.weight()[1]
    if heavy + coming > settings.upload_disk or _free(settings.home) < coming + SPARE_BYTES:
        raise DiskFullError(
            "The room for uploads is full.",
            next_step="Send it again when some have expired; whoever runs this site may set TFMATRIX_UPLOAD_DISK.",
        )


def _free(home: Path) -> int:
    """What the disk has left where the door is, or will be."""
    place = home / "uploads" / "door"
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _writers(service: Service) -> CapacityLimiter:
    """Threads of their own: whoever sends much lets no page wait."""
    if service.writers is None:
        service.writers = CapacityLimiter(WRITERS)
    return service.writers


@contextmanager
def in_our_words() -> Iterator[None]:
    """Tell what the disk says of the door in our words.

    Raises:
        DiskFullError: No room is left.
        StoreError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError(
                "The disk became full while the upload came in; nothing of it is kept.",
                next_step="Send it again once whoever runs this site has made room.",
            ) from error
        raise StoreError(
            f"The folder for uploads cannot be written ({error.strerror}).",
            next_step="Whoever runs this site: `make up` makes uploads/door in the home folder, writable for web.",
        ) from error
