"""How an upload is loaded: which format its bytes are, which ways there are, and what the probe is told of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from matrix.messages import Brought, LoadCell, Packing
from matrix.methods import further_methods, may_help, primary_method
from matrix.model import Environment, Format, Method, Model
from matrix.results import CellResult
from matrix.uploads.model import Part, Parts

BUILDER: Final = "builder"
"""The kind of an upload that is a script alone: it is built in each environment, not loaded."""

OWN_PYTHON: Final = "brought.Unusable"
"""The exception with which a child says that the Python that was handed in failed: images/probe/brought.py."""

WHOLE: Final = (Format.H5, Format.SAVEDMODEL, Format.KERAS, Format.EXPORT, Format.JSON_WEIGHTS)
"""The formats in which an upload is saved again: whole models, which need no script to be rebuilt from."""

_KERAS_MODELS: Final = frozenset(
    {Method.DEFAULT, Method.CUSTOM_OBJECTS, Method.COMPILE_FALSE, Method.SAFE_MODE_FALSE, Method.WEIGHTS}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """What is known of how to load one upload. ``format`` is ``None`` where there is only a script to build."""

    parts: Parts
    format: Format | None
    packing: Packing
    root: str
    unpacked: int

    @property
    def artifact(self) -> str:
        """The sha256 of the file that the verdicts are about."""
        return self.parts[Part.BUILDER if self.format is None else Part.MODEL].sha256

    @property
    def first(self) -> Method:
        """The way that the file and what lies beside it call for."""
        return Method.DEFAULT if self.format is None else primary_method(self._model, self.format)

    def further(self, loader: Environment, failed: CellResult) -> tuple[Method, ...]:
        """Return the other ways that may help where the first did not: past Python that fails those that ask nothing of it."""
        if self.format is None:
            return ()
        message = failed.failure.message if failed.failure else ""
        ways = further_methods(self._model, self.format, loader)
        if failed.failure and failed.failure.exception == OWN_PYTHON:
            ways = tuple(way for way in ways if not is_keras_model(way))
        return tuple(way for way in ways if may_help(way, message) and (way is not Method.WEIGHTS or self._rebuilds))

    def cell(self, method: Method, inputs: str) -> LoadCell:
        """Return what the probe is asked for; without ``inputs`` (a digest) it makes some."""
        if self.format is None:
            raise ValueError("a script is built, not loaded")
        return LoadCell(
            model="",
            format=self.format.value,
            method=method,
            artifact=self.artifact,
            is_tar=False,
            inputs=inputs,
            brought=self.brought,
        )

    @property
    def brought(self) -> Brought:
        """What the probe is told of what lies beside the model."""
        beside = {part: file.sha256 for part, file in self.parts.items()}
        return Brought(
            packing=self.packing,
            root=self.root,
            architecture=beside.get(Part.ARCHITECTURE),
            custom_objects=beside.get(Part.CUSTOM_OBJECTS),
            builder=beside.get(Part.BUILDER),
        )

    @property
    def files(self) -> tuple[str, ...]:
        """The digests of all that a container has to see, but for inputs."""
        return tuple(file.sha256 for part, file in self.parts.items() if part is not Part.INPUTS)

    @property
    def _rebuilds(self) -> bool:
        return Part.BUILDER in self.parts

    @property
    def _model(self) -> Model:
        """A stand-in for the recipe that there is none of."""
        own = Part.CUSTOM_OBJECTS in self.parts or (self._rebuilds and self.format in WHOLE)
        return Model(id="", title="", shows="", needs_custom_objects=own)


def ways_of(parts: Parts, inspection: dict[str, Any]) -> Ways:
    """Return how to load what was inspected."""
    kind = inspection["kind"]
    return Ways(
        parts=parts,
        format=None if kind == BUILDER else Format(kind),
        packing=Packing(inspection["packing"]) if kind != BUILDER else Packing.FILE,
        root=inspection["root"] or "",
        unpacked=int(inspection["unpacked"] or 0),
    )


def is_keras_model(method: Method) -> bool:
    """Whether what a way gives is a Keras model, which every format can be asked of."""
    return method in _KERAS_MODELS
