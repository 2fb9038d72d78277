"""What PostgreSQL says, told as what happened and what to do next."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.exc import DBAPIError

from matrix.errors import BusyError, DiskFullError, StoreError, TfmatrixError

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_FULL, _NOT_OURS_TO_USE = "53100", "42501"
_BUSY: Final = frozenset({"55P03", "40001", "40P01"})
_GOES_DOWN: Final = ("08", "57P")

# A connection that is refused has no code, only words; a server may say them in its own language, and then the last
# entry has to do.
_REFUSALS: Final = (
    (
        r"authentication failed|no password|no pg_hba\.conf entry|role .* does not exist|permission denied for database",
        "does not let this user in",
        "Check user and password in TFMATRIX_DATABASE, and that the server's pg_hba.conf lets this user in from here.",
    ),
    (
        r"database .* does not exist",
        "is not there",
        "Make it, empty, with that user as its owner: `createdb --owner USER NAME` on the server; the tables follow.",
    ),
    (
        r"invalid (connection|URI|integer value)|sslmode",
        "cannot be reached as TFMATRIX_DATABASE says",
        "Correct the URL: postgresql+psycopg://user:password@host:port/name, what follows ? being libpq's parameters.",
    ),
    (
        r"",
        "does not answer",
        "See that PostgreSQL runs there, and that host and port are right; `tfmatrix run --resume` goes on with a run.",
    ),
)


def server_fault(place: str, error: DBAPIError) -> TfmatrixError:
    """The error of ours for one that a server or the way to it gave."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    words = " ".join(str(error.orig).split()).rstrip(".?")
    if state is None or error.connection_invalidated or state.startswith(_GOES_DOWN):
        what, next_step = next((what, step) for said, what, step in _REFUSALS if re.search(said, words))
        return StoreError(f"{place} {what}: {words}.", next_step=next_step)
    if state == _FULL:
        return no_room(place, "on the server")
    if state in _BUSY:
        return busy(place)
    if state == _NOT_OURS_TO_USE:
        return StoreError(
            f"{place} may not be used by this user: {words}.",
            next_step="Make the user its owner (`ALTER DATABASE name OWNER TO user`), or name the user who made the tables.",
        )
    return StoreError(
        f"{place} did not do what was asked: {words} ({state}).",
        next_step="Check that it was written by this program and takes changes; else report this with the message.",
    )


def no_room(place: str, where: str) -> DiskFullError:
    """The disk is full; ``where`` says how or on which machine to free some."""
    return DiskFullError(
        f"No room is left on the disk of {place}; what was recorded before is kept.",
        next_step=f"Free some space {where}, then `tfmatrix run --resume`.",
    )


def busy(place: str) -> BusyError:
    """Somebody else writes, and went on for longer than we wait."""
    return BusyError(
        f"Another process is writing to {place} and did not finish in time.",
        next_step="Wait for the other run to end, or end it, then repeat the command.",
    )
