"""An upload's JSON as programs read it: what stands beside the fields that every page's twin has."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from matrix.model import Method
from matrix.uploads.model import Part, UploadState
from reports.grid import Outcome

Largest = float | Literal["inf"] | None
"""A difference, as JSON has words for it."""


class Open(BaseModel):
    """Fields may be added without notice; what is here stays as long as `schema_version`."""

    model_config = ConfigDict(extra="allow")


class UploadWay(Open):
    """Another method that was tried in one environment."""

    method: Method
    words: str
    outcome: Outcome


class UploadPlace(Open):
    """What one environment made of the file."""

    environment: str = Field(examples=["tf2.15"])
    outcome: Outcome = Field(description="By the method that the file calls for; `not-measured` until it was tried.")
    method: Method | None
    is_reference: bool = Field(description="Whether all others are compared with this one.")
    group: int | None = Field(description="The same number gives the same answers; 0 is the reference's.")
    max_absolute: Largest = Field(
        description="Largest difference from the reference's answers; `inf` where a number stands against none."
    )
    max_relative: Largest
    seconds: float | None
    cause: str = Field(description="Why it fails, in few words.")
    ways: list[UploadWay]


class UploadReason(Open):
    """One cause of failures, with what was run and works there."""

    cause: str
    where: str = Field(description="Environments, as ranges.", examples=["2.16-2.21"])
    count: int
    exception: str
    message: str
    traceback: str
    remedies: list[str]
    step: str = Field(description="What to do where the Python that was handed in failed; empty where a framework did.")


class UploadRemark(Open):
    """Why answers cannot be compared where it loads: it was not called, or they are too large."""

    where: str = Field(description="Environments, as ranges.", examples=["2.16-2.21"])
    text: str


class UploadRow(Open):
    """All environments of the row, oldest first."""

    places: list[UploadPlace]
    groups: list[dict[str, Any]] = Field(description="Environments that give the same answers.")
    reasons: list[UploadReason]
    remarks: list[UploadRemark]
    words: str = Field(description="The row in a sentence.")


class UploadIdentity(Open):
    """What the file says of itself, before anything loaded it."""

    kind: str = Field(examples=["h5"])
    saved_with: str = Field(description="Which version saved it, in a sentence.")
    tensorflow: str | None
    keras: str | None
    oldest: str | None = Field(description="The oldest TensorFlow that it can have come from.")
    newest: str | None
    evidence: list[str]
    parameters: int | None
    custom: list[str] = Field(description="Classes that Keras does not have.")
    reaches: list[str] = Field(description="What in it reaches outside of it.")
    inputs_from: str = Field(
        description="What it is called with: `given`; made of the file's `signature`, or of what the loaded `model` states; "
        "`sample_inputs` of the builder script; `none`."
    )
    inputs_note: str = Field(description="What was assumed in making inputs.")


class UploadFile(Open):
    """One file as it was handed in."""

    part: Part
    name: str
    size: int
    sha256: str


class UploadDocument(Open):
    """One upload. Ask again while `finished` is false: then the row is whole. `over`: nothing more comes."""

    id: str
    name: str = Field(description="What the file was called.")
    state: UploadState
    words: str = Field(description="Where it stands, in a sentence.")
    outcome: Outcome | None = Field(description="The worst that was found so far.")
    finished: bool
    over: bool
    runner_alive: bool
    ahead: int = Field(
        description="How many rows are before its own, as senders' turns come; at the door, how many came before it."
    )
    seconds_left: float | None = Field(
        description="In about how many seconds its row is complete, at the pace of late; nothing where that is not known."
    )
    done: int
    planned: int
    message: str
    next_step: str
    files: list[UploadFile]
    handed_in_at: datetime
    expires_at: datetime
    identity: UploadIdentity | None
    reference: str | None
    row: UploadRow
    again: dict[str, Any] | None = Field(description="What it becomes saved again: savers down, loaders across.")
