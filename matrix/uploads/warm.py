"""Containers for uploads: some wait with TensorFlow imported and an empty folder; each serves one upload, and is gone."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from matrix.blobs import Blobs
from matrix.engines import Allowance, Engine
from matrix.model import Environment
from matrix.session import HarnessBrokenError, Patience, Session
from matrix.uploads.attempt import stopped

TEMPORARY: Final = 64 << 20
ROOM: Final = 512 << 20
"""Bytes of temporary space that a container gets beyond that when nobody knows yet what it will load."""

COPIES: Final = 4
"""A file is copied, unpacked, and perhaps unpacked again by the framework."""


class Containers:
    """Starts sessions for uploads, and keeps ``many`` of them warm, at most one for each environment.

    An environment proves itself before its container counts as warm; a cold one is proved unless this process has seen
    the very same image prove itself before: a proof takes a second. ``memory`` is what a container gets besides room for its
    file, ``most`` what it gets at the most, whatever the file, in bytes.
    """

    def __init__(  # noqa: PLR0913  what a container needs is what it is given
        self,
        engine: Engine,
        blobs: Blobs,
        *,
        inboxes: Path,
        labels: Mapping[str, str],
        patience: Patience,
        memory: int,
        most: int,
        many: int,
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._inboxes = inboxes
        self._labels = labels
        self._patience = patience
        self._memory = memory
        self._most_room = max(ROOM, most - memory)
        self._many = many
        self._numbers = itertools.count()
        self._warm: dict[str, Session] = {}
        self._warming: set[str] = set()
        self._broken: set[str] = set()
        self._proved: set[str] = set()
        self._open: set[Session] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def ready(self) -> int:
        """How many containers wait."""
        return len(self._warm)

    @contextmanager
    def session(self, environment: Environment, unpacked: int) -> Iterator[Session]:
        """Give a session for one upload of so many bytes; it is gone when the context ends.

        Raises:
            HarnessBrokenError: The environment did not prove itself.
            EngineError: The engine does not answer.
        """
        with self._lock:
            warm = self._warm.pop(environment.id, None) if COPIES * unpacked <= ROOM else None
        session = warm or self._new(environment, max(ROOM, COPIES * unpacked))
        try:
            if warm is None:
                try:
                    self._prove(session)
                except HarnessBrokenError as error:
                    if session.is_aborted:  # by us
                        raise stopped() from error
                    raise
            yield session
        finally:
            self._let_go(session)

    def missing(self, line: Sequence[Environment]) -> Environment | None:
        """Return the next environment that should be kept warm and is not; nothing when all are, or enough."""
        with self._lock:
            if len(self._warm) + len(self._warming) >= self._many or self._warming or self._stopped:
                return None
            taken = self._warm.keys() | self._broken
            found = next((one for one in reversed(line) if one.id not in taken), None)
            if found is not None:
                self._warming.add(found.id)
            return found

    def warm_up(self, environment: Environment) -> None:
        """Start and prove one that ``missing`` named; one that does not prove itself is not tried again."""
        session = None
        try:
            session = self._new(environment, ROOM)
            self._prove(session)
            session.empty()
            with self._lock:
                if not self._stopped:
                    self._warm[environment.id] = session
                    session = None
        except HarnessBrokenError:
            self._broken.add(environment.id)
        finally:
            self._warming.discard(environment.id)
            if session is not None:
                self._let_go(session)

    def stop(self) -> None:
        """Take every container down, also those that work."""
        with self._lock:
            self._stopped = True
            warm, self._warm = list(self._warm.values()), {}
        for session in list(self._open):
            session.abort()
        for session in warm:
            self._let_go(session)

    def sweep(self, label: str) -> None:
        """Remove what a process that was killed left behind."""
        self._engine.reap(label)
        shutil.rmtree(self._inboxes, ignore_errors=True)

    def _new(self, environment: Environment, room: int) -> Session:
        room = min(room, self._most_room)  # what an inspector says of a size is a stranger's word
        session = Session(
            self._engine,
            environment,
            inbox=self._inboxes / str(next(self._numbers)),
            allowance=Allowance(memory=self._memory + room, temporary=TEMPORARY + room, processor=None),
            labels=self._labels,
            patience=self._patience,
        )
        session.__enter__()
        self._open.add(session)
        if self._stopped:
            session.abort()
        return session

    def _let_go(self, session: Session) -> None:
        self._open.discard(session)
        session.__exit__(None, None, None)

    def _prove(self, session: Session) -> None:
        image = self._engine.image_id(session.environment) or ""
        if image in self._proved:
            session.meet()
            return
        session.prove(self._blobs)
        self._proved.add(image)
