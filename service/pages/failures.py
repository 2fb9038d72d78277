"""``/errors``: what goes wrong, with search, and each kind of failure."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator

from matrix.results import Failure
from reports.failures import slug
from reports.pages.errors import errors
from reports.pages.failure import error
from reports.pages.page import Page
from service.pages.routes import From, add_page, router
from service.problems import BadFilter, NotFound
from service.source import Source

ROUTER: Final[APIRouter] = router()

_LONGEST: Final = 200
_LEAST: Final = 8
"""Letters of a fingerprint that a person may leave it at, as long as no other begins so."""
_MOST_PAGES: Final = 100_000


def _first_if_empty(value: object) -> object:
    """A form sends every field, also the empty ones."""
    return 1 if value == "" else value


Words = Annotated[
    str,
    Query(
        max_length=_LONGEST,
        description="Words that all occur in the message or the exception's class; a phrase in double quotes.",
        examples=["batch_shape"],
    ),
]
PageNumber = Annotated[
    int, BeforeValidator(_first_if_empty), Query(ge=1, le=_MOST_PAGES, description="Which page of the list.")
]
CauseSlug = Annotated[str, Query(max_length=_LONGEST, description="Only kinds that come down to this cause.")]
Fingerprint = Annotated[
    str,
    Path(
        max_length=_LONGEST,
        description=f"A fingerprint, or the first {_LEAST} or more letters of one.",
        examples=["64e2149d7de35b0b"],
    ),
]


def make_errors(source: From, q: Words = "", page: PageNumber = 1, cause: CauseSlug = "") -> Page:
    """Return the list: of everything, or of what is searched for."""
    chosen = None
    if cause:
        chosen = next((one for one in source.known.causes if slug(one) == cause), None)
        if chosen is None:
            raise BadFilter(
                f"There is no cause {cause[:80]!r}.", next_step="/errors lists them; take a link from there."
            )
    return errors(source.known, " ".join(q.split()), page, chosen)


def make_error(source: From, fingerprint: Fingerprint) -> Page:
    """Return the page of one kind."""
    return error(source.known, _failure(source, fingerprint))


def _failure(source: Source, named: str) -> Failure:
    known = source.known.cube.error_at
    if named in known:
        return source.read.error(named)
    begin = [one for one in known if len(named) >= _LEAST and one.startswith(named)]
    if len(begin) == 1:
        return source.read.error(begin[0])
    what = "error that alone begins with" if begin else "error"
    alike = begin or [one for one in known if one[: _LEAST // 2] == named[: _LEAST // 2]]
    raise NotFound(what, named, alike[:20], next_step="/errors lists them all and searches their words.")


add_page(ROUTER, "/errors", make_errors, summary="What goes wrong")
add_page(ROUTER, "/errors/{fingerprint}", make_error, summary="One kind of failure")
