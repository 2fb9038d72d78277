"""Whether a file was written to, told by SQLite itself: thousands of times cheaper than to ask a question."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote


class Pulse:
    """Watches one database file with a connection of its own. Threads may share it.

    ``PRAGMA data_version`` is another number whenever any other connection has committed
    (https://www.sqlite.org/pragma.html#pragma_data_version). Where it cannot be had at once, something may have changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def beat(self) -> int | None:
        """Return a number that stays the same until something is committed; nothing where it cannot be had at once."""
        with self._lock:
            try:
                if self._connection is None:
                    where = f"file:{quote(str(self._path))}?mode=ro"
                    self._connection = sqlite3.connect(where, uri=True, timeout=0, check_same_thread=False)
                found = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                self._let_go()
                return None
        return None if found is None else int(found[0])

    def close(self) -> None:
        """Let go of the file; safe to repeat."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
