"""The pages: for each a function that makes it, and its addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from typing import Final

from fastapi import APIRouter

from matrix.model import Format
from reports import addresses
from reports.cube import FORMATS
from reports.failures import slug, stand_ins
from reports.pages.environments import neighbours
from reports.pages.filters import Filters
from reports.pages.models import formats_of
from reports.pages.page import Page
from service.pages import (
    about,
    artifacts,
    assets,
    badges,
    catalogue,
    cells,
    changes,
    downloads,
    failures,
    home,
    listening,
    load,
    pairs,
    runs,
    uploading,
    uploads,
)
from service.source import Source

ROUTERS: Final[tuple[APIRouter, ...]] = (
    home.ROUTER,
    load.ROUTER,
    pairs.ROUTER,
    cells.ROUTER,
    artifacts.ROUTER,
    badges.ROUTER,
    downloads.ROUTER,
    catalogue.ROUTER,
    failures.ROUTER,
    changes.ROUTER,
    runs.ROUTER,
    about.ROUTER,
    uploads.ROUTER,
    listening.ROUTER,
    uploading.ROUTER,
    assets.ROUTER,
)
"""All pages, in the order in which their addresses are tried."""

_RUNS: Final = 20
"""Of how many runs the site as files has pages."""


def addresses_of(source: Source) -> Iterator[tuple[str, Callable[[], Page]]]:
    """Yield each page of the site as files: its address and what makes it.

    The others need a server, are one cell's own, or would have nothing to show.
    """
    known = source.known
    yield addresses.home(), partial(home.make_home, source, Filters())
    yield addresses.load(), partial(load.make_load, source)
    cube, at = known.cube, known.cube.environment_at
    saved = cube.counts(cube.where(every_method=True), "saver", "format").sum(axis=-1)
    for saver, format_ in product(known.environments, Format):
        if saved[at[saver.id], FORMATS.index(format_)]:
            address = addresses.load(saver=saver.id, format=str(format_))
            yield address, partial(load.make_load, source, saver=saver.id, format_=format_)
    loaded = cube.counts(cube.where(every_method=True), "saver", "loader").sum(axis=-1)
    for saver, loader in product(known.environments, known.environments):
        if loaded[at[saver.id], at[loader.id]]:
            yield addresses.pair(saver.id, loader.id), partial(pairs.make_pair, source, saver.id, loader.id)
    yield from _of_the_catalogue(source)
    yield from _of_failures(source)
    yield addresses.changes(), partial(changes.make_changes, source)
    for environment in known.environments:
        before, after = neighbours(known, environment)[0], environment.id
        if before is not None:
            yield addresses.changes(before=before, after=after), partial(changes.make_changes, source, before, after)
    yield from _of_runs(source)
    yield addresses.about(), partial(about.make_about, source)


def _of_the_catalogue(source: Source) -> Iterator[tuple[str, Callable[[], Page]]]:
    yield addresses.models(), partial(catalogue.make_models, source)
    cube = source.known.cube
    saved = cube.counts(cube.where(every_method=True), "model", "format").sum(axis=-1)
    for place, model in enumerate(source.known.models):
        yield addresses.model(model.id), partial(catalogue.make_model, source, model.id)
        for one in formats_of(model):
            if not saved[place, FORMATS.index(one)]:
                continue
            yield addresses.model_as(model.id, one), partial(pairs.make_model_as, source, model.id, str(one))
    yield addresses.formats(), partial(catalogue.make_formats, source)
    for format_ in Format:
        yield addresses.format_(format_), partial(catalogue.make_format, source, str(format_))
    yield addresses.environments(), partial(catalogue.make_environments, source)
    for environment in source.known.environments:
        yield addresses.environment(environment.id), partial(catalogue.make_environment, source, environment.id)


def _of_failures(source: Source) -> Iterator[tuple[str, Callable[[], Page]]]:
    """Every list, and one kind for each cause."""
    first = failures.make_errors(source)
    for number in range(1, max(1, first.content.pages) + 1):
        address = addresses.errors(page=str(number) if number > 1 else "")
        yield address, partial(failures.make_errors, source, page=number)
    for cause, kind in stand_ins(source.known).items():
        yield addresses.error(kind), partial(failures.make_error, source, kind)
        address = addresses.errors(cause=slug(cause))
        yield address, partial(failures.make_errors, source, cause=slug(cause))


def _of_runs(source: Source) -> Iterator[tuple[str, Callable[[], Page]]]:
    """The newest runs, and what changed between each two of them."""
    yield addresses.runs(), partial(runs.make_runs, source)
    listed = [one.id for one in source.read.runs(_RUNS)]
    for number in listed:
        yield addresses.run(number), partial(runs.make_run, source, number)
    for after, before in pairwise(listed):
        yield addresses.run_changes(before, after), partial(runs.make_run_changes, source, before, after)
