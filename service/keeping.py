"""Keeps a child process going: starts it again when it ends, passes its lines on, and takes it along at the end."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from service.logs import logger

LAST_WORDS_SECONDS: Final = 60.0
"""How long a child that was asked to end may take: a runner ends its containers first."""

SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
LIVED_WELL_SECONDS: Final = 60.0

log = logger("serve")


class Kept:
    """The child, as a context manager. ``tell`` is called with each of its lines, in a thread.

    Its standard input is a pipe that nobody writes to: it ends when we do, however we end.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], tell: Callable[[str], None]
    ) -> None:
        self._name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._tell = tell
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"keep-{name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._lock:
            process = self._process
        if process is None:
            return
        try:
            process.terminate()
            process.wait(LAST_WORDS_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            log.warning("it does not end by itself and is killed", child=self._name)
            process.kill()
            process.wait()
        self._thread.join(SHORTEST_PAUSE)

    def _keep(self) -> None:
        deaths = 0
        while (process := self._start()) is not None:
            began = time.monotonic()
            with process:
                for line in process.stdout or ():
                    self._tell(line.rstrip("\n"))
            if self._ended.is_set():
                return
            deaths = 1 if time.monotonic() - began > LIVED_WELL_SECONDS else deaths + 1
            seconds = pause_after(deaths)
            log.warning("it ended and is started again", child=self._name, code=process.returncode, seconds=seconds)
            self._ended.wait(seconds)

    def _start(self) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._ended.is_set():
                return None
            self._process = subprocess.Popen(  # noqa: S603  (our own program)
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for us alone: we end it, in our order
            )
            return self._process


def pause_after(deaths: int) -> float:
    """Return how many seconds to wait before another start, after so many ends in a row."""
    return min(SHORTEST_PAUSE * 2.0 ** min(deaths - 1, 16), LONGEST_PAUSE)
