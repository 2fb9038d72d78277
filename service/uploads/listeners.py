"""Who watches uploads: server-sent events that say when it pays to look again. One look at the database serves all of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fastapi.concurrency import run_in_threadpool

from matrix.errors import TfmatrixError
from service.problems import TooMany

MOST: Final = 200
MOST_OF_ONE: Final = 30
"""Of one upload, and from one address."""
LOOK_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 3000


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What of an upload tells whether its page would say something else. ``over``: it never will again."""

    revision: int
    state: str
    ahead: int
    seconds_left: float | None
    runner_alive: bool
    over: bool


Look = Callable[[tuple[str, ...]], Mapping[str, Moment]]


class Listeners:
    """All that listen to one app, in its event loop. ``look`` tells what is true of uploads now; it may wait."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._watched: Counter[str] = Counter()
        self._watching_from: Counter[str] = Counter()
        self._moments: Mapping[str, Moment] = {}
        self._news = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def count(self) -> int:
        """How many listen."""
        return self._watched.total()

    def close(self) -> None:
        """End all of them: the server goes."""
        self._closed = True
        self._tell()

    def events(self, upload_id: str, network: str) -> AsyncIterator[bytes]:
        """Return the events of an upload as they are sent to somebody at an address.

        Raises:
            TooMany: Enough listen already; who asks may look every few seconds.
        """
        if self.count >= MOST or max(self._watched[upload_id], self._watching_from[network]) >= MOST_OF_ONE:
            raise TooMany(
                "Too many listen already.", seconds=RETRY_MILLISECONDS / 1000, next_step="Load the page again."
            )
        return self._events(upload_id, network)

    async def _events(self, upload_id: str, network: str) -> AsyncIterator[bytes]:
        with self._watch(upload_id, network):
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            last: Moment | None = None
            while not self._closed:
                news, moment = self._news, self._moments.get(upload_id)
                if moment is not None and moment != last:
                    last = moment
                    yield _event("end" if moment.over else "changed", moment)
                    if moment.over:
                        return
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await news.wait()
                except TimeoutError:
                    yield b": still here\n\n"

    @contextmanager
    def _watch(self, upload_id: str, network: str) -> Iterator[None]:
        self._watched[upload_id] += 1
        self._watching_from[network] += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            for counted, name in ((self._watched, upload_id), (self._watching_from, network)):
                counted[name] -= 1
                if not counted[name]:
                    del counted[name]

    async def _keep_looking(self) -> None:
        """Look for as long as somebody listens."""
        while self._watched and not self._closed:
            try:
                found = await run_in_threadpool(self._look, tuple(self._watched))
            except TfmatrixError:
                found = self._moments  # the database is away: what was true holds until it is back
            if found != self._moments:
                self._moments = found
                self._tell()
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _event(kind: str, moment: Moment) -> bytes:
    data = {name: getattr(moment, name) for name in ("revision", "state", "ahead", "seconds_left", "runner_alive")}
    return f"event: {kind}\nid: {moment.revision}\ndata: {json.dumps(data)}\n\n".encode()
