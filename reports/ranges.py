"""Versions put into words: sets of environments as ranges. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby

from reports.lines import line_of, version_of


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


def _span(environments: Sequence[str]) -> str:
    first, last = version_of(environments[0]), version_of(environments[-1])
    return first if first == last else f"{first}-{last}"
