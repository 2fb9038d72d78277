"""Whose turn it is: which upload the next free lane works on. Pure.

Start-time fair queueing (Goyal, Vin and Cheng, 1996), with a row as the unit of work: each sender's uploads are in rounds, one
after the other, and all of a round come before any of the next. Whatever has its turn keeps it until its row stands: were lanes
shared out among ten rows, all ten would end when the last one does.

What a file is takes a tenth of a second to tell, and is told before rows. It may be made to take half a minute, so a sender
has one looked into at a time, and once that took long, the next in its turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from matrix.uploads.case import Case, Phase

QUANTUM: Final = 300.0
"""Seconds of lanes after which a row gives way to the round behind it: some twice what 18 cold environments take."""

ALLOWANCE: Final = 10.0
"""Seconds that a sender's files may be looked into before their turn, in each round: enough for dozens of ordinary ones."""


class Turns:
    """The rounds of all senders. Not safe for threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self._round = 0
        self._next: dict[str, int] = {}
        self._looked: defaultdict[str, float] = defaultdict(float)

    def enter(self, case: Case) -> None:
        """Give an upload its round: the one that is served now, or the one after its sender's last."""
        owner = case.upload.owner
        case.round = max(self._round, self._next.get(owner, 0))
        self._next[owner] = case.round + 1

    def charge(self, owner: str, seconds: float) -> None:
        """Note how long something of a sender's was looked into."""
        self._looked[owner] += seconds

    def order(self, cases: Collection[Case]) -> list[Case]:
        """Return cases in the order in which they get a lane: what is to be looked into, rows, what is done in the background.

        Of the same files only one is worked on: the others then find it known.
        """
        urgent = sorted((case for case in cases if case.phase < Phase.BACKGROUND), key=_rank)
        later = sorted((case for case in cases if case.phase >= Phase.BACKGROUND), key=lambda case: case.seconds)
        served = max(self._round, min(map(turn_of, urgent), default=max(self._next.values(), default=0)))
        if served > self._round:
            self._round = served
            self._looked.clear()
        self._next = {owner: following for owner, following in self._next.items() if following > self._round}
        first = self._looked_into_first(urgent)
        urgent.sort(key=lambda case: case not in first)
        return [*_one_of_each(urgent), *_one_of_each(later)]

    def _looked_into_first(self, urgent: list[Case]) -> list[Case]:
        """Return what is looked into before anything else: of each sender one, unless what they had of that is used up."""
        first: dict[str, Case] = {}
        for case in sorted((one for one in urgent if one.phase is Phase.INSPECT), key=lambda one: not one.running):
            if self._looked[case.upload.owner] < ALLOWANCE:
                first.setdefault(case.upload.owner, case)
        return list(first.values())


def _one_of_each(cases: list[Case]) -> Iterator[Case]:
    """Yield one case of each content: the one that has begun, else the first."""
    at_work: dict[str, Case] = {}
    for case in sorted(cases, key=lambda one: not one.has_begun):
        at_work.setdefault(case.upload.content, case)
    return (case for case in cases if at_work[case.upload.content] is case)


def turn_of(case: Case) -> int:
    """Return the round that an upload's row is in: of a round, what was handed in first comes first."""
    return case.round + int(case.seconds // QUANTUM)


def _rank(case: Case) -> tuple[int, Phase, datetime, str]:
    return turn_of(case), case.phase, case.upload.handed_in_at, case.upload.id
