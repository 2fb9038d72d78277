"""``/changes``: two loaders beside each other."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query

from matrix.model import Environment
from reports.pages.changes import changes, newest_two
from reports.pages.page import Page
from service.pages.routes import From, add_page, router
from service.problems import BadFilter, nearest
from service.source import Source

ROUTER: Final[APIRouter] = router()

_LONGEST: Final = 100

Before = Annotated[str, Query(max_length=_LONGEST, description="A loader, by its id.", examples=["tf2.15"])]
After = Annotated[str, Query(max_length=_LONGEST, description="The loader to compare with.", examples=["tf2.16"])]


def make_changes(source: From, before: Before = "", after: After = "") -> Page:
    """Return the page: by itself of the two newest TensorFlows."""
    older, newer = newest_two(source.known)
    return changes(
        source.known,
        _named(source, "before", before) if before else older,
        _named(source, "after", after) if after else newer,
    )


def _named(source: Source, what: str, name: str) -> Environment:
    found = source.known.environment(name) or source.known.environment(f"tf{name}")
    if found is None:
        meant = nearest(name, [one.id for one in source.known.environments])
        step = f"Did you mean {' or '.join(meant)}?" if meant else "/environments lists them."
        raise BadFilter(f"The filter {what}={name[:80]!r} names no environment.", next_step=step)
    return found


add_page(ROUTER, "/changes", make_changes, summary="Two loaders beside each other")
