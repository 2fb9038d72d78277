"""``/u/{id}/events``: says when an upload's page would say something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from matrix.errors import IncompleteError
from matrix.uploads.waiting import Wait
from service.alive import is_alive
from service.pages.uploads import PRIVATE, UploadId, known, wait_of
from service.problems import Gone, NotFound
from service.state import Service, service_of
from service.uploads.access import address_of, network_of
from service.uploads.listeners import Listeners, Moment

ROUTER: Final = APIRouter()

GONE: Final = Moment(revision=-1, state="gone", ahead=0, seconds_left=None, runner_alive=True, over=True)


@ROUTER.get(
    "/u/{id}/events",
    summary="When to look at an upload again",
    tags=["uploads"],
    operation_id="upload_events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "`changed` each time; `end`, then the end."}},
)
async def upload_events(request: Request, upload_id: UploadId) -> Response:
    """For programs and our pages: server-sent events, with a comment every 15 seconds."""
    service = service_of(request)
    await run_in_threadpool(known, service, upload_id, datetime.now(UTC))
    events = listeners_of(service).events(upload_id, network_of(address_of(request, service.settings)))
    headers = PRIVATE | {"X-Accel-Buffering": "no"}
    return StreamingResponse(events, headers=headers, media_type="text/event-stream; charset=utf-8")


def listeners_of(service: Service) -> Listeners:
    """Return who listens to an app; made by its event loop."""
    if service.listeners is None:
        watch = _Watch(service)
        service.listeners = Listeners(watch.look)
    return service.listeners


class _Watch:
    """Looks at uploads again and again, and asks the database only where something was committed since."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pulse: int | None = None
        self._known: dict[str, Moment] = {}
        self._expires: dict[str, datetime] = {}

    def look(self, ids: tuple[str, ...]) -> dict[str, Moment]:
        """Return what is true of them.

        Raises:
            TfmatrixError: The database does not answer.
        """
        now = datetime.now(UTC)
        alive = is_alive(self._service.settings.home, now)
        pulse = self._pulse_now()
        waits = cache(lambda: self._service.site().store.uploads.waits(now))  # asked once for all
        still = self._known if pulse is not None and pulse == self._pulse else {}
        self._known = {one: self._moment(one, still.get(one), now, waits, alive=alive) for one in ids}
        self._pulse = pulse
        self._expires = {one: at for one, at in self._expires.items() if one in self._known}
        return self._known

    def _pulse_now(self) -> int | None:
        with suppress(IncompleteError):
            return self._service.site().store.read.pulse()
        return None

    def _moment(
        self,
        upload_id: str,
        still: Moment | None,
        now: datetime,
        waits: Callable[[], Mapping[str, Wait]],
        *,
        alive: bool,
    ) -> Moment:
        """Return what is true of one; ``still`` is what was, where nothing was committed since."""
        is_in_time = now < self._expires.get(upload_id, now)
        if still is not None and still.revision and is_in_time and not self._service.door.is_removed(upload_id):
            return replace(still, runner_alive=alive)
        try:
            upload = known(self._service, upload_id, now)
            wait = wait_of(self._service, upload, waits)
        except (Gone, NotFound):
            return GONE
        self._expires[upload_id] = upload.expires_at
        return Moment(
            revision=upload.revision,
            state=upload.state.value,
            ahead=wait.ahead,
            seconds_left=wait.seconds if alive else None,
            runner_alive=alive,
            over=upload.state.is_over,
        )
