"""All runs, one run, and what is different between two. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Final

from matrix.model import RunStatus
from matrix.records import Run
from reports import addresses, asked
from reports.cost import WHAT, cost_of
from reports.differences import Difference, difference
from reports.known import Known
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Empty

PER_PAGE: Final = 100
"""Cells on a page of differences."""
_ON_RUN: Final = 50
_NOT_SHOWN: Final = frozenset({"home", "database"})
"""Settings that say where things lie on the machine, not how was measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One run in a list. ``begun`` states of cells began with it, ``changed`` of these in place of another."""

    id: int
    href: str
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    asked: str
    isolates: bool
    saves: int | None
    cells: int | None
    known: int | None
    core_hours: float | None
    begun: int
    changed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """The list's content; ``newer`` and ``older`` are addresses."""

    empty: Empty | None
    rows: tuple[RunRow, ...]
    newer: str | None
    older: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OneRun:
    """The content of one run's page. ``found`` is what it found other than was known before it."""

    row: RunRow
    engine: str
    facts: Mapping[str, Any]
    settings: Mapping[str, Any]
    selection: Mapping[str, Any]
    spent: tuple[tuple[str, float, int], ...]
    per_cell: float | None
    found: Difference
    more: int
    before: int | None
    after: int | None
    compared: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunChanges:
    """What is different between two runs; ``previous`` and ``next`` are addresses of pages."""

    empty: Empty | None
    before: int | None
    after: int | None
    before_at: datetime | None
    after_at: datetime | None
    found: Difference | None
    page: int
    pages: int
    previous: str | None
    next: str | None


def runs(known: Known, listed: Sequence[Run], before: int | None, older: int | None, newer: str | None) -> Page:
    """Return the list of runs that came ``before`` one; ``older`` is the number before which the next page begins."""
    content = Runs(
        empty=None if listed or before else NOTHING_YET,
        rows=tuple(_row(known, one) for one in listed),
        newer=newer,
        older=addresses.runs(before=str(older)) if older else None,
    )
    runs_now = any(one.status is RunStatus.RUNNING for one in listed)
    return Page(
        template="runs",
        title="Runs",
        address=addresses.runs(before=str(before) if before else ""),
        nav=addresses.runs(),
        content=content,
        live=runs_now,
        kept=not runs_now,
    )


def run(known: Known, one: Run, before: int | None, after: int | None) -> Page:
    """Return the page of one run, between the run before it and the one after."""
    found = difference(known, one.id - 1, one.id, most=_ON_RUN)
    cost = cost_of([one.cost])
    settings = one.facts.get("settings")
    content = OneRun(
        row=_row(known, one),
        engine=str(one.facts.get("engine", "Docker")),
        facts={name: value for name, value in one.facts.items() if name not in {"settings", "engine"}},
        settings={name: value for name, value in settings.items() if name not in _NOT_SHOWN}
        if isinstance(settings, dict)
        else {},
        selection=one.selection,
        spent=tuple(
            (WHAT.get(name, name), cost.seconds[name], round(100 * share)) for name, share in cost.shares.items()
        ),
        per_cell=cost.per_cell,
        found=found,
        more=max(0, found.total - len(found.cells)),
        before=before,
        after=after,
        compared=addresses.run_changes(before, one.id) if before else None,
    )
    return Page(
        template="run",
        title=f"Run {one.id}",
        address=addresses.run(one.id),
        nav=addresses.runs(),
        trail=(("Runs", addresses.runs()),),
        content=content,
        live=one.status is RunStatus.RUNNING,
        kept=one.status is not RunStatus.RUNNING,
    )


def run_changes(known: Known, before: Run, after: Run, page: int = 1) -> Page:
    """Return what is different after one run from what it was after an earlier one."""
    found = difference(known, before.id, after.id, most=PER_PAGE, page=page)
    pages = ceil(found.total / PER_PAGE)
    address = addresses.run_changes(before.id, after.id)
    content = RunChanges(
        empty=None,
        before=before.id,
        after=after.id,
        before_at=before.started_at,
        after_at=after.started_at,
        found=found,
        page=page,
        pages=pages,
        previous=_paged(address, min(page - 1, pages)) if page > 1 and pages else None,
        next=_paged(address, page + 1) if page < pages else None,
    )
    return Page(
        template="run_changes",
        title=f"From run {before.id} to run {after.id}",
        address=_paged(address, page),
        nav=addresses.changes(),
        trail=(("Runs", addresses.runs()),),
        content=content,
    )


def no_run_changes() -> Page:
    """Return the page where there are no two runs to compare."""
    text = "What changed from one run to another shows once there are two of them. What is known is not run again unless asked."
    content = RunChanges(
        empty=Empty(title="There are no two finished runs yet", text=text, command="tfmatrix run --again"),
        before=None,
        after=None,
        before_at=None,
        after_at=None,
        found=None,
        page=1,
        pages=0,
        previous=None,
        next=None,
    )
    return Page(
        template="run_changes",
        title="Changes between runs",
        address=addresses.newest_run_changes(),
        nav=addresses.changes(),
        trail=(("Runs", addresses.runs()),),
        content=content,
    )


def _row(known: Known, one: Run) -> RunRow:
    track, noted = known.history.of_cells, one.cost or {}
    there = one.id < len(track.begun)
    return RunRow(
        id=one.id,
        href=addresses.run(one.id),
        status=one.status,
        started_at=one.started_at,
        finished_at=one.finished_at,
        seconds=(one.finished_at - one.started_at).total_seconds() if one.finished_at else None,
        asked=asked.of_run(known, one.selection),
        isolates=one.facts.get("isolates") is not False,
        saves=noted.get("saves"),
        cells=noted.get("cells"),
        known=noted.get("known"),
        core_hours=cost_of([one.cost]).core_hours if one.cost else None,
        begun=int(track.begun[one.id]) if there else 0,
        changed=int(track.changed[one.id]) if there else 0,
    )


def _paged(address: str, page: int) -> str:
    return address if page <= 1 else f"{address}?page={page}"
