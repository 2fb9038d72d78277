"""Has an upload looked into, in a container of its own; one may wait, so that nobody waits for its start."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from matrix.blobs import Blobs
from matrix.engines import Channel, ChannelLostError, ChannelTimeoutError, Engine
from matrix.errors import TfmatrixError
from matrix.protocol import ProtocolError, clean
from matrix.uploads import inspection
from matrix.uploads.inspection import Inspection
from matrix.uploads.model import Parts

SECONDS: Final = 30.0
GRACE: Final = 10.0
"""The inspector keeps its own time; only where it does not even do that, its container is taken down."""

NAME: Final = 300
_GONE: Final = inspection.refused(
    "crashed",
    "Whatever looks into the file dies of it: it is damaged in a way that no reader survives.",
    "Copy or download it again; else save the model anew.",
)
_SLOW: Final = inspection.refused(
    "too-slow",
    "Looking into the file takes longer than any model does.",
    "It is damaged, or made to be slow: save the model anew.",
)
_NONSENSE: Final = inspection.refused(
    "not-understood",
    "What was found in the file cannot be understood, so nothing of it is believed.",
    "Save the model anew; if this stays, please report it with the file.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    """A container that waits for its one upload."""

    channel: Channel
    inbox: Path
    ends: contextlib.ExitStack


class Inspector:
    """Looks into uploads. As a context it keeps one container waiting; without, each is started when it is needed."""

    def __init__(self, engine: Engine, *, inboxes: Path, labels: Mapping[str, str], seconds: float = SECONDS) -> None:
        self._engine = engine
        self._inboxes = inboxes
        self._labels = labels
        self._seconds = seconds
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._waiting: _Waiting | None = None
        self._keeps_one = False
        self._endings: list[threading.Thread] = []

    def __enter__(self) -> Self:
        shutil.rmtree(self._inboxes, ignore_errors=True)
        self._keeps_one = True
        self._refill()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._keeps_one = False
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.ends.close()
        self.settle()

    def of(self, blobs: Blobs) -> Callable[[Parts], dict[str, Any]]:
        """Return what looks into parts that lie among these blobs, and stores their inputs there."""

        def looked_into(parts: Parts) -> dict[str, Any]:
            found = self.inspect(parts, blobs)
            frame = found.frame
            return found.to_json(None if frame is None else blobs.put(frame))

        return looked_into

    def inspect(self, parts: Parts, blobs: Blobs) -> Inspection:
        """Look into the parts of an upload; one that kills its inspector, twice, is refused.

        Raises:
            EngineError: The engine does not answer.
            UsageError: The engine has no containers.
        """
        for _ in range(2):
            try:
                return inspection.read(self._asked(parts, blobs))
            except ChannelLostError:
                continue
            except ChannelTimeoutError:
                return _SLOW
            except ProtocolError:
                return _NONSENSE
        return _GONE

    def _asked(self, parts: Parts, blobs: Blobs) -> bytes:
        waiting = self._taken() or self._started()
        try:
            named = {}
            for part, file in parts.items():
                blobs.link_into(file.sha256, waiting.inbox, part.value)
                named[part.value] = {"file": part.value, "name": clean(file.name, NAME)}
            waiting.channel.send(json.dumps({"parts": named, "seconds": self._seconds}).encode() + b"\n")
            return waiting.channel.receive(self._seconds + GRACE)
        finally:  # the answer need not wait for that
            ending = threading.Thread(target=waiting.ends.close, name="inspector-ends")
            self._endings = [one for one in self._endings if one.is_alive()] + [ending]
            ending.start()

    def settle(self) -> None:
        """Wait until every container that has answered is gone, with its folder."""
        for ending in self._endings:
            ending.join()

    def _taken(self) -> _Waiting | None:
        """Take the container that waits, and see that another one takes its place."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            threading.Thread(target=self._refill, name="inspector", daemon=True).start()
        return waiting

    def _refill(self) -> None:
        """Start one to wait. That it cannot be had is said to who needs it."""
        try:
            started = self._started()
        except TfmatrixError:
            return
        with self._lock:
            if self._keeps_one and self._waiting is None:
                self._waiting = started
                return
        started.ends.close()

    def _started(self) -> _Waiting:
        with contextlib.ExitStack() as ends:
            inbox = self._inboxes / str(next(self._numbers))
            inbox.mkdir(parents=True)
            inbox.chmod(0o755)  # it is read by nobody
            ends.callback(shutil.rmtree, inbox, ignore_errors=True)
            channel = ends.enter_context(self._engine.start_inspector(inbox, self._labels))
            return _Waiting(channel=channel, inbox=inbox, ends=ends.pop_all())
