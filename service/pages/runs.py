"""``/runs``, ``/queue`` and ``/changes/runs``: what was measured when, what waits, and what changed."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator, Field

from matrix.errors import UsageError
from matrix.model import RunStatus
from matrix.records import Run
from reports import addresses
from reports.pages import runs as run_pages
from reports.pages.page import Page
from reports.pages.queue import queue
from service.alive import is_alive
from service.pages.failures import PageNumber
from service.pages.routes import From, add_page, router
from service.pages.words import none_if_empty
from service.problems import BadFilter, NotFound
from service.source import Source

ROUTER: Final[APIRouter] = router()

PER_PAGE: Final = 50
_LOOKED_AT: Final = 200
_WAITING_SHOWN: Final = 100
_ENDED_SHOWN: Final = 20
_MOST: Final = 2**31 - 1

RunNumber = Annotated[int, Path(ge=1, le=_MOST, description="A run's number.", examples=[1])]
_Number = Annotated[int, Field(ge=1, le=_MOST)]
Before = Annotated[_Number | None, BeforeValidator(none_if_empty), Query(description="Only runs before this one.")]


def make_runs(source: From, before: Before = None) -> Page:
    """Return a page of the list of runs, newest first."""
    found = source.read.runs(PER_PAGE + 1, before)
    listed = found[:PER_PAGE]
    older = listed[-1].id if len(found) > PER_PAGE else None
    newer = None
    if before is not None and listed:
        newest = source.read.runs(1)[0].id
        above = listed[0].id + PER_PAGE + 1
        newer = addresses.runs() if above > newest else addresses.runs(before=str(above))
    elif before is not None:
        newer = addresses.runs()
    return run_pages.runs(source.known, listed, before, older, newer)


def make_run(source: From, run: RunNumber) -> Page:
    """Return the page of one run."""
    one = _named(source, run)
    earlier = source.read.runs(1, before=run)
    newest = source.read.runs(1)[0].id
    return run_pages.run(source.known, one, earlier[0].id if earlier else None, run + 1 if run < newest else None)


def make_newest_changes(source: From) -> Page:
    """Return what is different between the newest two runs that came to their end."""
    ended = [one for one in source.read.runs(_LOOKED_AT) if one.status is not RunStatus.RUNNING]
    finished = [one for one in ended if one.status is RunStatus.FINISHED]
    chosen = finished if len(finished) > 1 else ended
    if len(chosen) < 2:  # noqa: PLR2004  (a comparison needs two)
        return run_pages.no_run_changes()
    return run_pages.run_changes(source.known, chosen[1], chosen[0])


def make_run_changes(source: From, before: RunNumber, after: RunNumber, page: PageNumber = 1) -> Page:
    """Return what is different after one run from what it was after an earlier one."""
    older, newer = _named(source, before), _named(source, after)
    if before > after:
        swapped = addresses.run_changes(after, before)
        raise BadFilter(f"Run {before} came after run {after}.", next_step=f"The other way round it is {swapped}.")
    return run_pages.run_changes(source.known, older, newer, page)


def make_queue(source: From) -> Page:
    """Return what runs, what waits and what ended last."""
    waiting = source.queue.waiting()
    return queue(
        source.queue.running(),
        waiting[:_WAITING_SHOWN],
        source.queue.ended(_ENDED_SHOWN),
        more=max(0, len(waiting) - _WAITING_SHOWN),
        runner_alive=is_alive(source.settings.home, source.now),
    )


def _named(source: Source, number: int) -> Run:
    try:
        return source.read.run(number)
    except UsageError:
        newest = source.read.runs(1)
        step = f"The newest is {newest[0].id}; /runs lists them." if newest else "Nothing was run yet."
        raise NotFound("run", str(number), (), next_step=step) from None


add_page(ROUTER, "/runs", make_runs, summary="All runs")
add_page(ROUTER, "/runs/{run}", make_run, summary="One run")
add_page(ROUTER, "/queue", make_queue, summary="What runs, waits and ended")
add_page(ROUTER, "/changes/runs", make_newest_changes, summary="Changes between the newest two runs")
add_page(ROUTER, "/changes/runs/{before}/{after}", make_run_changes, summary="Changes between two runs")
