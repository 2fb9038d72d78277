"""Finds and ends processes of ours by what ``/proc`` tells of them, where no container holds them together."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Look = Callable[[], Sequence[int]]
SECONDS = 10
_PROC = Path("/proc")


def end_tree(root: int) -> None:
    """End a process and all that descends from it; it is held still meanwhile, so that it starts nothing new."""
    _send(root, signal.SIGSTOP)
    _end_all(lambda: descendants(root))
    _send(root, signal.SIGKILL)


def end_marked(mark: str) -> int:
    """End every process that was started with this variable (``NAME=value``), with what descends from it; count them."""
    found = marked(mark)
    for pid in found:
        end_tree(pid)
    _end_all(lambda: marked(mark))
    return len(found)


def marked(mark: str) -> list[int]:
    """Return the processes whose environment, as they were started, holds this variable."""
    wanted = mark.encode()
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):  # gone, or not ours to look at
            if wanted in (_PROC / str(pid) / "environ").read_bytes().split(b"\0") and _state(pid)[0] not in "ZX":
                found.append(pid)
    return found


def descendants(root: int) -> list[int]:
    """Return the processes below one; the dead do not count."""
    below: dict[int, list[tuple[int, str]]] = {}
    for pid in _pids():
        state, parent = _state(pid)
        below.setdefault(parent, []).append((pid, state))
    found, parents = [], [root]
    while parents:
        for pid, state in below.get(parents.pop(), []):
            parents.append(pid)
            if state not in "ZX":
                found.append(pid)
    return found


def _end_all(look: Look) -> None:
    deadline = time.monotonic() + SECONDS
    while (found := look()) and time.monotonic() < deadline:
        for pid in found:
            _send(pid, signal.SIGKILL)
        time.sleep(0.005)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _pids() -> Iterable[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]


def _state(pid: int) -> tuple[str, int]:
    """Return a process's state and its parent; a process that is gone is dead."""
    try:
        state, parent = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except OSError:
        return "X", 0
    return state, int(parent)
