"""``/load``: can I load it?"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from reports.pages.load import Question, load
from reports.pages.page import Page
from service.pages.catalogue import environment_chosen
from service.pages.routes import From, add_page, router
from service.pages.words import FormatFilter, LoaderFilter, ModelFilter, SaverFilter
from service.problems import unknown

ROUTER: Final[APIRouter] = router()


def make_load(
    source: From,
    saver: SaverFilter = None,
    model: ModelFilter = None,
    format_: FormatFilter = None,
    loader: LoaderFilter = None,
) -> Page:
    """Return the question, and the answer where enough is chosen."""
    found = None if model is None else source.known.model(model)
    if model is not None and found is None:
        raise unknown("model", model, [one.id for one in source.known.models])
    question = Question(
        saver=environment_chosen(source, "saver", saver),
        model=found,
        format=format_,
        loader=environment_chosen(source, "loader", loader),
    )
    return load(source.known, question)


add_page(ROUTER, "/load", make_load, summary="Can I load it?")
