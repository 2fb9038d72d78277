"""``tfmatrix runner``: the process that takes requests from the queue and runs them, one after the other.

What is wrong with a request fails it; what is wrong with the machine lets it wait: the engine, the disk, another run.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from matrix.config import Settings
from matrix.errors import BusyError, DiskFullError, EngineError, ExitCode, StoreError, TfmatrixError
from matrix.store import Request, Store
from service import asking, logs, measuring, wiring
from service.alive import SILENCE, is_alive
from service.heartbeat import Heartbeat
from service.logs import Lines
from service.progress import RunProgress
from service.uploads.working import attending

LONGEST_PAUSE: Final = 60.0
LINE_WIDTH: Final = 1000
THE_MACHINES: Final = (EngineError, BusyError, DiskFullError)

out = Console(highlight=False)
log = logs.logger("runner")


def runner(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the queue is empty.")] = False,
    healthy: Annotated[
        bool, typer.Option("--healthy", help="Only say whether a runner of this home is alive.")
    ] = False,
    attached: Annotated[bool, typer.Option("--attached", hidden=True, help="End when standard input does.")] = False,
) -> None:
    """Take up what was asked for, one request after the other, until it is stopped."""
    settings = Settings()
    if healthy:
        alive = is_alive(settings.home, datetime.now(UTC))
        out.print(f"{'a' if alive else 'no'} runner of {settings.home} is alive", soft_wrap=True)
        raise typer.Exit(ExitCode.FINE if alive else ExitCode.FINDINGS)
    logs.configure(settings)
    if attached:
        threading.Thread(target=_end_with_input, name="attached", daemon=True).start()
    with wiring.store(settings, create=True) as opened:
        if once:
            failed = QueueRunner(settings, opened).work(once=True)
        else:
            with attending(settings, opened, _say):
                failed = QueueRunner(settings, opened).work(once=False)
    if failed:
        raise typer.Exit(ExitCode.FINDINGS)


class QueueRunner:
    """Works on the queue of a store. ``name`` tells it from every other runner, also from one with its process id."""

    def __init__(self, settings: Settings, opened: Store, pause: Callable[[float], None] = time.sleep) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._settings = settings
        self._opened = opened
        self._queue = opened.queue
        self._pause = pause
        self._heart = Heartbeat(self._queue, self.name, settings.home, _interrupt)

    def work(self, *, once: bool) -> int:
        """Run what waits; with ``once`` until nothing does. Return how many requests failed.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM; what was held waits again.
            EngineError: With ``once``: no engine answers; the request waits on. Without, it is tried again and again.
            DiskFullError: Likewise.
            StoreError: The database is damaged or does not answer.
        """
        with self._heart:
            _say(f"runner {self.name}: takes up what is asked for")
            try:
                return self._work(once=once)
            except KeyboardInterrupt:
                if self._queue.release(self.name, "Its runner was stopped; the next one takes it up again."):
                    _say("stopped; what was measured is kept, and the request waits again")
                raise

    def _work(self, *, once: bool) -> int:
        failed = troubles = 0
        while True:
            try:
                fine = self._take_one()
            except THE_MACHINES as trouble:
                self._queue.release(self.name, _words(trouble))
                _say(f"waits: {_words(trouble)}")
                if once and not isinstance(trouble, BusyError):
                    raise
                troubles += 1
                self._pause(pause_after(troubles, self._settings.poll_seconds))
                continue
            if fine is None and once:
                return failed
            if fine is None:
                self._pause(self._settings.poll_seconds)
            failed += fine is False
            troubles = 0

    def _take_one(self) -> bool | None:
        """Work on what is first in the queue; false when it failed, nothing when nothing waits."""
        one = self._next()
        return None if one is None else self._attend(one)

    def _next(self) -> Request | None:
        for stale in self._queue.requeue_stale(datetime.now(UTC), SILENCE):
            _say(f"request {stale.id}: {stale.state}. {stale.message}")
        return self._queue.claim(self.name, datetime.now(UTC))

    def _attend(self, one: Request) -> bool:
        """Work on a request to its end, and note how it ended; false when it failed."""
        try:
            with self._heart.holding(one.id):
                message = self._measure(one)
        except KeyboardInterrupt:
            if not self._heart.has_lost(one.id):
                raise
            _say(f"request {one.id}: was taken back; what was measured is kept")
            return True
        except (*THE_MACHINES, StoreError):
            raise
        except TfmatrixError as error:
            return self._fail(one, _words(error))
        except Exception as error:  # noqa: BLE001  one request's fault is not the next one's
            _say(traceback.format_exc())
            return self._fail(one, f"A fault in tfmatrix ({type(error).__name__}). Please report the runner's log.")
        noted = self._queue.finish(one.id, self.name, datetime.now(UTC), message)
        _say(f"request {one.id}: {'done' if noted else 'was taken back, too late'}. {message or ''}".strip())
        return True

    def _measure(self, one: Request) -> str | None:
        """Run what a request asks for, and return what it lacks."""
        _say(f"request {one.id}: taken up")
        chosen = asking.chosen(one.body)
        engine = wiring.engine(self._settings)
        if (warning := wiring.warning_of(engine)) is not None:
            _say(warning)
        progress = RunProgress(_console(), lambda run_id: self._queue.note_run(one.id, self.name, run_id))
        again = bool(one.body.get("again"))
        summary = measuring.measure(self._settings, engine, self._opened, chosen, progress, again=again)
        _say(measuring.sentence(summary))
        return measuring.lacking(summary)

    def _fail(self, one: Request, message: str) -> bool:
        self._queue.fail(one.id, self.name, datetime.now(UTC), message)
        _say(f"request {one.id}: failed. {message}")
        return False


def pause_after(troubles: int, poll_seconds: float) -> float:
    """Return for how many seconds to wait when the machine was in the way so many times in a row."""
    doublings = min(troubles, 16)  # far beyond the longest pause, and far from what no float can hold
    return min(poll_seconds * 2.0**doublings, LONGEST_PAUSE)


def _interrupt() -> None:
    """Stop what the main thread does as Ctrl-C would: its lanes end, its containers go."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _words(error: TfmatrixError) -> str:
    return f"{error.message} {error.next_step}".strip()


def _end_with_input() -> None:
    """Stop when whoever started us is gone, however that came: the pipe between us ends with it."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    _interrupt()


def _console() -> Console:
    """Bars where somebody looks at them; else lines of the log, now and then."""
    return out if out.is_terminal else Console(file=Lines(log), highlight=False, width=LINE_WIDTH)


def _say(text: str) -> None:
    for line in text.splitlines():
        log.info(line)
