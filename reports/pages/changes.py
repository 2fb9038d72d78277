"""Two loaders beside each other, and what each version broke and fixed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrix.model import Environment
from reports import addresses
from reports.changes import Change, Compared, Group, Step, compare, groups, steps
from reports.cube import FORMATS
from reports.known import Known
from reports.lines import Line, line_of
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Choices, Empty, choices
from reports.ranges import label

MOST_GROUPS = 80
"""How many groups of files are listed for one kind of change."""

_LISTED = (Change.BROKE, Change.DRIFTS, Change.FIXED, Change.FAILS_OTHERWISE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A model or a format, and how many of its files changed how."""

    text: str
    href: str
    counts: Mapping[Change, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """Groups of files that changed in one way; ``more`` groups are left out."""

    change: Change
    files: int
    groups: tuple[Group, ...]
    more: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """The page's content."""

    empty: Empty | None
    before: str
    after: str
    form: tuple[Choices, ...]
    swapped: str
    counts: Mapping[Change, int]
    lists: tuple[Listed, ...]
    formats: tuple[Part, ...]
    models: tuple[Part, ...]
    steps: tuple[Step, ...]


def newest_two(known: Known) -> tuple[Environment, Environment]:
    """Return the two newest TensorFlows of which something is known, or else the two newest of all."""
    own = [one for one in known.environments if line_of(one.id) is Line.TENSORFLOW]
    loaders = set(known.cube.loader[known.cube.measured].tolist())
    heard = [one for one in own if known.cube.environment_at[one.id] in loaders]
    chosen = heard if len(heard) > 1 else own
    return chosen[-2], chosen[-1]


def changes(known: Known, before: Environment, after: Environment) -> Page:
    """Return the page for two loaders."""
    compared = compare(known, before.id, after.id)
    options = [(one.id, label(one.id)) for one in known.environments]
    content = Changes(
        empty=NOTHING_YET if known.is_empty else None,
        before=before.id,
        after=after.id,
        form=(
            choices("before", "Loaded in", options, before.id),
            choices("after", "compared with", options, after.id),
        ),
        swapped=addresses.changes(before=after.id, after=before.id),
        counts=compared.counts(),
        lists=tuple(_listed(known, compared, one) for one in _LISTED),
        formats=_formats(compared),
        models=_models(known, compared),
        steps=steps(known),
    )
    return Page(
        template="changes",
        title=f"From {label(before.id)} to {label(after.id)}",
        address=addresses.changes(before=before.id, after=after.id),
        nav=addresses.changes(),
        content=content,
    )


def _listed(known: Known, compared: Compared, change: Change) -> Listed:
    found, all_of_them = groups(known, compared, change, MOST_GROUPS)
    files = compared.counts().get(change, 0)
    return Listed(change=change, files=files, groups=found, more=all_of_them - len(found))


def _formats(compared: Compared) -> tuple[Part, ...]:
    counts = compared.by(compared.format, len(FORMATS))
    return tuple(
        Part(text=str(one), href=addresses.format_(one), counts=many)
        for one, many in zip(FORMATS, counts, strict=True)
        if many
    )


def _models(known: Known, compared: Compared) -> tuple[Part, ...]:
    """Return the models of which anything changed."""
    counts = compared.by(compared.model, len(known.models))
    return tuple(
        Part(text=one.title, href=addresses.model(one.id), counts=many)
        for one, many in zip(known.models, counts, strict=True)
        if any(many.get(change) for change in _LISTED)
    )
