"""How a page becomes two addresses: one maker of pages gives the HTML and its JSON twin.

A maker is a function with the parameters of its address and ``source``; FastAPI reads them from its signature.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute

from reports import addresses, rendering
from reports.links import ServerLinks
from reports.pages.page import Page
from service.answers import Answer
from service.site import Site, site_of
from service.source import Source

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json"


def source_of(request: Request) -> Source:
    """Return what the request's page is made from: the moment that its route has looked up."""
    found: Source = request.state.source
    return found


From = Annotated[Source, Depends(source_of)]
"""The parameter of a maker that is not in the address."""


class KeptRoute(APIRoute):
    """Answers from what is kept where that is still true; else lets the page be made."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, around FastAPI's own."""
        make = super().get_route_handler()

        async def handler(request: Request) -> Response:
            site = site_of(request)
            source = site.at_once()
            if source is None:
                source = await run_in_threadpool(site.source)
            request.state.source = source
            asked = request.scope["path"], request.scope["query_string"], source
            keys = site.key(*asked), site.brief_key(*asked)
            kept = site.answers.get(*keys)
            if kept is None:
                request.state.keys = keys
                async with site.turns.of(keys[0][0]):
                    kept = site.answers.get(*keys)
                    if kept is None:
                        return await make(request)
            return respond(request, kept)

        return handler


def router() -> APIRouter:
    """Return a router whose answers are kept."""
    return APIRouter(route_class=KeptRoute)


def add_page(on: APIRouter, path: str, make: Callable[..., Page], *, summary: str, tag: str = "pages") -> None:
    """Give a maker its two addresses. The twin's comes first: ``{model}`` would take ``dense.json``, too."""
    name = summary[0].lower() + summary[1:]
    made = Depends(make)  # FastAPI reads annotations as text, and this name would mean nothing to it there

    def twin(request: Request, page: Page = made) -> Response:
        return answer(request, page, as_json=True)

    def page(request: Request, page: Page = made) -> Response:
        return answer(request, page, as_json=False)

    identity = getattr(make, "__name__", "page").removeprefix("make_")
    on.add_api_route(
        addresses.twin(path), twin, methods=["GET"], summary=summary, tags=[tag], name=f"{identity}_json",
        operation_id=f"{identity}_json", response_class=JSONResponse, description=f"For programs: {name}.",
    )  # fmt: skip
    on.add_api_route(
        path, page, methods=["GET"], summary=summary, tags=[tag], name=identity, operation_id=identity,
        response_class=HTMLResponse, description=f"For people: {name}.",
    )  # fmt: skip


def answer(request: Request, page: Page, *, as_json: bool) -> Response:
    """Draw a page, keep it if it may be kept, and send it."""
    source: Source = request.state.source
    site: Site = site_of(request)

    def drawn() -> Answer:
        if as_json:
            return Answer(body=rendering.json_text(page, source.now).encode(), media_type=JSON)
        links = ServerLinks(request.scope.get("root_path", ""))
        return Answer(body=rendering.html(page, links, source.now).encode(), media_type=HTML)

    return respond(request, site.answers.make(request.state.keys[0 if page.kept else 1], drawn))


def respond(request: Request, found: Answer) -> Response:
    """Send an answer: nothing where the browser has it, packed where it takes that.

    ``no-cache`` lets a browser keep it and makes it ask each time, so that a changed cell shows at once.
    """
    headers = {"ETag": found.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = found.body
    if found.packed is not None and takes_gzip(request.headers.get("accept-encoding", "")):
        body = found.packed
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=found.media_type, headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether a browser that sends this takes gzip."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.strip().partition(";")
        if coding.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
