"""What the web process holds open: the store, the matrix in memory, and the answers that are still true."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import Request

from matrix.config import Settings
from matrix.store import Store
from reports.known import Known
from service.answers import Answers, Key, Turns
from service.snapshot import Snapshot
from service.source import Source

_MINUTE: Final = 60


class Site:
    """An open database and what is made from it."""

    def __init__(self, settings: Settings, opened: Store) -> None:
        self.settings = settings
        self.store = opened
        self.snapshot = Snapshot(opened.read)
        self.answers = Answers()
        self.turns = Turns()

    def source(self) -> Source:
        """Return what pages are made from now.

        Raises:
            StoreError: The database does not answer.
        """
        return self._source(self.snapshot.known())

    def _source(self, known: Known) -> Source:
        return Source(
            known=known,
            read=self.store.read,
            queue=self.store.queue,
            settings=self.settings,
            now=datetime.now(UTC),
        )

    def at_once(self) -> Source | None:
        """Return the same, where nothing was committed since it was last asked for: without waiting for anything."""
        known = self.snapshot.unchanged()
        return None if known is None else self._source(known)

    def key(self, path: str, query: bytes, source: Source) -> Key:
        """Return under which name an answer is kept: ages in it are right for a minute."""
        return self._address(path, query), source.known.generation, (_seconds(source) // _MINUTE,)

    def brief_key(self, path: str, query: bytes, source: Source) -> Key:
        """Return the name of an answer that shows what no generation counts.

        It is the same for all who ask in one second, unless something was committed meanwhile, where that can be told at once.
        """
        pulse = self.store.read.pulse() or 0
        return self._address(path, query), source.known.generation, (_seconds(source), pulse)

    def _address(self, path: str, query: bytes) -> str:
        return f"{path}?{query.decode('latin-1')}"


def _seconds(source: Source) -> int:
    return int(source.now.timestamp())


def site_of(request: Request) -> Site:
    """Return the site of the application that a request came to.

    Raises:
        TfmatrixError: Its database cannot be opened.
    """
    found: Site = request.app.state.service.site()
    return found
