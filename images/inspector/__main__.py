"""Waits for one job on standard input, looks into the upload in a process of its own, and answers with one frame."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from images.inspector.upload import inspected, refusal
from images.probe import wire

INBOX = Path("/in")
SECONDS = 20.0
MEMORY = 1 << 30
FILES = 60
ANSWER = wire.FRAME.size + wire.MAX_HEADER + (66 << 20)


def main() -> None:
    """Answer one job."""
    line = sys.stdin.buffer.readline(1 << 20)
    if not line:
        return
    job = json.loads(line)
    frame = watched(job["parts"], INBOX, float(job.get("seconds", SECONDS)))
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()


def watched(parts: Any, inbox: Path, seconds: float, memory: int = MEMORY) -> bytes:  # noqa: ANN401
    """Look into an upload in a child with limits: what kills it, or keeps it busy, is an answer as well."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            _limit(seconds, memory)
            _write(writer, inspected(parts, inbox))
        finally:
            os._exit(0)
    os.close(writer)
    try:
        said = _read(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    return _judged(said, status)


def _judged(said: bytes | None, status: int) -> bytes:
    if said is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return refusal(
            "too-slow",
            "Looking into the file takes longer than any model does.",
            "It is damaged, or made to be slow: save it anew.",
        )
    try:
        wire.unpack(said, ANSWER)
    except wire.WireError:
        died = f" (signal {os.WTERMSIG(status)})" if os.WIFSIGNALED(status) else ""
        return refusal(
            "crashed",
            f"Looking into the file broke the reader{died}: it is damaged in a way that no reader survives.",
            "Copy or download it again; else save the model anew.",
        )
    return said


def _limit(seconds: float, memory: int) -> None:
    taken = max(int(one.name) for one in Path("/proc/self/fd").iterdir())  # the limit is one of numbers
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 512 << 20),
        (resource.RLIMIT_NOFILE, FILES + taken),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (least, least))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read(descriptor: int, deadline: float) -> bytes | None:
    """Return all that the child says, or nothing where it does not come to an end in time."""
    said = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        data = os.read(descriptor, 1 << 20)
        if not data:
            return bytes(said)
        said += data
        if len(said) > ANSWER:
            return bytes(said)


if __name__ == "__main__":
    main()
