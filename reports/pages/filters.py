"""The filters of the matrix: what may be chosen, and which rows a choice takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from matrix.model import Environment, Flavour, Format, Method
from reports.cube import METHODS, Mask, names
from reports.known import Known
from reports.pages.parts import Choices, choices

_FLAVOURS = {
    Flavour.KERAS2: "Keras 2 of its TensorFlow",
    Flavour.KERAS3: "every Keras 3",
    Flavour.TF_KERAS: "tf_keras",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What is chosen; ``None`` leaves a side open. ``flavour`` is the Keras that loads.

    Without a method each model and format counts by the one it calls for.
    """

    format: Format | None = None
    group: str | None = None
    model: str | None = None
    method: Method | None = None
    flavour: Flavour | None = None

    @property
    def words(self) -> dict[str, str]:
        """The choice as an address has it."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: str(value) for name, value in values if value is not None}

    def mask(self, known: Known) -> Mask:
        """The rows that count."""
        return known.cube.where(
            models=self.models(known) if self.model or self.group else None,
            formats=[self.format] if self.format else None,
            methods=[self.method] if self.method else None,
        )

    def models(self, known: Known) -> list[str]:
        """The models chosen, by id."""
        return [
            one.id
            for one in known.models
            if (self.model is None or one.id == self.model) and (self.group is None or one.group == self.group)
        ]

    def savers(self, known: Known) -> tuple[Environment, ...]:
        """The TensorFlows with the Keras of their time; what is chosen besides."""
        return tuple(one for one in known.environments if one.base is None or one.flavour is self.flavour)

    def loaders(self, known: Known) -> tuple[Environment, ...]:
        """The environments of the chosen flavour; by itself the TensorFlows with the Keras of their time."""
        if self.flavour is None:
            return tuple(one for one in known.environments if one.base is None)
        return tuple(one for one in known.environments if one.flavour is self.flavour)

    def shown(self, known: Known) -> tuple[Choices, ...]:
        """The form."""
        return tuple(self._choices(known))

    def _choices(self, known: Known) -> Iterator[Choices]:
        cube = known.cube
        formats = [(str(one), "") for one in Format]
        yield choices("format", "Format", formats, self.words.get("format", ""), everything="all", as_pills=True)
        groups = [(one, "") for one in dict.fromkeys(model.group for model in known.models) if one]
        yield choices("group", "Group", groups, self.group or "", everything="all groups")
        models = [(one.id, one.title) for one in known.models]
        yield choices("model", "Model", models, self.model or "", everything=f"all {len(models)} models")
        methods = [(str(one), "") for one in names(METHODS, cube.method)]
        yield choices(
            "method", "Loaded by", methods, self.words.get("method", ""), everything="what the format calls for"
        )
        there = {one.flavour for one in known.environments}
        flavours = [(str(one), text) for one, text in _FLAVOURS.items() if one in there]
        yield choices("flavour", "Keras", flavours, self.words.get("flavour", ""), everything="each TensorFlow's own")
