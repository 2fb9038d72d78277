"""``/pairs/{saver}/{loader}`` and ``/models/{model}/{format}``: two cuts through the matrix, one sign for each load."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path

from reports.pages.model_as import model_as
from reports.pages.page import Page
from reports.pages.pair import pair
from service.pages.catalogue import ModelId, environment_named, format_named, model_named
from service.pages.routes import From, add_page, router

ROUTER: Final[APIRouter] = router()

SaverId = Annotated[str, Path(description="The environment that saved.", examples=["tf2.9"])]
LoaderId = Annotated[str, Path(description="The environment that loads.", examples=["tf2.15"])]
FormatId = Annotated[str, Path(alias="format", description="A format.", examples=["h5"])]


def make_pair(source: From, saver: SaverId, loader: LoaderId) -> Page:
    """Return the page of one saver and one loader."""
    return pair(source.known, environment_named(source, saver), environment_named(source, loader))


def make_model_as(source: From, model: ModelId, format_: FormatId) -> Page:
    """Return the page of one model in one format."""
    return model_as(source.known, model_named(source, model), format_named(format_))


add_page(ROUTER, "/pairs/{saver}/{loader}", make_pair, summary="One saver and one loader")
add_page(ROUTER, "/models/{model}/{format}", make_model_as, summary="One model in one format")
