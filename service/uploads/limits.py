"""How much is taken: uploads and bytes of one address in an hour, uploads at once, how slow, and what all may take on the disk.

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
from service.problems import NoToken, TooMany, TooSlow

HOUR: Final = 3600.0
AT_ONCE: Final = 64
AT_ONCE_OF_ONE: Final = 10
STEP: Final = 16 << 20
"""Bytes that are held free for a body whose length nobody said, beyond what came of it."""

SPAN: Final = 30.0
"""Seconds over which it is looked at how fast an upload comes, and for which nobody is too slow at first."""

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


class Pace:
    """How fast one upload comes. Its sender's time alone counts: what we need for writing is not held against anybody."""

    def __init__(self, least: int, clock: Callable[[], float]) -> None:
        self._least = least
        self._clock = clock
        self._waited = 0.0
        self._came: deque[list[float]] = deque()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time meanwhile as the sender's."""
        began = self._clock()
        yield
        self._waited += self._clock() - began

    def came(self, size: int) -> None:
        """Count bytes.

        Raises:
            TooSlow: Over the last seconds it were too few.
        """
        if self._came and int(self._came[-1][0]) == int(self._waited):  # bytes that trickle make no long list
            self._came[-1][1] += size
        else:
            self._came.append([self._waited, size])
        while self._came[0][0] <= self._waited - SPAN:
            self._came.popleft()
        if self._waited > SPAN and sum(one for _, one in self._came) < self._least * SPAN:
            raise TooSlow(
                f"It comes with less than {self._least} bytes a second, over {SPAN:.0f} s.",
                next_step="Send it again, over a better line; who sends that slowly would keep others from sending.",
            )


class Limits:
    """What every address sent lately, and who sends now."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = settings.uploads_per_hour
        self._most_bytes = settings.upload_bytes_per_hour
        self._rate = settings.upload_rate
        self._step = min(STEP, settings.upload_bytes)
        self._clock = clock
        self._sent: OrderedDict[str, _Sent] = OrderedDict()
        self._now: Counter[str] = Counter()
        self.coming = 0
        """Bytes for which room is held: still to come as far as senders said how many, a step for each that did not."""

    def pace(self) -> Pace:
        """Return what sees that an upload does not come too slowly."""
        return Pace(self._rate, self._clock)

    @contextmanager
    def sending(self, network: str, size: int | None) -> Iterator[Callable[[int], None]]:
        """Let one upload in, of so many bytes if that was said; what is given counts them as they come.

        Raises:
            TooMany: Enough for now, of this sender or of all.
        """
        if self._now.total() >= AT_ONCE or self._now[network] >= AT_ONCE_OF_ONE:
            raise TooMany("Too many uploads come in at once.", seconds=_SOON, next_step="Send it again in a moment.")
        mine = self._one_more(network)
        self._now[network] += 1
        left = self._step if size is None else size
        self.coming += left

        def count(more: int) -> None:
            nonlocal left
            came = 0 if size is None else min(more, left)  # these lie on the disk now, and are counted there
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
