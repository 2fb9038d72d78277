"""All environments, and one: what runs inside, how it loads and how it is loaded. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from matrix.model import Environment
from matrix.records import EnvironmentRecord
from reports import addresses
from reports.changes import Step, step
from reports.cube import OUTCOMES, Mask, tally_of
from reports.grid import Outcome, Tally
from reports.known import Known
from reports.lines import line_of
from reports.pages.heats import environment_axis, format_axis, heat
from reports.pages.page import Page
from reports.pages.parts import Heat
from reports.ranges import label
from reports.reasons import Reason, reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """What an environment loads, and what others load of its files, counted."""

    loads: Mapping[Outcome, int]
    is_loaded: Mapping[Outcome, int]

    @property
    def as_loader(self) -> Tally:
        """How it loads."""
        return Tally(counts=self.loads)

    @property
    def as_saver(self) -> Tally:
        """How its files are loaded."""
        return Tally(counts=self.is_loaded)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row(Sides):
    """One line of the list."""

    environment: Environment
    label: str
    href: str
    recorded_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Environments:
    """The list's content."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OneEnvironment(Sides):
    """The content of one environment's page.

    ``proved`` says whether it loaded its own canary when it last ran, ``None`` where it has not run; ``packages`` are those
    of its lock, and those of its base where it is an overlay.
    """

    environment: Environment
    label: str
    cut_off: date
    base: str | None
    image: str
    versions: Mapping[str, str]
    facts: Mapping[str, Any]
    image_id: str | None
    recorded_at: datetime | None
    proved: bool | None
    harness_broken: int
    packages: Mapping[str, str]
    by_saver: Heat
    by_loader: Heat
    reasons: tuple[Reason, ...]
    before: str | None
    after: str | None
    changed: str | None
    step: Step | None


def environments(known: Known, records: Mapping[str, EnvironmentRecord]) -> Page:
    """Return the list; ``records`` are by recipe digest."""
    mask = known.cube.where()
    loads, saves = known.cube.counts(mask, "loader"), known.cube.counts(mask, "saver")
    at = known.cube.environment_at
    rows = tuple(
        Row(
            environment=one,
            label=label(one.id),
            href=addresses.environment(one.id),
            loads=tally_of(loads[at[one.id]]).counts,
            is_loaded=tally_of(saves[at[one.id]]).counts,
            recorded_at=records[one.recipe_digest].recorded_at if one.recipe_digest in records else None,
        )
        for one in known.environments
    )
    return Page(
        template="environments",
        title="Versions",
        address=addresses.environments(),
        nav=addresses.environments(),
        content=Environments(rows=rows),
    )


def environment(known: Known, one: Environment, record: EnvironmentRecord | None, packages: Mapping[str, str]) -> Page:
    """Return the page of one environment; there is no ``record`` of one that never ran."""
    identity = record.identity if record else None
    cube = known.cube
    loading, saved = cube.where(loaders=[one.id]), cube.where(savers=[one.id])
    broken = loading & (cube.outcome == OUTCOMES.index(Outcome.HARNESS_BROKEN))
    before, after = neighbours(known, one)
    content = OneEnvironment(
        environment=one,
        label=label(one.id),
        cut_off=one.cut_off,
        base=one.base,
        image=one.image,
        versions=identity.versions if identity else {},
        facts=identity.facts if identity else {},
        image_id=record.image_id if record else None,
        recorded_at=record.recorded_at if record else None,
        proved=None if identity is None else not broken.any(),
        harness_broken=int(broken.sum()),
        packages=packages,
        loads=tally_of(cube.counts(loading)).counts,
        is_loaded=tally_of(cube.counts(saved)).counts,
        by_saver=_by_format(known, loading, "saver", f"What {label(one.id)} loads, by format and saver."),
        by_loader=_by_format(
            known, saved, "loader", f"What others load that {label(one.id)} saved, by format and loader."
        ),
        reasons=reasons(known, loading),
        before=before,
        after=after,
        changed=addresses.changes(before=before, after=one.id) if before else None,
        step=step(known, before, one.id) if before else None,
    )
    name = f"TensorFlow {one.tensorflow} with Keras {one.keras}" if one.base is None else one.id
    return Page(
        template="environment",
        title=name,
        address=addresses.environment(one.id),
        nav=addresses.environments(),
        trail=(("Versions", addresses.environments()),),
        content=content,
        csv=addresses.download("csv", loader=one.id),
    )


def neighbours(known: Known, one: Environment) -> tuple[str | None, str | None]:
    """Return the environments before and after one on its line, by id."""
    line = [other.id for other in known.environments if line_of(other.id) is line_of(one.id)]
    if one.id not in line:
        return None, None
    place = line.index(one.id)
    return line[place - 1] if place else None, line[place + 1] if place + 1 < len(line) else None


def _by_format(known: Known, mask: Mask, axis: str, caption: str) -> Heat:
    words = "saved in" if axis == "saver" else "loaded in"
    counts = known.cube.counts(mask, "format", axis)
    return heat(counts, ("format", format_axis()), (words, environment_axis(known)), caption)
