"""Whose turn it is: which upload the next free lane works on. Pure.

Start-time fair queueing (Goyal, Vin and Cheng, 1996), with a row as the unit of work: each sender's uploads are in rounds, one
after the other, and all of a round come before any of the next. Whatever has its turn keeps it until its row stands: were lanes
shared out among ten rows, all ten would end when the last one does.
"""

from __future__ import annotations

from collections.abc import Iterable
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

    def order(self, cases: Iterable[Case]) -> list[Case]:
        """Return cases in the order in which they get a lane: rows by round, then what is done in the background.

        Of the same files only one is worked on until its row stands: the others then find it known.
        """
        everything = sorted(cases, key=_rank)
        at_work: dict[str, Case] = {}
        urgent = [case for case in everything if case.phase < Phase.BACKGROUND]
        for case in sorted(urgent, key=lambda one: not one.has_begun):
            at_work.setdefault(case.upload.content, case)
        self._round = max(self._round, _round(urgent[0]) if urgent else max(self._next.values(), default=0))
        self._next = {owner: following for owner, following in self._next.items() if following > self._round}
        later = [case for case in everything if case.phase >= Phase.BACKGROUND]
        return [
            *(case for case in urgent if at_work[case.upload.content] is case),
            *sorted(later, key=lambda case: case.seconds),
        ]


def _round(case: Case) -> int:
    return case.round + int(case.seconds // QUANTUM)


def _rank(case: Case) -> tuple[int, datetime, str]:
    return _round(case), case.upload.handed_in_at, case.upload.id
