"""``POST /upload`` and ``/api/uploads``: a file comes in; ``DELETE`` and ``POST …/delete``: it is removed again."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from anyio import move_on_after
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from matrix.errors import TfmatrixError
from matrix.uploads.model import Part, hashed
from reports import addresses
from service.documented import error
from service.logs import logger
from service.pages.uploads import UploadId, known
from service.problems import BadUpload, Forbidden, NoToken, TooLarge
from service.state import Service, service_of
from service.uploads import access
from service.uploads.intake import FIELDS, Taken
from service.uploads.policy import Policy
from service.uploads.taking import Handed, in_our_words, take_in

ROUTER: Final = APIRouter()

DRAIN_SECONDS: Final = 5
_FORM_BYTES: Final = 8192
_UNKEPT: Final = {"Cache-Control": "no-store, private"}

log = logger("uploads")


class File(BaseModel):
    """A file as it arrived."""

    part: Part
    name: str = Field(description="What it was called.")
    size: int = Field(description="Its bytes.")
    sha256: str = Field(description="Of its bytes, in hex: compare it with the file that was sent.")


class Accepted(BaseModel):
    """An upload that was taken in, and where it is answered."""

    schema_: str = Field("tfmatrix.accepted", alias="schema")
    schema_version: int = Field(1, description="Raised when a field changes its meaning or goes away.")
    id: str
    address: str = Field(description="Its page. Nobody guesses it: who knows it sees it.")
    json_address: str = Field(description="The same for programs: ask it every few seconds until `finished`.")
    events_address: str = Field(description="Server-sent events: `changed` whenever it pays to ask again.")
    deletion_token: str = Field(description="Deletes it: `DELETE` its address below /api. Told here alone.")
    expires_at: datetime = Field(description="When it is deleted by itself.")
    files: list[File]


_FILE: Final = {"type": "string", "format": "binary"}
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        **{part.value: _FILE for part in Part},
                        "environments": {
                            "type": "string",
                            "description": "Ids, ranges, globs; none means every TensorFlow.",
                        },
                        "overlays": {"type": "string", "enum": ["yes", "no"], "description": "Every Keras 3, too."},
                        "save_again": {
                            "type": "string",
                            "enum": ["yes", "no"],
                            "description": "Save it again everywhere.",
                        },
                    },
                }
            }
        },
    }
}
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    401: error("The site takes uploads of who knows its token."),
    403: error("Not here, not of this browser's form, or not from another site."),
    408: error("It did not come in time."),
    413: error("It is larger than the site takes."),
    415: error("It is no form with files."),
    429: error("Enough for now; Retry-After says when more is taken."),
    507: error("No room is left for it."),
}
_OF_DELETION: Final[dict[int | str, dict[str, Any]]] = {
    401: error("No token came."),
    403: error("It is not the upload's token."),
    410: error("It is removed already."),
}


@ROUTER.post(
    "/api/uploads",
    status_code=201,
    response_model=Accepted,
    summary="Hand in a model",
    tags=["uploads"],
    operation_id="upload",
    responses=_ERRORS,
    openapi_extra=_FORM,
)
async def upload(request: Request) -> Response:
    """Take a model in, with what belongs to it, and answer where its row fills in.

    Where the site has a token, send it as `Authorization: Bearer TOKEN`. Where it is open, nothing is needed; but what a
    browser sends has to come from this site itself, which `Origin` and `Sec-Fetch-Site` tell: programs send neither.
    """
    service = service_of(request)

    def admit(_fields: Mapping[str, str]) -> None:
        """All was asked before."""

    async def take() -> Response:
        access.refuse_strangers(request, service.policy)
        with service.limits.guessing(access.network_of(access.address_of(request, service.settings))):
            access.refuse_without_token(service.policy, service.settings, access.bearer_of(request))
        handed = await take_in(request, service, admit)
        address = _below(request) + addresses.upload(handed.id)
        found = _accepted(handed, address)
        return JSONResponse(found.model_dump(mode="json", by_alias=True), 201, {**_UNKEPT, "Location": address})

    return await _taken(request, take)


@ROUTER.post("/upload", include_in_schema=False)
async def upload_form(request: Request) -> Response:
    """Take in what our form sends, and lead to its page. The browser keeps the token that deletes it."""
    service = service_of(request)
    admit = partial(_admit_form, request, service)

    async def take() -> Response:
        access.refuse_strangers(request, service.policy)
        handed = await take_in(request, service, admit)
        address = _below(request) + addresses.upload(handed.id)
        response = RedirectResponse(address, 303, _UNKEPT)
        response.set_cookie(
            access.DELETION_COOKIE,
            handed.token,
            path=address,
            expires=handed.expires_at,
            secure=access.is_secure(request, service.settings),
            httponly=True,
            samesite="strict",
        )
        return response

    return await _taken(request, take)


@ROUTER.delete(
    "/api/uploads/{id}",
    status_code=202,
    response_class=Response,
    summary="Delete an upload",
    tags=["uploads"],
    operation_id="delete_upload",
    responses={202: {"description": "It is gone from here; a runner removes its files."}, **_OF_DELETION},
)
def delete(request: Request, upload_id: UploadId) -> Response:
    """Delete an upload and what was found of it. Send its deletion token as `Authorization: Bearer TOKEN`."""
    access.refuse_other_sites(request)
    _remove(service_of(request), upload_id, access.bearer_of(request))
    return Response(status_code=202, headers=_UNKEPT)


@ROUTER.post("/u/{id}/delete", include_in_schema=False)
async def delete_form(request: Request, upload_id: UploadId) -> Response:
    """Do the same for a person: the token is in the form, or in the browser that handed it in."""
    access.refuse_other_sites(request)
    fields = await _short_form(request)
    access.refuse_foreign_forms(request, fields)
    token = fields.get("token", "").strip() or request.cookies.get(access.DELETION_COOKIE, "")
    await run_in_threadpool(_remove, service_of(request), upload_id, token)
    address = _below(request) + addresses.upload(upload_id)
    response = RedirectResponse(address, 303, _UNKEPT)
    response.delete_cookie(access.DELETION_COOKIE, path=address, httponly=True, samesite="strict")
    return response


async def _taken(request: Request, take: Callable[[], Awaitable[Response]]) -> Response:
    """Answer; who went away in the middle gets none.

    What is refused is read to its end, if that comes soon: a connection that closes on what was sent takes the answer along.
    """
    try:
        return await take()
    except ClientDisconnect:
        log.info("upload broken off")
        return Response(status_code=400)
    except TfmatrixError:
        if not request.headers.get("expect"):  # who waits for our word has sent nothing
            with move_on_after(DRAIN_SECONDS), suppress(ClientDisconnect, RuntimeError):
                async for _ in request.stream():
                    pass
        raise


def _admit_form(request: Request, service: Service, fields: Mapping[str, str]) -> None:
    access.refuse_foreign_forms(request, fields)
    if service.policy is Policy.TOKEN:
        access.refuse_without_token(service.policy, service.settings, fields.get("token", ""))


def _accepted(handed: Handed, address: str) -> Accepted:
    return Accepted(
        schema="tfmatrix.accepted",
        schema_version=1,
        id=handed.id,
        address=address,
        json_address=addresses.twin(address),
        events_address=f"{address}/events",
        deletion_token=handed.token,
        expires_at=handed.expires_at,
        files=[_file(part, one) for part, one in handed.files.items()],
    )


def _file(part: Part, one: Taken) -> File:
    return File(part=part, name=one.name, size=one.size, sha256=one.sha256)


def _below(request: Request) -> str:
    """The path at which a proxy may have put the server."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def _remove(service: Service, upload_id: str, token: str) -> None:
    """Remove an upload that still lies at the door; of any other ask the runner to.

    Raises:
        TfmatrixError: There is none, it is gone, or this is not its token.
    """
    upload = known(service, upload_id, datetime.now(UTC))
    if not token:
        raise NoToken("An upload is deleted by who has its deletion token.", next_step=_WHO_KNOWS)
    if not secrets.compare_digest(hashed(token), upload.deletion):
        raise Forbidden("This is not the upload's deletion token.", next_step=_WHO_KNOWS)
    with in_our_words():
        service.door.ask_removal(upload_id, token)
    service.door.clear(upload_id)
    log.info("upload deleted")


_WHO_KNOWS: Final = "It was told when the file was handed in, and to nobody else. By itself it goes when it expires."


async def _short_form(request: Request) -> dict[str, str]:
    """Return a form of a few words."""
    body = b""
    async for data in request.stream():
        body += data
        if len(body) > _FORM_BYTES:
            raise TooLarge("This form is too long.", next_step="Load the page again and send its form.")
    try:
        found = dict(parse_qsl(body.decode(), max_num_fields=len(FIELDS)))
    except ValueError as wrong:
        raise BadUpload("This form cannot be read.", next_step="Load the page again and send its form.") from wrong
    return found
