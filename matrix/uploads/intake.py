"""Takes in what lies at the door, and removes what is asked or over; nothing here loads anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from secrets import compare_digest
from typing import Final

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.errors import DiskFullError, TfmatrixError
from matrix.store import Uploads
from matrix.uploads.door import Door, DoorError, Removal, Ticket
from matrix.uploads.means import now
from matrix.uploads.model import Options, Part, PartFile, Upload, UploadState, content_of, hashed

TIDY_SECONDS: Final = 60.0
FULL_SECONDS: Final = 15.0
SWEEP_SECONDS: Final = 600.0
ORPHAN_SECONDS: Final = 3600.0
"""A file that nobody names and nobody touched for so long is nobody's: a lane writes first and names then."""


class Intake:
    """Between the door and the store. ``begin`` is told of what was taken in, ``forget`` by its id of what is no more."""

    def __init__(  # noqa: PLR0913  (both sides of the door, and who is told)
        self,
        settings: Settings,
        *,
        uploads: Uploads,
        blobs: Blobs,
        say: Callable[[str], None],
        begin: Callable[[Upload], None],
        forget: Callable[[str], None],
    ) -> None:
        self.door = Door(settings.home / "uploads" / "door")
        self._settings = settings
        self._uploads = uploads
        self._blobs = blobs
        self._say = say
        self._begin = begin
        self._forget = forget
        self._tidy_at = self._door_at = 0.0
        self._sweep_at = time.monotonic() + SWEEP_SECONDS

    def look(self) -> None:
        """Take in what lies at the door, delete what is to be deleted."""
        self.tidy()
        if time.monotonic() > self._door_at:
            self._take_all_in()

    def tidy(self) -> None:
        """Delete what is to be deleted, and what is nobody's: done also where no uploads are taken."""
        self._remove_what_is_asked()
        if time.monotonic() > self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            self.door.sweep()
            for upload_id in self._uploads.expired(now()):
                self.remove(upload_id, UploadState.EXPIRED)
            self._clear_the_door()
        if time.monotonic() > self._sweep_at:  # such as what a lane wrote for an upload that was deleted under it
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            self._blobs.keep_only(self._uploads.named(), older_than=ORPHAN_SECONDS)

    def _remove_what_is_asked(self) -> None:
        """Remove one after the other. What the machine is in the way of lies there still, and is tried again."""
        for removal in self.door.removals():
            try:
                self._remove_as_asked(removal)
            except TfmatrixError:
                raise
            except Exception as error:  # noqa: BLE001  whatever is asked, it must not keep the next upload out
                self._say(f"upload {removal.id[:6]}…: not deleted, a fault in tfmatrix: {error!r}")
            self.door.heard(removal.id)

    def _remove_as_asked(self, removal: Removal) -> None:
        """Remove an upload whose token somebody knows, whether it was taken in, lies at the door, or was removed there."""
        known = self._uploads.get(removal.id)
        deletion = self._deletion_at_the_door(removal.id) if known is None else known.deletion
        if deletion is not None and not compare_digest(deletion, hashed(removal.token)):
            return
        self.door.clear(removal.id)
        if known is None:
            self._uploads.add(_gone(removal.id, UploadState.DELETED))  # else its address would be one that never was
        else:
            self.remove(removal.id, UploadState.DELETED)

    def _deletion_at_the_door(self, upload_id: str) -> str | None:
        """What deletes an upload that lies at the door; nothing where web cleared it away, to its end or in part."""
        if self.door.holds(upload_id):
            with suppress(DoorError):
                return self.door.ticket(upload_id).deletion
        return None

    def _clear_the_door(self) -> None:
        """Remove what lies at the door and is too old to be taken in."""
        for upload_id in self.door.waiting():
            with suppress(DoorError):
                if self._expiry(self.door.ticket(upload_id)) <= now():
                    if self._uploads.get(upload_id) is None:
                        self._uploads.add(_gone(upload_id, UploadState.EXPIRED))
                    self.door.clear(upload_id)

    def _expiry(self, ticket: Ticket) -> datetime:
        return ticket.handed_in_at + timedelta(days=self._settings.upload_days)

    def remove(self, upload_id: str, state: UploadState) -> None:
        """Remove all that is known of an upload, and the files that no other one has."""
        self._forget(upload_id)
        upload = self._uploads.get(upload_id)
        if upload is None or upload.state.is_gone:
            return
        for sha256 in self._uploads.forget(upload_id, state, now()):
            self._blobs.drop(sha256)

    def _take_all_in(self) -> None:
        """Take in what lies at the door; what there is no room for stays there, and is tried again in a while."""
        try:
            for upload_id in self.door.waiting():
                self._take_in(upload_id)
        except DiskFullError as error:
            self._say(f"uploads wait at the door: {error.message} {error.next_step}")
            self._door_at = time.monotonic() + FULL_SECONDS

    def _take_in(self, upload_id: str) -> None:
        """Take one in. One that is known is not copied again: it was taken in before something came between, or is gone."""
        try:
            upload = self._uploads.get(upload_id)
            if upload is None:
                upload = self._copied(self.door.ticket(upload_id))
                self._uploads.add(upload)
            if not upload.state.is_over:
                self._begin(upload)
        except TfmatrixError:
            raise
        except Exception as error:  # noqa: BLE001  whatever lies there, it must not keep the next one out
            self._say(f"upload {upload_id[:6]}…: not taken in, {error!r}")
        self.door.clear(upload_id)

    def _copied(self, ticket: Ticket) -> Upload:
        room, parts = self._settings.upload_bytes, {}
        for part, name in ticket.names.items():
            with self.door.part(ticket.id, Part(part)) as file:
                sha256, size = self._blobs.take(file, room)
            room -= size
            parts[part] = PartFile(name=name, sha256=sha256, size=size)
        if not parts:
            raise DoorError("there is no file in it")
        return Upload(
            id=ticket.id,
            content=content_of(parts),
            parts=parts,
            options=ticket.options,
            state=UploadState.WAITING,
            owner=ticket.owner,
            deletion=ticket.deletion,
            handed_in_at=ticket.handed_in_at,
            expires_at=self._expiry(ticket),
        )


def _gone(upload_id: str, state: UploadState) -> Upload:
    """An upload of which nothing is known but that it was here."""
    moment = now()
    return Upload(
        id=upload_id,
        content="",
        parts={},
        options=Options(),
        state=state,
        owner="",
        deletion="",
        handed_in_at=moment,
        expires_at=moment,
        finished_at=moment,
    )
