"""Whose turn it is: which upload the next free lane works on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from matrix.uploads.case import Case, Phase


def in_turn(cases: Iterable[Case]) -> list[Case]:
    """Return cases in the order in which they get a lane: what is urgent; then whose owner had least; then who came first.

    Of the same files only the first is worked on until its row stands: the others then find it known.
    """
    everything = sorted(cases, key=lambda case: (case.upload.handed_in_at, case.upload.id))
    had: dict[str, float] = {}
    for case in everything:
        had[case.upload.owner] = had.get(case.upload.owner, 0.0) + case.seconds + case.running
    urgent = [case for case in everything if case.phase < Phase.BACKGROUND]
    first = {case.upload.content: case for case in reversed(urgent)}
    urgent = [case for case in urgent if first[case.upload.content] is case]
    later = [case for case in everything if case.phase >= Phase.BACKGROUND]
    return [*sorted(urgent, key=lambda case: had[case.upload.owner]), *sorted(later, key=lambda case: case.seconds)]
