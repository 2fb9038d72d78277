"""Opens sessions, each with an inbox of its own and room for what it will load; takes them all down at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from matrix.engines import Allowance, Engine
from matrix.model import Environment
from matrix.session import Patience, Session

TEMPORARY: Final = 64 << 20
"""Bytes of temporary space that every container gets, besides room for copies of the largest file that it loads."""

COPIES: Final = 4
"""A file is copied, unpacked, and perhaps unpacked again by the framework."""


class Sandboxes:
    """Sessions of one run or one worker. ``memory`` is what a container gets besides its room, in bytes.

    Threads may share it.
    """

    def __init__(
        self, engine: Engine, *, inboxes: Path, labels: Mapping[str, str], patience: Patience, memory: int
    ) -> None:
        self._engine = engine
        self._inboxes = inboxes
        self._labels = labels
        self._patience = patience
        self._memory = memory
        self._numbers = itertools.count()
        self._open: set[Session] = set()
        self.is_stopped = False

    def open(self, environment: Environment, room: int, processor: int | None = None) -> Session:
        """Return a session that has room for so many bytes; whoever opens it closes it."""
        session = Session(
            self._engine,
            environment,
            inbox=self._inboxes / str(next(self._numbers)),
            allowance=Allowance(memory=self._memory + room, temporary=TEMPORARY + room, processor=processor),
            labels=self._labels,
            patience=self._patience,
        )
        session.__enter__()
        self._open.add(session)
        if self.is_stopped:
            session.abort()
        return session

    def close(self, session: Session) -> None:
        """End a session, with its container and its inbox."""
        self._open.discard(session)
        session.__exit__(None, None, None)

    @contextmanager
    def session(self, environment: Environment, room: int, processor: int | None = None) -> Iterator[Session]:
        """Open a session for as long as the context lasts."""
        session = self.open(environment, room, processor)
        try:
            yield session
        finally:
            self.close(session)

    def stop(self) -> None:
        """Take every container down; what is opened from now on fails at once."""
        self.is_stopped = True
        for session in list(self._open):
            session.abort()
