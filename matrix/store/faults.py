"""What goes wrong in a database, told as what happened and what to do next."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from matrix.errors import StoreError, TfmatrixError
from matrix.store.server_faults import busy, no_room, server_fault

# https://www.sqlite.org/rescode.html, primary codes
_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 8, 10, 11, 13, 14, 26
_NEARLY_NOTHING: Final = 1 << 20

MOVE_ASIDE: Final = "Move the file aside (with its -wal and -shm, if any) and run `make matrix`, or restore a copy."


@contextmanager
def explained(place: str, path: Path | None) -> Iterator[None]:
    """Turn what the driver raises inside into an error of ours; ``place`` is what to call the database."""
    try:
        yield
    except PoolTimeoutError as error:
        raise busy(place) from error
    except IntegrityError as error:
        message = f"A result for {place} names something that was never recorded, or twice at once: {_words(error)}"
        raise StoreError(
            message, next_step="Record the run and the save before its cells; else report this."
        ) from error
    except DBAPIError as error:
        raise _fault(place, path, error) from error


def _fault(place: str, path: Path | None, error: DBAPIError) -> TfmatrixError:
    if path is None:
        return server_fault(place, error)
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code == _FULL or (code == _IOERR and _no_room(path)):
        return no_room(place, "(`tfmatrix images prune` removes old images)")
    if code in {_BUSY, _LOCKED}:
        return busy(place)
    if code in {_CORRUPT, _NOTADB}:
        return StoreError(f"{place} is damaged or not an SQLite database ({error.orig}).", next_step=MOVE_ASIDE)
    if code in {_READONLY, _CANTOPEN, _IOERR}:
        return StoreError(
            f"{place} cannot be opened or written ({error.orig}).",
            next_step="Check that the file and its folder exist and are yours to write.",
        )
    return StoreError(
        f"{place} did not do what was asked: {error.orig}.",
        next_step="Check that it answers and was written by this program; else report this with the message.",
    )


def _words(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())  # PostgreSQL's have several lines


def _no_room(path: Path) -> bool:
    return shutil.disk_usage(path.parent).free < _NEARLY_NOTHING
