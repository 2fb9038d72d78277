"""Rendered answers, kept as long as they are true: until something is recorded, or the ages in them are a minute old."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

MOST_BYTES: Final = 24 << 20
"""What kept answers may take together."""

_WORTH_PACKING: Final = 600
_LEVEL: Final = 5

Key = tuple[str, int, tuple[int, ...]]
"""An address, and the generation and the time that it was answered in: the minute, or for what is true for less the second."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A body, in both of the forms in which it is sent."""

    body: bytes
    media_type: str
    route: str = ""

    @cached_property
    def packed(self) -> bytes | None:
        """The body as gzip, where that is smaller."""
        if len(self.body) < _WORTH_PACKING:
            return None
        return gzip.compress(self.body, _LEVEL, mtime=0)

    @cached_property
    def etag(self) -> str:
        """A weak name for the content: the same for both forms."""
        return f'W/"{hashlib.sha256(self.body).hexdigest()[:24]}"'

    @property
    def size(self) -> int:
        """What keeping it takes, in bytes: the packed form alone is kept where there is one."""
        return len(self.body) + len(self.packed or b"")


class Answers:
    """The newest answers, those asked for longest ago leaving first. Threads may share it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.kept = 0
        self.made = 0
        self._most = most_bytes
        self._held: OrderedDict[str, tuple[Key, Answer]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, *keys: Key) -> Answer | None:
        """Return the answer that is kept under one of these keys of an address, if there is one."""
        address = keys[0][0]
        with self._lock:
            held = self._held.get(address)
            if held is None or held[0] not in keys:
                return None
            self._held.move_to_end(address)
            self.kept += 1
            return held[1]

    def make(self, key: Key, make: Callable[[], Answer]) -> Answer:
        """Make an answer, and keep it in place of an older one to the same address."""
        answer = make()
        with self._lock:
            self.made += 1
            self._drop(key[0])
            if answer.size <= self._most // 8:
                self._held[key[0]] = key, answer
                self._bytes += answer.size
                while self._bytes > self._most:
                    self._drop(next(iter(self._held)))
        return answer

    def _drop(self, address: str) -> None:
        held = self._held.pop(address, None)
        if held is not None:
            self._bytes -= held[1].size


class Turns:
    """One at a time for each address: of many who ask for a page that must be made, the first makes it and the others take it.

    For one event loop.
    """

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, address: str) -> AsyncIterator[None]:
        """Wait for those who came before to the same address."""
        lock = self._locks.setdefault(address, asyncio.Lock())
        self._waiting[address] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._locks[address]
