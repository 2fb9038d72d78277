"""The command line as a person starts it: a process of its own, with a home folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from images.bootstrap.engine import connect
from matrix.engines.processes import marked
from matrix.engines.venv import MARK
from matrix.methods import Found, found, further_requests
from matrix.model import CellKey, CellRequest
from matrix.plan import load_tasks, make_plan
from matrix.runner import RUN_LABEL
from matrix.selection import ALL
from matrix.store import open_store
from service import wiring

TFMATRIX: Final = Path(sys.executable).parent / "tfmatrix"


class Home:
    """A home folder, and the commands run on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "matrix.db"
        self.page = path / "site" / "index.html"

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command; its output is read by ``communicate``."""
        return subprocess.Popen(  # noqa: S603
            [TFMATRIX, *words],
            env={**os.environ, "TFMATRIX_HOME": str(self.path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it said."""
        return finish(self.start(*words, **environment))

    def count(self, table: str) -> int:
        """Return how many rows a table has; none where there is no database yet."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as opened:
                return int(opened.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  our own words
        except sqlite3.OperationalError:
            return 0

    def wait_for(self, table: str, rows: int, process: subprocess.Popen[str]) -> None:
        """Return once a table has so many rows; fail when the process ends before that."""
        deadline = time.monotonic() + 120
        while self.count(table) < rows:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"{table} never had {rows} rows: {process.communicate()[0]}")
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """Return the processes that the ``venv`` engine started for this home and that still run."""
        return marked(f"{MARK}={RUN_LABEL}={self.path}")

    def containers(self) -> int:
        """Return how many containers carry this home's label."""
        with contextlib.closing(connect()) as client:
            label = f"{RUN_LABEL}={self.path}"
            return len(client.containers.list(all=True, filters={"label": label}, ignore_removed=True))

    def cells(self, environments: str, models: str, formats: str) -> tuple[list[CellKey], set[CellKey]]:
        """Return the cells that a selection asks for, each once, and those of them that are known.

        Asked for are those of the first methods, and those of further ones that what is known of these calls for.
        """
        plan = make_plan(wiring.select(environments, models, formats, ALL))
        named = {one.id: one for one in plan.selection.models}, {one.id: one for one in plan.selection.environments}
        with open_store(self.database, create=False) as store:
            saves = store.read.saves(plan.saves)
            assert set(saves) == set(plan.saves), "a save is missing"
            wanted: dict[CellKey, CellRequest] = {}
            known: dict[CellRequest, Found] = {}
            more: tuple[CellRequest, ...] = plan.requests
            while set(more) - set(known):
                tasks = load_tasks(plan, saves, more)
                wanted |= {task.key: task.request for task in tasks}
                results = store.read.cells([task.key for task in tasks])
                assert {task.key for task in tasks} == set(results), "a cell is missing"
                known |= {task.request: found(results[task.key]) for task in tasks}
                more = tuple(further_requests(plan.requests, *named, known))
            return list(wanted), store.read.known_cells(list(wanted))


def finish(process: subprocess.Popen[str], seconds: float = 180) -> tuple[int, str]:
    """Wait for a command; return its exit code and what it said."""
    try:
        said = process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"still running after {seconds} s: {process.communicate()[0]}") from None
    assert "Traceback" not in said, said
    return process.returncode, said


class Proxy:
    """A socket that passes everything on to the real engine, until it is told to die."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.address = f"unix://{folder / 'proxy.sock'}"
        self._engine = engine.removeprefix("unix://")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "proxy.sock"))
        self._listener.listen(64)
        self._open: list[socket.socket] = []
        self._folder = folder
        threading.Thread(target=self._accept, daemon=True).start()

    def die(self) -> None:
        """Cut every connection and take no new one."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
