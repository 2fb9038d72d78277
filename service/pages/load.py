"""``/load``: can I load it?"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from matrix.model import Environment
from reports.pages.load import Question, load
from reports.pages.page import Page
from service.pages.routes import From, add_page, router
from service.pages.words import FormatFilter, ModelFilter, none_if_empty
from service.problems import unknown
from service.source import Source

ROUTER: Final[APIRouter] = router()

_Optional = BeforeValidator(none_if_empty)
SaverFilter = Annotated[str | None, _Optional, Query(description="The environment that saved.", examples=["tf2.9"])]
LoaderFilter = Annotated[str | None, _Optional, Query(description="The environment that loads.", examples=["tf2.15"])]


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
        saver=_environment(source, "saver", saver),
        model=found,
        format=format_,
        loader=_environment(source, "loader", loader),
    )
    return load(source.known, question)


def _environment(source: Source, name: str, value: str | None) -> Environment | None:
    """An environment by its id, with or without ``tf`` before it."""
    if value is None:
        return None
    found = source.known.environment(value) or source.known.environment(f"tf{value}")
    if found is None:
        raise unknown(name, value, [one.id for one in source.known.cube.environments])
    return found


add_page(ROUTER, "/load", make_load, summary="Can I load it?")
