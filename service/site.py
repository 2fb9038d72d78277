"""What the web process holds open: the store, the matrix in memory, and the answers that are still true."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import Request

from matrix.config import Settings
from matrix.store import Store
from service.answers import Answers, Key
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

    def source(self) -> Source:
        """Return what pages are made from now.

        Raises:
            StoreError: The database does not answer.
        """
        return Source(
            known=self.snapshot.known(),
            read=self.store.read,
            queue=self.store.queue,
            settings=self.settings,
            now=datetime.now(UTC),
        )

    def key(self, path: str, query: bytes, source: Source) -> Key:
        """Return under which name an answer is kept: ages in it are right for a minute."""
        address = f"{path}?{query.decode('latin-1')}"
        return address, source.known.generation, int(source.now.timestamp()) // _MINUTE


def site_of(request: Request) -> Site:
    """Return the site of the application that a request came to.

    Raises:
        TfmatrixError: Its database cannot be opened.
    """
    found: Site = request.app.state.service.site()
    return found
