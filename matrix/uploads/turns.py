"""Whose turn it is: which upload the next free lane works on. Pure.

Start-time fair queueing (Goyal, Vin and Cheng, 1996), with a row as the unit of work: each sender's uploads are in rounds, one
after the other, and all of a round come before any of the next. Whatever has its turn keeps it until its row stands: were lanes
shared out among ten rows, all ten would end when the last one does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from matrix.uploads.case import Case, Phase

QUANTUM: Final = 300.0
"""Seconds of lanes after which a row gives way to the round behind it: some twice what 18 cold environments take."""


class Turns:
    """The rounds of all senders. Not safe for threads: whoever shares it holds a lock."""

    def __init__(self) -> None:
        self._round = 0
        self._next: dict[str, int] = {}

    def enter(self, case: Case) -> None:
        """Give an upload its round: the one that is served now, or the one after its sender's last."""
        owner = case.upload.owner
        case.round = max(self._round, self._next.get(owner, 0))
        self._next[owner] = case.round + 1

    def order(self, cases: Collection[Case]) -> list[Case]:
        """Return cases in the order in which they get a lane: what is to be looked into, rows, what is done in the background.

        Of the same files only one is worked on: the others then find it known.
        """
        urgent = sorted((case for case in cases if case.phase < Phase.BACKGROUND), key=_rank)
        later = sorted((case for case in cases if case.phase >= Phase.BACKGROUND), key=lambda case: case.seconds)
        self._round = max(self._round, min(map(_round, urgent), default=max(self._next.values(), default=0)))
        self._next = {owner: following for owner, following in self._next.items() if following > self._round}
        return [*_one_of_each(urgent), *_one_of_each(later)]


def _one_of_each(cases: list[Case]) -> Iterator[Case]:
    """Yield one case of each content: the one that has begun, else the first."""
    at_work: dict[str, Case] = {}
    for case in sorted(cases, key=lambda one: not one.has_begun):
        at_work.setdefault(case.upload.content, case)
    return (case for case in cases if at_work[case.upload.content] is case)


def _round(case: Case) -> int:
    return case.round + int(case.seconds // QUANTUM)


def _rank(case: Case) -> tuple[Phase, int, datetime, str]:
    return case.phase, _round(case), case.upload.handed_in_at, case.upload.id
