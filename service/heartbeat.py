"""Signs of life: a thread says every few seconds that a runner lives, and that it still works on what it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from matrix.errors import TfmatrixError, UsageError
from matrix.store import Queue
from service.alive import sign_of

BEAT_SECONDS: Final = 5.0


class Heartbeat:
    """The thread, as a context manager. ``lost`` is called, in it, when the queue no longer knows us as a holder.

    A beat that fails, because the database is busy or the disk is full, is left out: the next one may not.
    """

    def __init__(
        self, queue: Queue, runner: str, home: Path, lost: Callable[[], None], *, seconds: float = BEAT_SECONDS
    ) -> None:
        self._queue = queue
        self._runner = runner
        self._sign = sign_of(home)
        self._tell = lost
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: int | None = None
        self._lost: int | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._sign.parent.mkdir(parents=True, exist_ok=True)
            self._sign.touch()
        except OSError as error:
            raise UsageError(
                f"{self._sign} cannot be written ({error.strerror}).",
                next_step="Make the folder yours to write, or name another one in TFMATRIX_HOME.",
            ) from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._sign.unlink(missing_ok=True)  # another runner of this home shows its own at its next beat

    @contextmanager
    def holding(self, request_id: int) -> Iterator[None]:
        """Say of this request, too, that it is worked on. Once this has ended, nobody is told any more."""
        with self._lock:
            self._held = request_id
        try:
            yield
        finally:
            with self._lock:
                self._held = None

    def has_lost(self, request_id: int) -> bool:
        """Whether this request was taken from us while we worked on it."""
        return self._lost == request_id

    def beat(self) -> None:
        """Give one sign of life."""
        with suppress(OSError):
            self._sign.touch()
        with self._lock, suppress(TfmatrixError):
            held = self._held
            if held is not None and not self._queue.heartbeat(held, self._runner, datetime.now(UTC)):
                self._held, self._lost = None, held
                self._tell()

    def _go_on(self) -> None:
        while not self._ended.wait(self._seconds):
            self.beat()
