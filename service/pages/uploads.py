"""``/upload``: the form; ``/u/{id}``: an upload with its row, which fills in while somebody looks; its badge and its report.

What stands here is for who knows the address: no answer is kept by anybody between, no search engine takes it up, and no
address of it leaves in a ``Referer``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from matrix.catalog import load_environments
from matrix.config import Settings
from matrix.errors import IncompleteError
from matrix.model import Environment
from matrix.uploads.door import DoorError, Ticket, is_id
from matrix.uploads.model import PartFile, Upload, UploadState
from matrix.uploads.waiting import Wait
from reports import addresses, rendering
from reports.badge import badge_of_row
from reports.lines import in_order
from reports.links import ServerLinks
from reports.pages.page import Page
from reports.pages.uploaded import Deletion, Found, uploaded
from reports.pages.uploading import Form, Uploading, uploading
from service.alive import is_alive
from service.pages.routes import HTML, JSON
from service.problems import Gone, NotFound
from service.state import Service, service_of
from service.uploads import access

ROUTER: Final = APIRouter()

UploadId = Annotated[
    str,
    Path(alias="id", description="An upload's id, the last part of its address.", pattern="^[A-Za-z0-9_-]{1,64}$"),
]
PRIVATE: Final = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "same-origin",  # with no-referrer a form's POST would not say where it comes from
    "Vary": "Cookie",
}
_NO_WAIT: Final = Wait()
_SVG: Final = "image/svg+xml; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An upload as it is now, with what a page of it is made from."""

    found: Found
    environments: tuple[Environment, ...]
    known_errors: frozenset[str]
    now: datetime

    @property
    def page(self) -> Page:
        """Its page."""
        return uploaded(self.found, self.environments, self.known_errors)


def uploading_page(request: Request) -> Response:
    """For people: hand in a model."""
    service = service_of(request)
    token = access.form_token(request)
    page = replace(_uploading(service), form=Form(csrf=token))
    return _with_form(request, service, page, token)


def uploading_json(request: Request) -> Response:
    """For programs: who may upload, what is taken, and how much."""
    text = rendering.json_text(_uploading(service_of(request)), datetime.now(UTC))
    return Response(text, headers=PRIVATE, media_type=JSON)


def upload_page(request: Request, upload_id: UploadId) -> Response:
    """For people: one upload."""
    service, seen = service_of(request), seen_by(request, upload_id)
    csrf = access.form_token(request)
    form = Deletion(csrf=csrf, token=request.cookies.get(access.DELETION_COOKIE, ""))
    return _with_form(request, service, replace(seen.page, form=form), csrf)


def upload_json(request: Request, upload_id: UploadId) -> Response:
    """For programs: one upload. Ask again until `finished`: then the row is whole; `over`: nothing more comes."""
    seen = seen_by(request, upload_id)
    return Response(rendering.json_text(seen.page, seen.now), headers=PRIVATE, media_type=JSON)


