"""Versions put into words: sets of environments as ranges, and outcomes along the versions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from matrix.model import Environment, Format
from matrix.results import MatrixRow
from reports.grid import FAILING, Outcome, Selection, outcome_of
from reports.lines import in_order, line_of, version_of

_WORDS: Final = {
    Outcome.PASS: "loads",
    Outcome.DRIFT: "drifts",
    Outcome.FAIL: "fails",
    Outcome.TIMEOUT: "times out",
    Outcome.CRASH: "crashes",
    Outcome.OUT_OF_MEMORY: "runs out of memory",
    Outcome.HARNESS_BROKEN: "harness broken",
    Outcome.SAVE_FAILED: "could not be saved",
    Outcome.UNSUPPORTED: "not supported by the saver",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.NOT_MEASURED: "not measured",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRange:
    """Neighbours on one line in which the same thing happens; ``fingerprint`` where it is one failure."""

    environments: tuple[str, ...]
    outcome: Outcome
    fingerprint: str | None = None

    @property
    def text(self) -> str:
        """The range in words, such as ``2.4-2.15 loads`` or ``Keras 3.0-3.4 fails``."""
        return f"{line_of(self.environments[0])}{_span(self.environments)} {_WORDS[self.outcome]}"


def label(environment_id: str) -> str:
    """An environment as a heading spells it: ``2.12`` for ``tf2.12``."""
    return environment_id.removeprefix("tf")


def spans(members: Collection[str], order: Sequence[str]) -> str:
    """Name a set of environments by its ranges on each line: ``2.4-2.9, 2.12, Keras 3.0-3.4``.

    What is not in order is left out.
    """
    named = []
    for line, environments in groupby(order, key=line_of):
        runs = groupby(environments, key=lambda environment: environment in members)
        ranges = ", ".join(_span(tuple(run)) for inside, run in runs if inside)
        named += [f"{line}{ranges}"] if ranges else []
    return ", ".join(named)


def load_ranges(
    rows: Iterable[MatrixRow], environments: Iterable[Environment], *, saver: str, model: str, format_: Format
) -> tuple[VersionRange, ...]:
    """Where one artifact loads and where not, along each line; neighbours of equal outcome are merged.

    Failures are merged only where they are the same failure.
    """
    selection = Selection(models=frozenset({model}), formats=frozenset({format_}))
    seen = {
        row.loader: (outcome_of(row), row.fingerprint if outcome_of(row) in FAILING else None)
        for row in rows
        if row.saver == saver and selection.takes(row)
    }
    unknown = (Outcome.NOT_MEASURED, None)
    order = [environment.id for environment in in_order(environments)]
    runs = groupby(order, key=lambda environment: (line_of(environment), *seen.get(environment, unknown)))
    return tuple(
        VersionRange(environments=tuple(run), outcome=outcome, fingerprint=fingerprint)
        for (_, outcome, fingerprint), run in runs
    )


def sentence(ranges: Iterable[VersionRange]) -> str:
    """Ranges as one line, neighbours of equal outcome merged whatever the failure: ``2.4-2.15 loads, 2.16 fails``."""
    merged = groupby(ranges, key=lambda part: (line_of(part.environments[0]), part.outcome))
    return ", ".join(
        VersionRange(environments=tuple(env for part in parts for env in part.environments), outcome=outcome).text
        for (_, outcome), parts in merged
    )


def _span(environments: Sequence[str]) -> str:
    first, last = version_of(environments[0]), version_of(environments[-1])
    return first if first == last else f"{first}-{last}"
