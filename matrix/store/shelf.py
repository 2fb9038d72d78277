"""What each part of a database is made of: an engine that writes, one that reads, and words for what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select

from matrix.store.rows import AnyRow


class Shelf:
    """A part of a database that is both read and written: each method is one short transaction."""

    def __init__(self, writing: Engine, reading: Engine, explained: Callable[[], AbstractContextManager[None]]) -> None:
        self._writing = writing
        self._reading = reading
        self._explained = explained

    def _rows(self, wanted: Select[Any]) -> list[AnyRow]:
        with self._explained(), self._reading.begin() as connection:
            return list(connection.execute(wanted))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._explained(), self._writing.begin() as connection:
            yield connection
