"""The pages: for each a function that makes it, and its addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Final

from fastapi import APIRouter

from matrix.model import Format
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
    load,
    pairs,
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
    about.ROUTER,
    assets.ROUTER,
)
"""All pages, in the order in which their addresses are tried."""


def addresses_of(source: Source) -> Iterator[Callable[[], Page]]:
    """What makes each page of the site as files; the others need a server, or are one cell's own."""
    known = source.known
    yield partial(home.make_home, source, Filters())
    yield partial(load.make_load, source)
    for saver, format_ in product(known.environments, Format):
        yield partial(load.make_load, source, saver=saver.id, format_=format_)
    for saver, loader in product(known.environments, known.environments):
        yield partial(pairs.make_pair, source, saver.id, loader.id)
    yield partial(catalogue.make_models, source)
    for model in known.models:
        yield partial(catalogue.make_model, source, model.id)
        for one in formats_of(model):
            yield partial(pairs.make_model_as, source, model.id, str(one))
    yield partial(catalogue.make_formats, source)
    for format_ in Format:
        yield partial(catalogue.make_format, source, str(format_))
    yield partial(catalogue.make_environments, source)
    for environment in known.environments:
        yield partial(catalogue.make_environment, source, environment.id)
    yield partial(failures.make_errors, source)
    yield partial(changes.make_changes, source)
    yield partial(about.make_about, source)
