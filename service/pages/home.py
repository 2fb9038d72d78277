"""``/``: the matrix."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from reports.known import Known
from reports.pages.filters import Filters
from reports.pages.home import home
from reports.pages.page import Page
from service.pages.routes import From, add_page, router
from service.pages.words import FlavourFilter, FormatFilter, GroupFilter, MethodFilter, ModelFilter
from service.problems import BadFilter, unknown

ROUTER: Final[APIRouter] = router()


def filters_of(  # noqa: PLR0913, PLR0917  one parameter for each filter
    source: From,
    format_: FormatFilter = None,
    group: GroupFilter = None,
    model: ModelFilter = None,
    method: MethodFilter = None,
    flavour: FlavourFilter = None,
) -> Filters:
    """Return the filters of an address.

    Raises:
        BadFilter: A group or a model is not there, or the model is not of the group.
    """
    groups = {one.group for one in source.known.models}
    if group is not None and group not in groups:
        raise unknown("group", group, groups)
    found = None if model is None else source.known.model(model)
    if model is not None and found is None:
        raise unknown("model", model, [one.id for one in source.known.models])
    if found is not None and group is not None and found.group != group:
        raise BadFilter(f"{found.id} is not in the group {group!r}.", next_step=f"Its group is {found.group!r}.")
    return Filters(format=format_, group=group, model=model, method=method, flavour=flavour)


Chosen = Annotated[Filters, Depends(filters_of)]


def make_home(source: From, filters: Chosen) -> Page:
    """Return the matrix for a choice of filters."""
    return _home(source.known, filters)


def _home(known: Known, filters: Filters) -> Page:
    return home(known, filters)


add_page(ROUTER, "/", make_home, summary="The matrix")
