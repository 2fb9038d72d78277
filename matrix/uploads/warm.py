"""Containers for uploads: some wait with TensorFlow imported and an empty folder; each serves one upload, and is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from matrix.blobs import Blobs
from matrix.config import WARM_BYTES, Settings
from matrix.engines import Engine
from matrix.model import Environment
from matrix.sandboxes import COPIES, TEMPORARY, Sandboxes
from matrix.session import HarnessBrokenError, Session
from matrix.uploads.attempt import stopped

ROOM: Final = 512 << 20
"""Bytes that a container has room for when nobody knows yet what it will load."""


class Containers:
    """Starts sessions for uploads, and keeps ``many`` of them warm, at most one for each environment.

    An environment proves itself before its container counts as warm; a cold one is proved unless this process has seen
    the very same image prove itself before: a proof takes a second. No file is given more than ``most_room``, in bytes; what
    it needs beyond ``own_room`` is taken from the warm ones, of which there are so many fewer meanwhile.
    """

    def __init__(  # noqa: PLR0913  how much there is, of what
        self, engine: Engine, blobs: Blobs, sandboxes: Sandboxes, *, most_room: int, many: int, own_room: int = 0
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._sandboxes = sandboxes
        self._most_room = max(ROOM, most_room)
        self._own_room = max(ROOM, own_room)
        self._many = many
        self._lent = 0
        self._warm: dict[str, Session] = {}
        self._warming: set[str] = set()
        self._broken: set[str] = set()
        self._proved: set[str] = set()
        self._lock = threading.Lock()

    @property
    def most_bytes(self) -> int:
        """The bytes of the largest file that any container has room for."""
        return self._most_room + TEMPORARY

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
        room = max(ROOM, COPIES * unpacked)
        room = min(room, self._most_room)  # what an inspector says of a size is a stranger's word
        lent = -(min(0, self._own_room - room) // WARM_BYTES)
        session = warm
        try:
            self._lend(lent)
            if session is None:
                session = self._sandboxes.open(environment, room)
                try:
                    self._prove(session)
                except HarnessBrokenError as error:
                    if session.is_aborted:  # by us
                        raise stopped() from error
                    raise
            yield session
        finally:
            if session is not None:
                self._sandboxes.close(session)
            self._lend(-lent)

    def _lend(self, many: int) -> None:
        """Keep so many fewer warm from now on, or more again."""
        closed = []
        with self._lock:
            self._lent += many
            while self._warm and len(self._warm) > self._many - self._lent:
                closed.append(self._warm.popitem()[1])
        for session in closed:
            self._sandboxes.close(session)

    def missing(self, line: Sequence[Environment]) -> Environment | None:
        """Return the next environment that should be kept warm and is not; nothing when all are, or enough."""
        with self._lock:
            if self._warming or len(self._warm) >= self._many - self._lent or self._sandboxes.is_stopped:
                return None
            taken = self._warm.keys() | self._broken
            found = next((one for one in reversed(line) if one.id not in taken), None)
            if found is not None:
                self._warming.add(found.id)
            return found

    def warm_up(self, environment: Environment) -> None:
        """Start and prove one that ``missing`` named; one that is not built or does not prove itself is not tried again."""
        session = None
        try:
            if self._engine.image_id(environment) is None:
                self._broken.add(environment.id)
                return
            session = self._sandboxes.open(environment, ROOM)
            self._prove(session)
            session.empty()
            with self._lock:
                if not self._sandboxes.is_stopped:
                    self._warm[environment.id] = session
                    session = None
        except HarnessBrokenError:
            self._broken.add(environment.id)
        finally:
            self._warming.discard(environment.id)
            if session is not None:
                self._sandboxes.close(session)

    def stop(self) -> None:
        """Take every container down, also those that work."""
        with self._lock:
            self._sandboxes.stop()
            warm, self._warm = list(self._warm.values()), {}
        for session in warm:
            self._sandboxes.close(session)

    def _prove(self, session: Session) -> None:
        image = self._engine.image_id(session.environment) or ""
        if image in self._proved:
            session.meet()
            return
        session.prove(self._blobs)
        self._proved.add(image)


def containers(settings: Settings, engine: Engine, opened_by: Sandboxes) -> Containers:
    """Return the containers that uploads are loaded in."""
    lanes, warm = settings.lanes_in_memory, settings.warm_containers
    beside = (settings.memory - warm * WARM_BYTES) // lanes
    return Containers(
        engine,
        Blobs(settings.home / "blobs"),
        opened_by,
        most_room=settings.memory // lanes - settings.container_memory,
        own_room=beside - settings.container_memory,
        many=warm,
    )
