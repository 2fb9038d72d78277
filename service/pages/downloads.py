"""``/matrix.csv`` and ``/matrix.json``: the rows behind a page, sent part by part as they are made."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from reports.cube import Mask
from reports.downloads import csv_parts, json_parts
from reports.pages.home import rows_between, shown_rows
from service.pages.catalogue import environment_chosen
from service.pages.home import Chosen
from service.pages.routes import From, router, takes_gzip
from service.pages.words import EnvironmentsFilter, LoaderFilter, SaverFilter

ROUTER: Final[APIRouter] = router()

_LEVEL: Final = 4
_GZIP: Final = 31  # what zlib calls a gzip header around its largest window


def rows_of(
    source: From,
    filters: Chosen,
    saver: SaverFilter = None,
    loader: LoaderFilter = None,
    environments: EnvironmentsFilter = None,
) -> Mask:
    """Return the rows that an address asks for: those behind the matrix, or between the versions that it names."""
    saved, loads = environment_chosen(source, "saver", saver), environment_chosen(source, "loader", loader)
    if saved is None and loads is None and environments is None:
        return shown_rows(source.known, filters)
    return rows_between(source.known, filters, [saved.id] if saved else (), [loads.id] if loads else ())


Rows = Annotated[Mask, Depends(rows_of)]


def matrix_csv(request: Request, source: From, rows: Rows) -> Response:
    """Send the rows as lines."""
    known, places = source.known, np.flatnonzero(rows)
    return _send(request, source, "text/csv; charset=utf-8", lambda: csv_parts(known.cube, known.kinds, places))


def matrix_json(request: Request, source: From, rows: Rows) -> Response:
    """Send the rows as one document."""
    known, places = source.known, np.flatnonzero(rows)
    about = {
        "generated_at": known.header.generated_at.isoformat(timespec="seconds"),
        "run": known.header.run,
        "filters": dict(request.query_params),
    }
    return _send(request, source, "application/json", lambda: json_parts(known.cube, known.kinds, places, about))


def _send(request: Request, source: From, media_type: str, parts: Callable[[], Iterator[str]]) -> Response:
    """Send parts, packed where the other side takes that. The same moment and address make the same bytes."""
    moment = f"{source.known.generation} {source.known.header.generated_at.isoformat()} {request.url.path}?{request.url.query}"
    etag = f'W/"{hashlib.sha256(moment.encode()).hexdigest()[:24]}"'
    name = request.url.path.rpartition("/")[2]
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Disposition": f'attachment; filename="tfmatrix-{name}"',
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = (part.encode() for part in parts())
    if takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        return StreamingResponse(_packed(body), media_type=media_type, headers=headers)
    return StreamingResponse(body, media_type=media_type, headers=headers)


def _packed(parts: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


for _path, _send_rows, _type in (
    ("/matrix.csv", matrix_csv, "text/csv"),
    ("/matrix.json", matrix_json, "application/json"),
):
    ROUTER.add_api_route(
        _path,
        _send_rows,
        methods=["GET"],
        summary=f"The rows of the matrix, as {_type.partition('/')[2].upper()}",
        description="Columns and schema are told in docs/data.md. Filters are those of the matrix; `saver` and `loader` "
        "choose versions, `environments=all` takes overlays in.",
        tags=["downloads"],
        operation_id=_send_rows.__name__,
        response_class=Response,
        responses={200: {"content": {_type: {}}, "description": "One row for each save in each loader."}},
    )
