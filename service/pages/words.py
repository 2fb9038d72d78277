"""Parameters of addresses, as FastAPI reads and documents them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BeforeValidator

from matrix.model import Flavour, Format, Method


def none_if_empty(value: object) -> object:
    """A form sends every field, also the empty ones."""
    return None if value == "" else value


_Optional = BeforeValidator(none_if_empty)


def optional(default: object) -> BeforeValidator:
    """Return what makes an empty field of a form stand for a default."""
    return BeforeValidator(lambda value: default if value == "" else value)


FormatFilter = Annotated[Format | None, _Optional, Query(alias="format", description="Only this format.")]
GroupFilter = Annotated[str | None, _Optional, Query(description="Only models of this group.", examples=["core"])]
ModelFilter = Annotated[str | None, _Optional, Query(description="Only this model.", examples=["dense"])]
MethodFilter = Annotated[
    Method | None, _Optional, Query(description="Loaded by this method; else by the one that the format calls for.")
]
FlavourFilter = Annotated[Flavour | None, _Optional, Query(description="Loaded in environments with this Keras.")]
SaverFilter = Annotated[
    str | None, _Optional, Query(description="The environment that saved, with or without tf.", examples=["tf2.9"])
]
LoaderFilter = Annotated[
    str | None, _Optional, Query(description="The environment that loads, with or without tf.", examples=["tf2.15"])
]
EnvironmentsFilter = Annotated[
    Literal["all"] | None, _Optional, Query(description="`all`: also overlays, which the matrix leaves out by itself.")
]
