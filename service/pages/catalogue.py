"""``/models``, ``/formats``, ``/environments``: what there is, and how each fares."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path

from matrix.catalog import locked_packages
from matrix.model import Environment, Format, Model
from reports.pages import environments as environment_pages
from reports.pages import formats as format_pages
from reports.pages import models as model_pages
from reports.pages.page import Page
from service.pages.routes import From, add_page, router
from service.problems import NotFound, unknown
from service.source import Source

ROUTER: Final[APIRouter] = router()

ModelId = Annotated[str, Path(description="A model's id.", examples=["dense"])]
EnvironmentId = Annotated[str, Path(description="An environment's id.", examples=["tf2.15"])]


def make_models(source: From) -> Page:
    """Return the list of models."""
    return model_pages.models(source.known)


def make_model(source: From, model: ModelId) -> Page:
    """Return the page of one model."""
    return model_pages.model(source.known, model_named(source, model))


def make_formats(source: From) -> Page:
    """Return the list of formats."""
    return format_pages.formats(source.known)


def make_format(
    source: From, format_: Annotated[str, Path(alias="format", description="A format.", examples=["h5"])]
) -> Page:
    """Return the page of one format."""
    return format_pages.format_(source.known, format_named(format_))


def make_environments(source: From) -> Page:
    """Return the list of environments."""
    digests = [one.recipe_digest for one in source.known.environments]
    return environment_pages.environments(source.known, source.read.environments(digests))


def make_environment(source: From, environment: EnvironmentId) -> Page:
    """Return the page of one environment."""
    one = environment_named(source, environment)
    record = source.read.environments([one.recipe_digest]).get(one.recipe_digest)
    return environment_pages.environment(source.known, one, record, locked_packages(one))


def model_named(source: Source, name: str) -> Model:
    """Return a model by its id, or raise what suggests the nearest."""
    found = source.known.model(name)
    if found is None:
        raise NotFound("model", name, [one.id for one in source.known.models], next_step="/models lists them all.")
    return found


def environment_named(source: Source, name: str) -> Environment:
    """Return an environment by its id, or raise what suggests the nearest."""
    found = source.known.environment(name) or source.known.environment(f"tf{name}")
    if found is None:
        ids = [one.id for one in source.known.cube.environments]
        raise NotFound("environment", name, ids, next_step="/environments lists them all.")
    return found


def environment_chosen(source: Source, filter_: str, name: str | None) -> Environment | None:
    """Return what a filter chooses, or raise what suggests the nearest."""
    if name is None:
        return None
    found = source.known.environment(name) or source.known.environment(f"tf{name}")
    if found is None:
        raise unknown(filter_, name, [one.id for one in source.known.cube.environments])
    return found


def format_named(name: str) -> Format:
    """Return a format by its name, or raise what suggests the nearest."""
    try:
        return Format(name)
    except ValueError:
        raise NotFound("format", name, [str(one) for one in Format], next_step="/formats lists them all.") from None


add_page(ROUTER, "/models", make_models, summary="All models")
add_page(ROUTER, "/models/{model}", make_model, summary="One model")
add_page(ROUTER, "/formats", make_formats, summary="All formats")
add_page(ROUTER, "/formats/{format}", make_format, summary="One format")
add_page(ROUTER, "/environments", make_environments, summary="All environments")
add_page(ROUTER, "/environments/{environment}", make_environment, summary="One environment")
