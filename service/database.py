"""The results as the web process reads them: opened when first wanted, opened anew when they are another file.

The web process makes and changes no database. What is wrong with one is told to whoever asks; the next question tries again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Final

from matrix.config import Settings
from matrix.errors import TfmatrixError
from matrix.store import Store, open_store
from matrix.store.connect import location

BUSY_SECONDS: Final = 2.0
"""How long a question waits for a database that is locked; longer, and every thread of the server would."""

_File = tuple[int, int]


class Database:
    """A store that may be away for a while. Threads may share it."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = settings.database_url
        self._place = location(self._url)
        self._clock = clock
        self._lock = threading.Lock()
        self._opened: Store | None = None
        self._file: _File | None = None
        self._trouble: TfmatrixError | None = None
        self._until = 0.0

    def store(self) -> Store:
        """Return the open store: the same one for as long as it is the same database.

        Raises:
            IncompleteError: There is none yet, or nothing in it.
            StoreError: It is damaged, older or newer than this code, not ours, or does not answer.
            BusyError: It is locked.
        """
        opened, file = self._opened, self._file  # in one glance, before any lock: this is asked for each page
        if opened is not None and file == self._file_now():
            return opened
        with self._lock:
            if self._opened is None or self._file != self._file_now():
                self._let_go()
                self._open()
            assert self._opened is not None  # noqa: S101  (said to mypy)
            return self._opened

    def check(self) -> None:
        """Raise what ``store`` raises, also when the database has become another kind since it was opened."""
        try:
            self.store().check()
        except TfmatrixError:
            self.doubt()
            raise

    def doubt(self) -> None:
        """Open it anew next time: something was wrong with it."""
        with self._lock:
            self._let_go()

    def close(self) -> None:
        """Let go of it; safe to repeat."""
        self.doubt()

    def _open(self) -> None:
        if self._trouble is not None and self._clock() < self._until:
            raise copy(self._trouble)
        began = self._clock()
        file = self._file_now()
        try:
            self._opened = open_store(self._url, create=False, update=False, busy_seconds=BUSY_SECONDS)
        except TfmatrixError as trouble:
            # What took long to find out holds as long again, or everyone who asks would wait one after the other.
            ended = self._clock()
            self._trouble, self._until = trouble, ended + (ended - began)
            raise
        self._file, self._trouble = file, None

    def _let_go(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened = self._file = None

    def _file_now(self) -> _File | None:
        """What tells the file from one that was put in its place. It is open, so its number is not given away again."""
        if not isinstance(self._place, Path):
            return None
        try:
            found = self._place.stat()
        except OSError:
            return (0, 0)
        return found.st_dev, found.st_ino
