"""What machines ask: whether the process lives, whether it can answer, and its figures."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from service.documented import UNUSABLE
from service.state import service_of

UNKEPT: Final = {"Cache-Control": "no-store"}

router = APIRouter(tags=["machines"])


class Health(BaseModel):
    """A process that answers this, lives."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Whether the process lives", operation_id="healthz")
async def healthz(response: Response) -> Health:
    """Say that the process lives; nothing else is looked at."""
    response.headers.update(UNKEPT)
    return Health()


@router.get(
    "/readyz",
    summary="Whether pages can be answered",
    operation_id="readyz",
    responses={503: UNUSABLE},
)
def readyz(request: Request, response: Response) -> Health:
    """Say whether the database answers and its schema is this code's."""
    response.headers.update(UNKEPT)
    service_of(request).database.check()
    return Health()


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Figures."}},
)
def metrics(request: Request) -> Response:
    """Give the figures that docs/serving.md lists."""
    return Response(service_of(request).metrics.text(), headers=UNKEPT, media_type=CONTENT_TYPE_LATEST)
