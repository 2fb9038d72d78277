"""Where results are kept. All SQL lives in this package; nothing outside it commits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from matrix.errors import StoreError
from matrix.records import CellDetail, CellState, EnvironmentRecord, Request, Run
from matrix.store.connect import called, location, reading_engine, writing_engine
from matrix.store.faults import explained
from matrix.store.pulse import Pulse
from matrix.store.queue import Queue
from matrix.store.read import Reader
from matrix.store.schema import is_current, migrate, no_results_yet
from matrix.store.uploads import Uploads
from matrix.store.write import Writer

__all__ = [
    "CellDetail",
    "CellState",
    "EnvironmentRecord",
    "Queue",
    "Reader",
    "Request",
    "Run",
    "Store",
    "Uploads",
    "Writer",
    "open_store",
]

BUSY_SECONDS: Final = 10.0


class Store:
    """An open database: ``write`` records, ``read`` answers, ``queue`` holds requests, ``uploads`` what was handed in.

    Threads may share it; processes open their own.
    """

    def __init__(  # noqa: PLR0913  (one for each of its doors)
        self,
        *,
        write: Writer,
        read: Reader,
        queue: Queue,
        uploads: Uploads,
        leaving: tuple[Callable[[], None], ...],
        check: Callable[[], None],
    ) -> None:
        self.write = write
        self.read = read
        self.queue = queue
        self.uploads = uploads
        self._leaving = leaving
        self._check = check

    def check(self) -> None:
        """Ask the database whether it answers and still speaks this code's schema.

        Raises:
            IncompleteError: It is empty by now.
            StoreError: It speaks another by now, or it does not answer.
        """
        self._check()

    def close(self) -> None:
        """Let go of the database; safe to repeat.

        The writer goes first. So who has read is the last to leave an SQLite file, and leaves its ``-wal`` and ``-shm``,
        without which nobody can read it who may not write beside it, as web's container may not.
        """
        for leave in self._leaving:
            leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(
    path_or_url: Path | str, *, create: bool = True, update: bool = True, busy_seconds: float = BUSY_SECONDS
) -> Store:
    """Open the results in an SQLite file or at a database URL, brought to this code's schema.

    A writer waits ``busy_seconds`` for another one. Who must change nothing but rows turns ``create`` and ``update`` off.

    Raises:
        IncompleteError: There is no such file, or nothing in it, and ``create`` is off.
        StoreError: It is newer than this code, damaged, not ours, or does not answer; or older, and ``update`` is off.
    """
    place = location(path_or_url)
    path = place if isinstance(place, Path) else None
    name = called(place)
    if path is not None:
        _prepare_folder(path, create=create)
    translate = partial(explained, name, path)
    writing = writing_engine(place, busy_seconds=busy_seconds, create=create)
    reading = reading_engine(place, busy_seconds=busy_seconds)

    def check() -> None:
        with translate():
            is_current(reading, name, create=False, update=False)

    pulse = None if path is None else Pulse(path)
    leaving = (writing.dispose, reading.dispose, *(() if pulse is None else (pulse.close,)))
    store = Store(
        write=Writer(writing, translate),
        read=Reader(reading, translate, pulse),
        queue=Queue(writing, reading, translate),
        uploads=Uploads(writing, reading, translate),
        leaving=leaving,
        check=check,
    )
    try:
        with translate():
            is_new = path is not None and not path.exists() and create
            if is_new or not is_current(reading, name, create=create, update=update):
                migrate(writing)
    except BaseException:
        store.close()
        raise
    return store


def _prepare_folder(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a database.", next_step="Name a file in it, such as matrix.db.")
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The folder {path.parent} for the database cannot be made ({error.strerror})."
            raise StoreError(message, next_step="Make it yours to write, or name another place.") from error
    elif not path.exists():
        raise no_results_yet(f"{path} does not exist")
