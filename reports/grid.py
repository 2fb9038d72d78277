"""What the matrix says, counted: pure functions from rows to tallies. No I/O, no clock, no markup.

A tally is counted over the primary cells unless a selection names methods. What could not be saved, and what our own
harness broke, never counts as failing: the share that passes is taken over the loads that really happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from matrix.model import Environment, Format, Method, Model, SaveOutcome
from matrix.results import Failure, MatrixRow

Key = TypeVar("Key", bound=Hashable)


class Outcome(StrEnum):
    """What became of one row: its verdict, or why it has none."""

    PASS = "pass"  # noqa: S105  (an outcome, not a password)
    DRIFT = "drift"
    LOADS = "loads"
    FAIL = "fail"
    TIMEOUT = "timeout"
    CRASH = "crash"
    OUT_OF_MEMORY = "out-of-memory"
    HARNESS_BROKEN = "harness-broken"
    SAVE_FAILED = "save-failed"
    UNSUPPORTED = "unsupported"
    NOT_APPLICABLE = "not-applicable"
    TOO_LARGE = "too-large"
    NOT_MEASURED = "not-measured"


SIGNS: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.PASS: "✓",
        Outcome.DRIFT: "≠",
        Outcome.LOADS: "○",
        Outcome.FAIL: "✕",
        Outcome.TIMEOUT: "∞",
        Outcome.CRASH: "↯",
        Outcome.OUT_OF_MEMORY: "▲",
        Outcome.HARNESS_BROKEN: "!",
        Outcome.SAVE_FAILED: "⊘",
        Outcome.UNSUPPORTED: "·",
        Outcome.NOT_APPLICABLE: "·",
        Outcome.TOO_LARGE: "?",
        Outcome.NOT_MEASURED: "?",
    }
)
"""One sign for each outcome, so that no reader needs to tell colours apart."""

FAILING: Final = frozenset({Outcome.FAIL, Outcome.TIMEOUT, Outcome.CRASH, Outcome.OUT_OF_MEMORY})
MEASURED: Final = FAILING | {Outcome.PASS, Outcome.DRIFT}


class Look(StrEnum):
    """How a tally is drawn: a step of the share's scale, or one of the ways of having no share."""

    NONE = "s0"
    FEW = "s1"
    SOME = "s2"
    HALF = "s3"
    MANY = "s4"
    MOST = "s5"
    ALL = "s6"
    ALL_DRIFT = "drifts"
    LOADS = "loads"
    HARNESS_BROKEN = "broken"
    NOT_MEASURED = "unmeasured"
    NOTHING = "nothing"


SHARELESS: Final[Mapping[Look, str]] = MappingProxyType(
    {
        Look.LOADS: SIGNS[Outcome.LOADS],
        Look.HARNESS_BROKEN: SIGNS[Outcome.HARNESS_BROKEN],
        Look.NOT_MEASURED: SIGNS[Outcome.NOT_MEASURED],
        Look.NOTHING: SIGNS[Outcome.UNSUPPORTED],
    }
)
"""What stands where a tally has no share."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Facts about the run that a reader of its results needs. ``versions`` are of our own tools, by name.

    ``unisolated`` are the runs without containers: their limits were others. ``cost`` says what a cell cost, over all runs.
    """

    generated_at: datetime
    run: str | None = None
    status: str | None = None
    engine: str | None = None
    unisolated: tuple[str, ...] = ()
    host_cpu: str | None = None
    cost: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Everything a document is made from. ``failures`` are by fingerprint."""

    header: Header
    rows: tuple[MatrixRow, ...]
    environments: tuple[Environment, ...]
    models: tuple[Model, ...]
    failures: Mapping[str, Failure]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which rows count. An empty set of a kind leaves it open; without methods, only primary cells count."""

    models: frozenset[str] = frozenset()
    formats: frozenset[Format] = frozenset()
    methods: frozenset[Method] = frozenset()

    def takes(self, row: MatrixRow) -> bool:
        """Whether the row counts."""
        by_method = row.method in self.methods if self.methods else row.primary
        return (
            by_method
            and (not self.models or row.model in self.models)
            and (not self.formats or row.format in self.formats)
        )


EVERYTHING: Final = Selection()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Rows counted by outcome, with what follows from the counts."""

    counts: Mapping[Outcome, int]

    @property
    def measured(self) -> int:
        """Loads that really happened: the denominator of the share."""
        return sum(count for outcome, count in self.counts.items() if outcome in MEASURED)

    @property
    def passed(self) -> int:
        """Loads whose outputs were equal."""
        return self.counts.get(Outcome.PASS, 0)

    @property
    def drifted(self) -> int:
        """Loads that answered differently."""
        return self.counts.get(Outcome.DRIFT, 0)

    @property
    def failed(self) -> int:
        """Loads that failed in any way: error, timeout, crash, out of memory."""
        return sum(count for outcome, count in self.counts.items() if outcome in FAILING)

    @property
    def share(self) -> int | None:
        """The percentage that passes; ``None`` where nothing was measured."""
        return percentage(self.passed, self.measured)

    @property
    def look(self) -> Look:
        """How to draw it."""
        if self.share is None:
            return self._look_without_share()
        if self.drifted == self.measured:
            return Look.ALL_DRIFT
        if self.share in {0, 100}:
            return Look.ALL if self.share else Look.NONE
        return (Look.FEW, Look.SOME, Look.HALF, Look.MANY, Look.MOST)[self.share // 20]

    def _look_without_share(self) -> Look:
        if self.counts.get(Outcome.LOADS):
            return Look.LOADS
        if self.counts.get(Outcome.HARNESS_BROKEN):
            return Look.HARNESS_BROKEN
        untried = self.counts.get(Outcome.NOT_MEASURED) or self.counts.get(Outcome.TOO_LARGE)
        return Look.NOT_MEASURED if untried or not self.counts else Look.NOTHING


def percentage(part: int, whole: int) -> int | None:
    """A percentage that says 100 only when it is all and 0 only when it is none."""
    if not whole:
        return None
    return part * 100 // whole or int(part > 0)


def outcome_of(row: MatrixRow) -> Outcome:
    """What became of the row."""
    if row.verdict is not None:
        return Outcome(row.verdict.value)
    if row.save_outcome is None or row.save_outcome is SaveOutcome.SAVED:
        return Outcome.NOT_MEASURED
    return Outcome(row.save_outcome.value)


def tally(rows: Iterable[MatrixRow], selection: Selection = EVERYTHING) -> Tally:
    """Count what the selection takes."""
    return Tally(counts=Counter(outcome_of(row) for row in rows if selection.takes(row)))


def tally_by(
    rows: Iterable[MatrixRow], key: Callable[[MatrixRow], Key], selection: Selection = EVERYTHING
) -> dict[Key, Tally]:
    """Count what the selection takes, apart for each value of ``key``."""
    counters: dict[Key, Counter[Outcome]] = {}
    for row in rows:
        if selection.takes(row):
            counters.setdefault(key(row), Counter())[outcome_of(row)] += 1
    return {value: Tally(counts=counter) for value, counter in counters.items()}


def pair(row: MatrixRow) -> tuple[str, str]:
    """Saver and loader: the place of a row in the matrix."""
    return row.saver, row.loader
