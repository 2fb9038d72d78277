"""How much is taken: uploads and bytes of one address in an hour, uploads at once, and what all may take on the disk.

For one event loop, and as long as the process lives: who restarts it lets everybody begin anew.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from matrix.config import Settings
from service.problems import NoToken, TooMany

HOUR: Final = 3600.0
AT_ONCE: Final = 32
AT_ONCE_OF_ONE: Final = 16
_SENDERS: Final = 10_000
_SOON: Final = 10


@dataclass(slots=True)
class _Sent:
    """What one address sent in the last hour: when, and how many bytes so far."""

    when: deque[list[float]] = field(default_factory=deque)

    def since(self, moment: float) -> None:
        while self.when and self.when[0][0] <= moment:
            self.when.popleft()

    @property
    def size(self) -> float:
        return sum(size for _, size in self.when)


class Limits:
    """What every address sent lately, and who sends now."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = settings.uploads_per_hour
        self._most_bytes = settings.upload_bytes_per_hour
        self._clock = clock
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._now: Counter[str] = Counter()
        self.coming = 0
        """Bytes that are still to come of what comes in just now, as far as their senders said how many."""

    @contextmanager
    def sending(self, network: str, size: int) -> Iterator[Callable[[int], None]]:
        """Let one upload in; what is given counts its bytes as they come.

        Raises:
            TooMany: Enough for now, of this sender or of all.
        """
        if self._now.total() >= AT_ONCE or self._now[network] >= AT_ONCE_OF_ONE:
            raise TooMany("Too many uploads come in at once.", seconds=_SOON, next_step="Send it again in a moment.")
        mine = self._one_more(network)
        self._now[network] += 1
        self.coming += size
        left = size

        def count(more: int) -> None:
            nonlocal left
            came = min(more, left)  # these lie on the disk now, and are counted there
            left -= came
            self.coming -= came
            self._count(network, mine, more)

        try:
            yield count
        finally:
            self.coming -= left
            self._now[network] -= 1
            if not self._now[network]:
                del self._now[network]

    @contextmanager
    def guessing(self, network: str) -> Iterator[None]:
        """Count a wrong token as an upload: who guesses has no more of an hour than who uploads.

        Raises:
            TooMany: Enough for now.
        """
        now = self._clock()
        sent = self._within(network, now)
        try:
            yield
        except NoToken:
            sent.when.append([now, 0.0])
            raise

    def _within(self, network: str, now: float) -> _Sent:
        sent = self._of(network, now)
        if self._most and len(sent.when) >= self._most:
            raise _enough(f"{self._most} uploads", sent.when[0][0] + HOUR - now)
        return sent

    def _one_more(self, network: str) -> list[float]:
        now = self._clock()
        sent = self._within(network, now)
        if self._most_bytes and sent.size >= self._most_bytes:
            raise _enough(f"{self._most_bytes >> 20} MiB", sent.when[0][0] + HOUR - now)
        mine = [now, 0.0]
        sent.when.append(mine)
        return mine

    def _count(self, network: str, mine: list[float], more: int) -> None:
        mine[1] += more
        now = self._clock()
        sent = self._of(network, now)
        if self._most_bytes and sent.size > self._most_bytes:
            raise _enough(f"{self._most_bytes >> 20} MiB", sent.when[0][0] + HOUR - now)

    def _of(self, network: str, now: float) -> _Sent:
        sent = self._sent.setdefault(network, _Sent())
        self._sent.move_to_end(network)
        sent.since(now - HOUR)
        while len(self._sent) > _SENDERS:
            self._sent.popitem(last=False)
        return sent


def _enough(what: str, seconds: float) -> TooMany:
    return TooMany(
        f"This address sent {what} within an hour, and that is what this site takes.",
        seconds=max(seconds, 1),
        next_step="Send it again later, or check it with tfmatrix on a machine of your own.",
    )
