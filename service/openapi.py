"""The OpenAPI document: what every address takes and answers, errors included, as client generators read it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from reports import rendering
from reports.pages.page import SCHEMA_VERSION
from service.answers import Answer
from service.pages.routes import respond
from service.upload_schema import UploadDocument

ADDRESS: Final = "/openapi.json"

ROWS: Final = "/matrix.json"
MOMENT: Final = "2026-11-26T11:00:00+00:00"
_ROW: Final[dict[str, Any]] = {
    "saver": "tf2.9",
    "model": "dense",
    "format": "h5",
    "loader": "tf2.15",
    "method": "default",
    "outcome": "pass",
    "verdict": "pass",
    "rung": "outputs equal",
    "fingerprint": None,
    "measured_at": MOMENT,
}

_SHOWN_AS: Final = {"newest_changes": "run_changes", "upload_report": "upload"}
"""Pages that show another one, whose kind is that one's."""

router = APIRouter()


class Twin(BaseModel):
    """A page for programs: these fields, `schema` with the kind of page, and the page's own beside them."""

    model_config = ConfigDict(extra="allow")

    schema_version: int = Field(description="Raised when a field changes its meaning or goes away.", examples=[1])
    address: str = Field(description="Of the page.", examples=["/"])
    title: str = Field(description="Of the page.", examples=["The matrix"])
    generated_at: str = Field(description="When it was made, in UTC.", examples=[MOMENT])


class Row(BaseModel):
    """One save in one loader, by one method: docs/data.md tells what each field means."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_ROW]})

    saver: str
    model: str
    format: str
    loader: str
    method: str
    outcome: str
    verdict: str | None
    rung: str | None
    fingerprint: str | None
    measured_at: str | None


class Rows(BaseModel):
    """The rows behind the matrix."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    schema_: Literal["tfmatrix.matrix"] = Field(alias="schema")
    schema_version: int = Field(description="Raised when a field changes its meaning or goes away.", examples=[1])
    generated_at: str = Field(description="When it was made, in UTC.", examples=[MOMENT])
    filters: dict[str, Any] = Field(description="As they were asked.", examples=[{"model": "dense"}])
    counts: dict[str, int] = Field(description="Rows by outcome.", examples=[{"pass": 883, "drift": 72}])
    rows: list[Row]


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
    """Say of what programs read which fields it has, and show a short one."""
    schemas = document["components"]["schemas"]
    for model in (Twin, Row, Rows, UploadDocument):
        found = model.model_json_schema(
            by_alias=True, mode="serialization", ref_template="#/components/schemas/{model}"
        )
        schemas |= found.pop("$defs", {}) | {model.__name__: found}
    for path, operations in document["paths"].items():
        if not path.endswith(".json"):
            continue
        for operation in operations.values():
            content = operation["responses"]["200"]["content"]["application/json"]
            if path == ROWS:
                content["schema"] = {"$ref": "#/components/schemas/Rows"}
            elif content.get("schema") == {}:
                content.update(_twin(path, operation))
    return document


def _twin(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """What is special in one page's twin: its kind. The example shows the frame, since pages are large."""
    name = operation["operationId"].removesuffix("_json")
    kind = f"tfmatrix.{_SHOWN_AS.get(name, name)}"
    parts = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "path"}
    given = {name: schema.get("examples", [f"{{{name}}}"])[0] for name, schema in parts.items()}
    address = "/" if path == "/index.json" else path.removesuffix(".json").format_map(given)
    example = {
        "schema": kind,
        "schema_version": SCHEMA_VERSION,
        "address": address,
        "title": operation["summary"],
        "generated_at": MOMENT,
    }
    of_its_own = [{"$ref": "#/components/schemas/UploadDocument"}] if kind == "tfmatrix.upload" else []
    only = {"type": "object", "properties": {"schema": {"const": kind}}, "required": ["schema"]}
    return {"schema": {"allOf": [{"$ref": "#/components/schemas/Twin"}, only, *of_its_own]}, "example": example}
