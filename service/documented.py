"""Errors as the OpenAPI document has them: the same for every address, and what some answer beside."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field


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


def error(description: str) -> dict[str, Any]:
    """Return an error as the document has it: a page, or for who asks for it JSON."""
    page = {"text/html": {"schema": {"type": "string"}}}
    return {"model": Error, "description": description, "content": page}


UNUSABLE: Final = error(
    "The database is absent, locked, damaged or of another version; Retry-After says when to ask again."
)
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What the client has is still right."},
    404: error("There is no such thing; `nearest` has what may have been meant."),
    414: error("The address is too long."),
    422: error("A parameter or a combination of them makes no sense."),
    500: error("A fault in tfmatrix."),
    503: UNUSABLE,
}
"""What every page may answer beside itself."""
