"""``/static``: style, script and sign of the pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from reports.rendering import STATIC
from service.answers import Answer
from service.pages.routes import respond
from service.problems import NotFound

ROUTER: Final = APIRouter()

_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@ROUTER.api_route("/static/{name}", methods=["GET"], include_in_schema=False)
def asset(request: Request, name: str) -> Response:
    """Return a file that pages need."""
    found = _assets().get(name)
    if found is None:
        raise NotFound("file", name, _assets())
    return respond(request, found)


@cache
def _assets() -> dict[str, Answer]:
    return {path.name: _answer(path) for path in STATIC.iterdir() if path.suffix in _TYPES}


def _answer(path: Path) -> Answer:
    return Answer(body=path.read_bytes(), media_type=_TYPES[path.suffix])
