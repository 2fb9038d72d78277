"""What pages are made from: the matrix as of one moment, held in memory. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matrix.model import Environment, Model
from reports.assembly import Kind
from reports.cost import Cost
from reports.cube import Codes, Cube
from reports.findings import Finding, find
from reports.grid import Header
from reports.history import NO_HISTORY, History
from reports.lines import Line, line_of


class Told:
    """What follows from a cube and its failures: worked out when first asked for, and kept as long as these are the same."""

    def __init__(self, cube: Cube, kinds: Mapping[str, Kind]) -> None:
        self.cube = cube
        self.kinds = kinds

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader should know, the most important first."""
        return find(self.cube, self.kinds)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """Those to show: each TensorFlow with the Keras of its time, and the overlays of which something is known."""
        shown = zip(self.cube.environments, self.cube.known, strict=True)
        return tuple(one for one, known in shown if known or line_of(one.id) is Line.TENSORFLOW)

    @cached_property
    def causes(self) -> tuple[str, ...]:
        """What kinds of failure come down to, in few words, in alphabetical order."""
        return tuple(sorted({self._cause(one) for one in self.cube.fingerprints}))

    @cached_property
    def cause_of_error(self) -> Codes:
        """For each of the cube's errors the place of its cause."""
        at = {cause: place for place, cause in enumerate(self.causes)}
        return np.array([at[self._cause(one)] for one in self.cube.fingerprints], dtype=np.int32)

    def _cause(self, fingerprint: str) -> str:
        return self.kinds[fingerprint].cause if fingerprint in self.kinds else "an error that is not recorded"


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """The matrix of one ``generation``, with what is ``told`` by it.

    ``cost`` is that of all runs, ``history`` has what was known as of each.
    """

    generation: int
    told: Told
    header: Header
    cost: Cost
    history: History = NO_HISTORY

    @property
    def cube(self) -> Cube:
        """The matrix as arrays."""
        return self.told.cube

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The failures by fingerprint."""
        return self.told.kinds

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader should know, the most important first."""
        return self.told.findings

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those to show: each TensorFlow with the Keras of its time, and the overlays of which something is known."""
        return self.told.environments

    @property
    def causes(self) -> tuple[str, ...]:
        """What kinds of failure come down to, in few words, in alphabetical order."""
        return self.told.causes

    @property
    def cause_of_error(self) -> Codes:
        """For each of the cube's errors the place of its cause."""
        return self.told.cause_of_error

    @property
    def models(self) -> tuple[Model, ...]:
        """All models of the catalogue."""
        return self.cube.models

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured yet."""
        return not self.cube.measured.any()

    def environment(self, environment_id: str) -> Environment | None:
        """An environment by its id, shown or not."""
        place = self.cube.environment_at.get(environment_id)
        return None if place is None else self.cube.environments[place]

    def model(self, model_id: str) -> Model | None:
        """A model by its id."""
        place = self.cube.model_at.get(model_id)
        return None if place is None else self.cube.models[place]