def upload_badge(request: Request, upload_id: UploadId) -> Response:
    """An image for other people's pages: who sees its address can open the upload."""
    seen = seen_by(request, upload_id)
    drawn = badge_of_row(seen.page.content.row, [one.id for one in in_order(seen.environments)])
    headers = PRIVATE | {"Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(drawn, headers=headers, media_type=_SVG)


def upload_report(request: Request, upload_id: UploadId) -> Response:
    """A file to keep: the page with all that is in it, whole without this site."""
    seen = seen_by(request, upload_id)
    links = ServerLinks(str(request.base_url).rstrip("/"))
    return _attached(rendering.report(seen.page, links, seen.now), "html", HTML)


def upload_report_json(request: Request, upload_id: UploadId) -> Response:
    """The same for programs, as a file."""
    seen = seen_by(request, upload_id)
    return _attached(json.dumps(seen.page.document(seen.now), ensure_ascii=False, indent=1), "json", JSON)


def seen_by(request: Request, upload_id: str) -> Seen:
    """Return an upload as it is now, for who asks for it.

    Raises:
        NotFound: There never was one.
        Gone: It is deleted, or its time is over.
    """
    service, now = service_of(request), datetime.now(UTC)
    found = find(service, upload_id, now)
    known: frozenset[str] = frozenset()
    if found.cells:
        known = frozenset(service.site().snapshot.known().kinds)
    return Seen(found=found, environments=load_environments(), known_errors=known, now=now)


def find(service: Service, upload_id: str, now: datetime) -> Found:
    """Return what is known of an upload.

    Raises:
        NotFound: There never was one.
        Gone: It is deleted, or its time is over.
    """
    upload = known(service, upload_id, now)
    alive, wait = (
        is_alive(service.settings.home, now),
        wait_of(service, upload, lambda: service.site().store.uploads.waits(now)),
    )
    if not upload.content:
        return Found(upload=upload, wait=wait, runner_alive=alive)
    uploads = service.site().store.uploads
    cells, saves = uploads.cells(upload.content), uploads.saves(upload.content)
    return Found(upload=upload, cells=cells, saves=saves, wait=wait, runner_alive=alive)


def known(service: Service, upload_id: str, now: datetime) -> Upload:
    """Return an upload, whether a runner took it up already or it lies at the door.

    Raises:
        NotFound: There never was one.
        Gone: It is deleted, or its time is over.
    """
    if service.door.is_removed(upload_id):
        raise _gone(UploadState.DELETED)
    for _ in range(2):  # between the two looks a runner may have taken it from the door
        with suppress(IncompleteError):
            uploads = service.site().store.uploads
            upload = uploads.get(upload_id) if is_id(upload_id) else None
            if upload is not None and upload.state.is_gone:
                raise _gone(upload.state)
            if upload is not None:
                return _in_time(upload, now)
        with suppress(DoorError):
            if service.door.holds(upload_id):
                return _in_time(_waiting(service.door.ticket(upload_id), service.settings), now)
    raise NotFound("upload", upload_id, (), next_step="Its address may be cut off; uploads are listed nowhere.")


def wait_of(service: Service, upload: Upload, waits: Callable[[], Mapping[str, Wait]]) -> Wait:
    """Return how many rows are before an upload's; of one that lies at the door, how many came before it."""
    if upload.content:
        has_row = upload.state.is_over or upload.state is UploadState.SAVING_AGAIN
        return _NO_WAIT if has_row else waits().get(upload.id, _NO_WAIT)
    waiting = service.door.waiting()
    return Wait(ahead=waiting.index(upload.id)) if upload.id in waiting else _NO_WAIT


def _in_time(upload: Upload, now: datetime) -> Upload:
    """Return an upload unless its time is over: the runner may not have come to remove it yet, or not be there."""
    if upload.expires_at <= now:
        raise _gone(UploadState.EXPIRED)
    return upload


def _gone(state: UploadState) -> Gone:
    if state is UploadState.EXPIRED:
        return Gone(
            "This upload's time is over: it is deleted, with all that was found.", next_step="Hand it in again."
        )
    return Gone("This upload is deleted, with all that was found.", next_step="Hand it in again if that was a mistake.")


def _waiting(ticket: Ticket, settings: Settings) -> Upload:
    """An upload that no runner has taken up yet: what its ticket says."""
    return Upload(
        id=ticket.id,
        content="",
        parts={part: PartFile(name=name, sha256="", size=0) for part, name in ticket.names.items()},
        options=ticket.options,
        state=UploadState.WAITING,
        owner=ticket.owner,
        deletion=ticket.deletion,
        handed_in_at=ticket.handed_in_at,
        expires_at=ticket.handed_in_at + timedelta(days=settings.upload_days),
    )


def _uploading(service: Service) -> Page:
    settings = service.settings
    return uploading(
        Uploading(
            who=service.policy.value,
            kinds=tuple(sorted(settings.kinds_taken)),
            most_bytes=settings.upload_bytes,
            days=settings.upload_days,
            an_hour=settings.uploads_per_hour,
            bytes_an_hour=settings.upload_bytes_per_hour,
        )
    )


def _with_form(request: Request, service: Service, page: Page, csrf: str) -> Response:
    below = str(request.scope.get("root_path", "")).rstrip("/")
    text = rendering.html(page, ServerLinks(below), datetime.now(UTC))
    response = Response(text, headers=PRIVATE, media_type=HTML)
    secure = access.is_secure(request, service.settings)
    access.keep_form_token(response, csrf, path=f"{below}/", secure=secure)
    return response


def _attached(text: str, ending: str, media_type: str) -> Response:
    name = f'attachment; filename="tfmatrix-upload.{ending}"'
    return Response(text, headers=PRIVATE | {"Content-Disposition": name}, media_type=media_type)


def _add(path: str, make: Callable[..., Response], summary: str, media_type: str) -> None:
    documented: dict[int | str, dict[str, Any]] = {
        200: {"content": {media_type: {"schema": {}}}, "description": summary}
    }
    ROUTER.add_api_route(
        path, make, methods=["GET"], summary=summary, tags=["uploads"], operation_id=make.__name__,
        response_class=Response, responses=documented,
    )  # fmt: skip


_add(addresses.twin(addresses.uploading()), uploading_json, "What may be uploaded", "application/json")
_add(addresses.uploading(), uploading_page, "Hand in a model, in a browser", "text/html")
_add("/u/{id}.json", upload_json, "One upload", "application/json")
_add("/u/{id}", upload_page, "One upload, in a browser", "text/html")
_add("/u/{id}/badge.svg", upload_badge, "A badge: where an upload loads", "image/svg+xml")
_add("/u/{id}/report", upload_report, "An upload's report, as HTML", "text/html")
_add("/u/{id}/report.json", upload_report_json, "An upload's report, as JSON", "application/json")
