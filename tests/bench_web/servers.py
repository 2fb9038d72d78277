"""The two servers that are compared, each a process of its own on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from matrix.config import ROOT

_START_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A process that answers at ``url``."""

    url: str
    pid: int

    @property
    def peak_memory(self) -> int:
        """The most memory that it ever held, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


@contextmanager
def site(home: Path) -> Iterator[Server]:
    """The site on a home's database, as ``tfmatrix serve`` runs it."""
    words = ["-m", "service", "serve", "--no-runner", "--port"]
    with _started(words, {"TFMATRIX_HOME": str(home), "TFMATRIX_LOG_LEVEL": "warning"}, "/healthz") as server:
        yield server


@contextmanager
def constant() -> Iterator[Server]:
    """The page that is only a constant."""
    with _started(
        ["-m", "uvicorn", "tests.bench_web.constant:app", "--log-level", "error", "--port"], {}, "/"
    ) as server:
        yield server


@contextmanager
def _started(words: list[str], settings: dict[str, str], path: str) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **settings}
    running = subprocess.Popen(  # noqa: S603
        [sys.executable, *words, str(port)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _await(f"{url}{path}", running)
        yield Server(url=url, pid=running.pid)
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait()


def _await(url: str, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            if running.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
