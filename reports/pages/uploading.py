"""The form that takes a model, and what becomes of what is handed in. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from matrix.config import UPLOAD_KINDS
from reports import addresses
from reports.pages.page import Page

Who = Literal["local", "token", "open", "off"]

KINDS: Final = {
    "keras": ".keras, from any version",
    "h5": ".h5 or .hdf5, a whole model",
    "weights-h5": ".h5 with weights alone, beside a script that builds the model",
    "savedmodel": "a SavedModel of Keras, its folder packed as .zip, .tar or .tar.gz",
    "export": "a SavedModel for inference, packed alike",
    "json+weights": "weights with the architecture as JSON",
    "checkpoint": "a checkpoint, packed alike",
    "builder": "a script with build_model(), and sample_inputs() if it has any",
    "custom_objects": "a custom_objects.py beside any of them",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploading:
    """The page's content: who may upload, and what is taken; times in days, sizes in bytes. 0 an hour is any number."""

    who: Who
    kinds: tuple[str, ...]
    most_bytes: int
    days: float
    an_hour: int
    bytes_an_hour: int

    @property
    def taken(self) -> tuple[str, ...]:
        """What is taken, in words."""
        return tuple(KINDS[one] for one in UPLOAD_KINDS if one in self.kinds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What the form carries for one browser; in no document for programs."""

    csrf: str


def uploading(content: Uploading) -> Page:
    """Return the page."""
    return Page(
        template="uploading",
        title="Which versions load your model?",
        address=addresses.uploading(),
        nav=addresses.uploading(),
        content=content,
    )
