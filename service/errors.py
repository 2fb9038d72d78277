"""Answers instead of a page: one for each kind of error, as HTML for people and as JSON for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from matrix.errors import StoreError, TfmatrixError
from reports import rendering
from reports.links import ServerLinks
from reports.pages.page import Page
from service.logs import logger
from service.state import request_id_of, service_of
from service.statuses import Problem, problem_of

FOR_MACHINES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds, without saying what they take."""

_NO_PAGE: Final = "There is no page at this address."
_ALL_PAGES: Final = "The start page leads to every other."

log = logger("web")


def answer(request: Request, problem: Problem) -> Response:
    """Return what is sent for a problem: JSON for who asks for it or for a twin, else a page."""
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="tfmatrix uploads"'
    if _wants_json(request):
        text = json.dumps(problem.document(), ensure_ascii=False)
        return Response(text, int(problem.status), headers, media_type="application/json")
    links = ServerLinks(request.scope.get("root_path", ""))
    text = rendering.html(_page(problem), links, datetime.now(UTC))
    return Response(text, int(problem.status), headers, media_type="text/html; charset=utf-8")


def install(app: FastAPI) -> None:
    """Let an app answer every error in our words."""
    app.add_exception_handler(TfmatrixError, _ours)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _of_http)


async def _ours(request: Request, error: Exception) -> Response:
    problem = problem_of(error, request_id_of(request))
    if isinstance(error, StoreError):
        service_of(request).database.doubt()
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("trouble", kind=type(error).__name__, message=str(error))
    return answer(request, problem)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (said to mypy)
    said = [f"{one['loc'][-1]}: {one['msg']}." for one in error.errors()]
    problem = Problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        message=" ".join(said),
        next_step="Correct the address; /openapi.json says what each part takes.",
        request_id=request_id_of(request),
    )
    return answer(request, problem)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (said to mypy)
    message, step = str(error.detail), _ALL_PAGES
    if error.status_code == HTTPStatus.NOT_FOUND:
        message = _NO_PAGE
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        message, step = f"{request.method} is not answered here.", "Pages are read with GET or HEAD."
    problem = Problem(status=error.status_code, message=message, next_step=step, request_id=request_id_of(request))
    response = answer(request, problem)
    response.headers.update(error.headers or {})
    return response


def _wants_json(request: Request) -> bool:
    path, accept = request.scope["path"], request.headers.get("accept", "")
    for_programs = "application/json" in accept or path in FOR_MACHINES
    return path.endswith(".json") or path.startswith("/api/") or (for_programs and "text/html" not in accept)


def _page(problem: Problem) -> Page:
    """The problem in the site's own frame; it has no address, for what is wrong is no document."""
    return Page(template="problem", title=f"{problem.status}: {problem.title}", address="", content=problem)
