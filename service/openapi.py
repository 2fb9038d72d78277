"""The OpenAPI document: what every address takes and answers, errors included, as client generators read it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from reports import rendering
from service.answers import Answer
from service.pages.routes import respond

ADDRESS: Final = "/openapi.json"

router = APIRouter()


class Fault(BaseModel):
    """What is wrong, and what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": 404,
                    "message": "There is no model 'dnse'. Did you mean 'dense'?",
                    "next_step": "",
                    "nearest": ["dense"],
                    "request_id": "4f1c7e62b0d94f0c8f5a3f0f6f1f7a11",
                }
            ]
        }
    )

    status: int = Field(description="The status of the answer.")
    message: str = Field(description="What happened.")
    next_step: str = Field(description="What to do about it; may be empty.")
    nearest: list[str] = Field(description="Names that may have been meant.")
    request_id: str = Field(description="By which the log of the server knows this request.")


class Error(BaseModel):
    """What is answered in place of what was asked for."""

    error: Fault


class Twin(BaseModel):
    """A page for programs: these fields, and the page's own beside them."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    schema_: str = Field(alias="schema", description="The kind of page.", examples=["tfmatrix.home"])
    schema_version: int = Field(description="Raised when a field changes its meaning or goes away.", examples=[1])
    address: str = Field(description="Of the page.", examples=["/"])
    title: str = Field(description="Of the page.", examples=["The matrix"])
    generated_at: str = Field(description="When it was made, in UTC.", examples=["2026-11-26T11:00:00+00:00"])


def _error(description: str) -> dict[str, Any]:
    page = {"text/html": {"schema": {"type": "string"}}}
    return {"model": Error, "description": description, "content": page}


UNUSABLE: Final = _error(
    "The database is absent, locked, damaged or of another version; Retry-After says when to ask again."
)
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What the client has is still right."},
    404: _error("There is no such thing; `nearest` has what may have been meant."),
    414: _error("The address is too long."),
    422: _error("A parameter or a combination of them makes no sense."),
    500: _error("A fault in tfmatrix."),
    503: UNUSABLE,
}
"""What every page may answer beside itself."""


def install(app: FastAPI) -> None:
    """Let an app give its document, made once."""
    made = app.openapi

    @lru_cache(maxsize=1)
    def document() -> dict[str, Any]:
        return _completed(made())

    vars(app)["openapi"] = document
    app.include_router(router)


@router.get(ADDRESS, include_in_schema=False)
def openapi(request: Request) -> Response:
    """Give the document."""
    make: Callable[[], dict[str, Any]] = request.app.openapi
    body = rendering.dumps(make()).encode()
    return respond(request, Answer(body=body, media_type="application/json"))


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """Say of the pages for programs what all of them have."""
    schemas = document["components"]["schemas"]
    schemas["Twin"] = Twin.model_json_schema(by_alias=True)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            content = operation["responses"].get("200", {}).get("content", {})
            if path.endswith(".json") and content.get("application/json", {}).get("schema") == {}:
                content["application/json"]["schema"] = {"$ref": "#/components/schemas/Twin"}
    return document
