"""What a request can end in other than a page: each kind of error with its status, in words for a person or a program."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from matrix.errors import BusyError, DiskFullError, IncompleteError, StoreError, TfmatrixError
from service.problems import (
    BadFilter,
    BadUpload,
    Forbidden,
    Gone,
    NotFound,
    NoToken,
    TooLarge,
    TooMany,
    TooSlow,
    WrongType,
)

RETRY_SECONDS: Final = 5
"""After how long a client may ask again for what cannot be answered now."""

STATUSES: Final[tuple[tuple[type[TfmatrixError], HTTPStatus], ...]] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (BadFilter, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NoToken, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (TooSlow, HTTPStatus.REQUEST_TIMEOUT),
    (Gone, HTTPStatus.GONE),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (WrongType, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (BadUpload, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TooMany, HTTPStatus.TOO_MANY_REQUESTS),
    (IncompleteError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DiskFullError, HTTPStatus.INSUFFICIENT_STORAGE),
)
"""The one table of statuses; what is not in it is a fault of ours."""

OUR_FAULT: Final = "This page could not be made: a fault in tfmatrix."


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What an error page and its JSON say."""

    status: int
    message: str
    next_step: str = ""
    nearest: tuple[str, ...] = ()
    request_id: str = ""
    retry_after: int | None = None

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def document(self) -> dict[str, Any]:
        """It for programs."""
        return {
            "error": {
                "status": self.status,
                "message": self.message,
                "next_step": self.next_step,
                "nearest": list(self.nearest),
                "request_id": self.request_id,
            }
        }


def status_of(error: Exception) -> HTTPStatus:
    """Return the status for an error, by the table."""
    found = (status for kind, status in STATUSES if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of(error: Exception, request_id: str) -> Problem:
    """Return what is said about an error. Of a fault of ours nothing but its number in the log."""
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, TfmatrixError):
        step = f"Please report it with the lines of the log that have request id {request_id}."
        return Problem(
            status=HTTPStatus.INTERNAL_SERVER_ERROR, message=OUR_FAULT, next_step=step, request_id=request_id
        )
    return Problem(
        status=status,
        message=error.message,
        next_step=error.next_step,
        nearest=error.nearest if isinstance(error, NotFound) else (),
        request_id=request_id,
        retry_after=_retry_after(error, status),
    )


def _retry_after(error: TfmatrixError, status: HTTPStatus) -> int | None:
    """Return after how many seconds the same request may be answered, if ever."""
    if isinstance(error, TooMany):
        return error.seconds
    return RETRY_SECONDS if status is HTTPStatus.SERVICE_UNAVAILABLE else None
