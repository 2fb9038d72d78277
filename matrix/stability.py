"""Determinism, measured: a random sample of known cells, each run many times, compared with itself and what is known. Pure.

A batch holds each cell of a loader once and is run as often as wanted, each time in a new container: copies of one cell
never share a process. Every second time each cell is loaded in company, after others of its model, format and method,
as most cells of a run are; a sample alone would hardly hold two that are alike.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matrix.model import CellKey, CellRequest, Verdict
from matrix.plan import LoadTask
from matrix.results import CellResult

TIMEOUTS: Final = 1
"""Timeouts in a sample, at most: each costs its whole limit as often as it is run."""

COMPANY: Final = 3
"""Other files that a cell is loaded in company with, at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a cell came to once: its verdict, and the fingerprint of its failure."""

    verdict: Verdict
    fingerprint: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """The cells drawn, those they are loaded in company with, and how many timeouts were passed over."""

    tasks: tuple[LoadTask, ...]
    timeouts_left_out: int
    company: tuple[LoadTask, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unstable:
    """A cell that did not come to the same each time, or not to what is known of it."""

    request: CellRequest
    known: Seen
    verdicts: Mapping[Verdict, int]
    fingerprints: int

    @property
    def by_verdict(self) -> bool:
        """Whether even the verdict differs; else only how it failed does."""
        return set(self.verdicts) != {self.known.verdict}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stability:
    """How many cells were run how often, which were not stable, and which could not be run each time."""

    cells: int
    times: int
    results: int
    unstable: tuple[Unstable, ...]
    incomplete: tuple[CellRequest, ...]
    timeouts_left_out: int

    @property
    def rate(self) -> float:
        """The share of the cells that were run whose verdict is not stable, from 0 to 1."""
        return sum(one.by_verdict for one in self.unstable) / self.cells if self.cells else 0.0


def seen(result: CellResult) -> Seen:
    """Return what of a result must be the same each time."""
    return Seen(verdict=result.verdict, fingerprint=result.failure.fingerprint if result.failure else None)


def draw(tasks: Iterable[LoadTask], known: Mapping[CellKey, Verdict], *, cells: int, seed: int) -> Sample:
    """Draw a sample of the cells of which something is known, the same whatever the order of the tasks.

    Left out are cells whose harness broke, and timeouts beyond the first.
    """
    possible = {
        task.key: task for task in tasks if known.get(task.key, Verdict.HARNESS_BROKEN) is not Verdict.HARNESS_BROKEN
    }
    order = sorted(possible, key=lambda key: (key.loader, key.artifact, key.method, key.version))
    random.Random(seed).shuffle(order)  # noqa: S311  (a sample, not a secret)
    chosen: set[CellKey] = set()
    timeouts = 0
    for key in order:
        if len(chosen) == cells:
            break
        timeouts += known[key] is Verdict.TIMEOUT
        if known[key] is not Verdict.TIMEOUT or timeouts <= TIMEOUTS:
            chosen.add(key)
    return Sample(
        tasks=tuple(task for key, task in possible.items() if key in chosen),
        timeouts_left_out=max(0, timeouts - TIMEOUTS),
        company=_company([possible[key] for key in order if not known[key].is_abnormal], chosen),
    )


def goes(sample: Sample, times: int) -> list[list[LoadTask]]:
    """Return the cells of each time in the order in which they are loaded: by themselves, then in company, and so on."""
    drawn = {task.key for task in sample.tasks}
    both = sorted([*sample.tasks, *sample.company], key=lambda one: (*_likeness(one), one.key in drawn))
    alone = [task for task in both if task.key in drawn]
    return [both if time % 2 else alone for time in range(times)]


def compare(sample: Sample, known: Mapping[CellKey, Seen], found: Iterable[CellResult], *, times: int) -> Stability:
    """Compare what each cell came to, each time, with the other times and with what is known."""
    went: dict[CellKey, list[Seen]] = {task.key: [] for task in sample.tasks}
    for result in found:
        if result.key in went and result.verdict is not Verdict.HARNESS_BROKEN:
            went[result.key].append(seen(result))
    unstable = [_unstable(task.request, known[task.key], went[task.key]) for task in sample.tasks]
    return Stability(
        cells=sum(bool(times_seen) for times_seen in went.values()),
        times=times,
        results=sum(map(len, went.values())),
        unstable=tuple(one for one in unstable if one is not None),
        incomplete=tuple(task.request for task in sample.tasks if len(went[task.key]) < times),
        timeouts_left_out=sample.timeouts_left_out,
    )


def _company(possible: Iterable[LoadTask], chosen: Collection[CellKey]) -> tuple[LoadTask, ...]:
    """Return what the chosen cells are loaded in company with. A cell with marks has none in a run, nor has it here."""
    alike: dict[tuple[str, ...], list[LoadTask]] = {}
    for task in possible:
        if not task.marks:
            alike.setdefault(_likeness(task), []).append(task)
    wanted = [members for members in alike.values() if any(one.key in chosen for one in members)]
    return tuple(one for members in wanted for one in [one for one in members if one.key not in chosen][:COMPANY])


def _likeness(task: LoadTask) -> tuple[str, ...]:
    request = task.request
    return request.loader, request.model, request.format.value, request.method.value


def _unstable(request: CellRequest, known: Seen, went: Sequence[Seen]) -> Unstable | None:
    if all(one == known for one in went):
        return None
    return Unstable(
        request=request,
        known=known,
        verdicts=dict(Counter(one.verdict for one in went)),
        fingerprints=len({one.fingerprint for one in went}),
    )
