"""One cell with its whole story: what came of one load, and everything that it was measured with. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from matrix.methods import all_methods
from matrix.model import Environment, Format, Method, Model
from matrix.records import CellState
from matrix.results import Artifact, CellResult, Failure, SaveResult
from reports import addresses
from reports.cube import METHODS, PASS
from reports.grid import Outcome
from reports.known import Known
from reports.pages.heats import Axis, environment_axis, heat
from reports.pages.page import Page
from reports.pages.pair import neighbours
from reports.pages.parts import Head, Heat
from reports.pages.rungs import Step, ladder, words_of
from reports.pages.stretches import WAYS
from reports.ranges import label


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Which cell. ``primary`` is the method that the model and the format call for."""

    saver: Environment
    model: Model
    format: Format
    loader: Environment
    method: Method
    primary: Method


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What was read of a cell; without ``save`` nobody ever tried, without ``result`` nobody loaded it."""

    save: SaveResult | None = None
    result: CellResult | None = None
    first_run: int | None = None
    last_run: int | None = None
    measured_at: datetime | None = None
    isolated: bool = True
    history: tuple[CellState, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What an environment is inside: what it said of itself, its image, and every package that its lock pins."""

    id: str
    label: str
    role: str
    image: str
    image_id: str | None
    recipe_digest: str
    versions: Mapping[str, str]
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ByHand:
    """One line that shows the cell, and what it needs."""

    title: str
    line: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """The same file in a loader next door, or by another method that works."""

    label: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """The page's content. ``neighbours`` has every method of this file in every loader; ``error`` is the failure's page."""

    saver: str
    model: str
    title: str
    format: Format
    loader: str
    method: Method
    is_primary: bool
    outcome: Outcome
    words: str
    ladder: tuple[Step, ...]
    story: Story
    error: str | None
    download: str | None
    places: tuple[Place, ...]
    by_hand: tuple[ByHand, ...]
    command: str
    remedies: tuple[Beside, ...]
    neighbours: Heat
    before: Beside | None
    after: Beside | None

    @property
    def failure(self) -> Failure | None:
        """Why it does not load, or could not be saved."""
        return failure_of(self.story)


def cell(known: Known, subject: Subject, story: Story, places: tuple[Place, ...], by_hand: tuple[ByHand, ...]) -> Page:
    """Return the page of a cell, also of one that nobody measured."""
    outcome, failure = outcome_of(story), failure_of(story)
    before, after = neighbours(subject.loader.id, [one.id for one in known.environments])
    content = Cell(
        saver=subject.saver.id,
        model=subject.model.id,
        title=subject.model.title,
        format=subject.format,
        loader=subject.loader.id,
        method=subject.method,
        is_primary=subject.method is subject.primary,
        outcome=outcome,
        words=words_of(outcome, story.result, label(subject.loader.id), label(subject.saver.id)),
        ladder=ladder(story.result) if story.result else (),
        story=story,
        error=addresses.error(failure.fingerprint) if failure else None,
        download=_download(subject, story.save.artifact if story.save else None),
        places=places,
        by_hand=by_hand,
        command=command(subject),
        remedies=() if outcome is Outcome.PASS else tuple(_remedies(known, subject)),
        neighbours=_neighbours(known, subject),
        before=_beside(subject, before),
        after=_beside(subject, after),
    )
    return _page(subject, content)


def command(subject: Subject) -> str:
    """Return the command line that shows the cell, and measures it where it is not known."""
    line = f"tfmatrix cell {subject.saver.id} {subject.model.id} {subject.format} {subject.loader.id}"
    return line if subject.method is subject.primary else f"{line} --method {subject.method}"


def outcome_of(story: Story) -> Outcome:
    """Return what became of a cell."""
    if story.result is not None:
        return Outcome(story.result.verdict.value)
    if story.save is None or story.save.artifact is not None:
        return Outcome.NOT_MEASURED
    return Outcome(story.save.outcome.value)


def failure_of(story: Story) -> Failure | None:
    """Return why a cell did not load, or could not be saved."""
    if story.result is not None:
        return story.result.failure
    return story.save.failure if story.save else None


def _page(subject: Subject, content: Cell) -> Page:
    saver, loader = subject.saver.id, subject.loader.id
    return Page(
        template="cell",
        title=f"{subject.model.title} as {subject.format}, saved in {label(saver)}, loaded in {label(loader)}",
        address=_at(subject, loader),
        nav=addresses.home(),
        trail=(
            ("Matrix", addresses.home()),
            (f"{label(saver)} in {label(loader)}", addresses.pair(saver, loader)),
            (f"{subject.model.title} as {subject.format}", addresses.model_as(subject.model.id, subject.format)),
        ),
        content=content,
    )


def _at(subject: Subject, loader: str) -> str:
    method = None if subject.method is subject.primary else subject.method
    return addresses.cell(subject.saver.id, subject.model.id, subject.format, loader, method)


def _beside(subject: Subject, loader: str | None) -> Beside | None:
    return None if loader is None else Beside(label=label(loader), href=_at(subject, loader))


def _download(subject: Subject, artifact: Artifact | None) -> str | None:
    if artifact is None:
        return None
    return addresses.artifact(subject.saver.id, subject.model.id, subject.format, artifact.sha256)


def _neighbours(known: Known, subject: Subject) -> Heat:
    """All methods of the same file, in all loaders."""
    cube, saver, model, format_ = known.cube, subject.saver.id, subject.model.id, subject.format
    mask = cube.where(savers=[saver], models=[model], formats=[format_], every_method=True)
    tried = {METHODS[place] for place in np.unique(cube.method[mask])} | {subject.method}
    methods = list(_in_order(subject, tried))
    heads = tuple(Head(id=str(one), text=str(one)) for one in methods)
    return heat(
        cube.counts(mask, "method", "loader"),
        ("loaded by", Axis(heads=heads, places=tuple(METHODS.index(one) for one in methods))),
        ("loaded in", environment_axis(known)),
        f"The same file, by every method that was tried, in every version: {subject.model.title} as {format_}, saved in "
        f"{label(saver)}.",
        lambda method, loader: addresses.cell(
            saver, model, format_, loader, None if method == str(subject.primary) else Method(method)
        ),
    )


def _remedies(known: Known, subject: Subject) -> Iterator[Beside]:
    """The other methods by which the same loader gives the saver's answers."""
    cube = known.cube
    mask = cube.where(
        savers=[subject.saver.id],
        loaders=[subject.loader.id],
        models=[subject.model.id],
        formats=[subject.format],
        every_method=True,
    )
    for method in _in_order(subject, {METHODS[place] for place in cube.method[mask & (cube.outcome == PASS)]}):
        if method is not subject.method:
            way = WAYS[method] or "by default"
            yield Beside(label=f"It loads {way}", href=_at(replace(subject, method=method), subject.loader.id))


def _in_order(subject: Subject, tried: set[Method]) -> Iterator[Method]:
    """The primary method, those that keep most of the model, the rest."""
    known = (subject.primary, *all_methods(subject.model, subject.format, subject.loader), *METHODS)
    yield from (one for one in dict.fromkeys(known) if one in tried)
