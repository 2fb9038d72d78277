"""What stands around every request: its id, its line in the log, headers that browsers obey, and an end without traceback."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import FOR_MACHINES, answer
from service.logs import logger
from service.statuses import Problem, problem_of

LONGEST_PATH: Final = 1024
LONGEST_QUERY: Final = 4096

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
EMBEDDED: Final = "/badge/"
"""Badges are made to stand in pages of others."""

SECRET: Final = ("/u/", "/api/uploads/")
"""Who knows such an address may see what is there."""

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logger("web")


class Observer(Protocol):
    """Is told of every request that was answered."""

    def __call__(self, *, route: str, method: str, status: int, seconds: float, size: int) -> None:
        """Count it."""


class RequestId:
    """Gives a request an id, the caller's if it is sane, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id, to the log as well."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        scope["request_id"] = request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, with_id)


class Observed:
    """Writes one line for each request and tells ``observer`` of it, also when it ended badly."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and watch what is sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, size = 0, 0

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._note(scope, status, size, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", None) or ""
        self._observer(route=route, method=scope["method"], status=status, seconds=seconds, size=size)
        fine = status < HTTPStatus.BAD_REQUEST and bool(status)
        write = log.debug if scope["path"] in FOR_MACHINES and fine else log.info  # only what fails of what is routine
        write(
            "request",
            method=scope["method"],
            path=_path_in_log(scope),
            status=status,
            ms=round(seconds * 1000, 1),
            bytes=size,
        )


class Hardened:
    """Sends the headers that browsers obey, refuses addresses without end, answers HEAD as GET without a body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(HEADERS)
        if scope["path"].startswith(EMBEDDED):
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        send = _adding(headers, send)
        if len(scope.get("raw_path") or b"") > LONGEST_PATH or len(scope["query_string"]) > LONGEST_QUERY:
            await answer(Request(scope), _TOO_LONG)(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {**scope, "method": "GET"}  # a copy: the server still has to know that no body follows
        try:
            await self._app(asked, receive, _without_body(send))
        finally:
            if "route" in asked:
                scope["route"] = asked["route"]


class Caught:
    """Ends what nobody caught: the traceback goes to the log, and to the client its number alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer in its stead where that fails."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            log.exception("fault", path=_path_in_log(scope))
            problem = problem_of(error, str(scope.get("request_id", "")))
            await answer(Request(scope), problem)(scope, receive, send)


_TOO_LONG: Final = Problem(
    status=HTTPStatus.REQUEST_URI_TOO_LONG,
    message=f"This address is too long: {LONGEST_PATH} bytes of path and {LONGEST_QUERY} of filters are read.",
    next_step="Leave out filters: one that names everything says as much as none.",
)


def _path_in_log(scope: Scope) -> str:
    """The path of a request; of one to an upload its route, for who knows the path sees the upload."""
    path = str(scope["path"])
    if path.startswith(SECRET):
        return getattr(scope.get("route"), "path_format", None) or f"/{path.split('/')[1]}/…"
    return path[:LONGEST_PATH]


def _adding(headers: dict[str, str], send: Send) -> Callable[[Message], Awaitable[None]]:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            for name, value in headers.items():
                found.setdefault(name, value)
        await send(message)

    return adding


def _without_body(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def emptied(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return emptied


def layers(observer: Observer) -> tuple[tuple[Any, dict[str, Any]], ...]:
    """Return the middleware of an app from the outside in, each with its options."""
    return (RequestId, {}), (Observed, {"observer": observer}), (Hardened, {}), (Caught, {})
