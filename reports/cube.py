"""The matrix as arrays: one entry for each save in each loader by each method, counted in milliseconds. Pure.

The same rows as ``matrix.results.MatrixRow``, by column. Names are numbers: a place in the axis that has the name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matrix.model import Environment, Format, Method, Model, Rung, SaveOutcome, Verdict
from matrix.results import MatrixRow
from reports.grid import FAILING, MEASURED, Outcome, Results, Tally, outcome_of
from reports.lines import in_order

FORMATS: Final = tuple(Format)
METHODS: Final = tuple(Method)
OUTCOMES: Final = tuple(Outcome)
VERDICTS: Final = tuple(Verdict)

PASS: Final = OUTCOMES.index(Outcome.PASS)
DRIFT: Final = OUTCOMES.index(Outcome.DRIFT)
NOT_MEASURED: Final = OUTCOMES.index(Outcome.NOT_MEASURED)
NOTHING: Final = -1
"""Stands where a row has no such thing: no error, no rung, no repeat."""

Mask = NDArray[np.bool_]
Codes = NDArray[Any]

IS_FAILING: Final = np.array([outcome in FAILING for outcome in OUTCOMES])
IS_MEASURED: Final = np.array([outcome in MEASURED for outcome in OUTCOMES])


@dataclass(frozen=True, kw_only=True, eq=False)
class Cube:
    """Axes, and one array for each column, all of one length.

    ``error`` is a place in ``fingerprints``; ``at`` is in seconds since 1970, 0 where nothing was measured; ``absolute`` and
    ``relative`` are the largest differences where the answer drifts, NaN elsewhere. Rows are ordered by saver, model, format,
    loader and method.
    """

    environments: tuple[Environment, ...]
    models: tuple[Model, ...]
    fingerprints: tuple[str, ...]
    saver: Codes
    model: Codes
    format: Codes
    loader: Codes
    method: Codes
    primary: Mask
    outcome: Codes
    rung: Codes
    error: Codes
    absolute: Codes
    relative: Codes
    seconds: Codes
    at: Codes
    repeated: Codes
    shared: Mask

    def __len__(self) -> int:
        return len(self.saver)

    @cached_property
    def environment_at(self) -> dict[str, int]:
        """The place of each environment, by id."""
        return {one.id: place for place, one in enumerate(self.environments)}

    @cached_property
    def model_at(self) -> dict[str, int]:
        """The place of each model, by id."""
        return {one.id: place for place, one in enumerate(self.models)}

    @cached_property
    def error_at(self) -> dict[str, int]:
        """The place of each error, by fingerprint."""
        return {one: place for place, one in enumerate(self.fingerprints)}

    @cached_property
    def failing(self) -> Mask:
        """The rows that fail in any way."""
        return IS_FAILING[self.outcome]

    @cached_property
    def measured(self) -> Mask:
        """The loads that really happened."""
        return IS_MEASURED[self.outcome]

    @cached_property
    def own(self) -> Mask:
        """The loads that really happened, each once, also where several savers wrote the same bytes."""
        return self.measured & ~self.shared

    @cached_property
    def known(self) -> tuple[bool, ...]:
        """For each environment, whether anything was saved or loaded in it."""
        found = np.zeros(len(self.environments), dtype=bool)
        found[self.loader[self.measured]] = True
        found[self.saver] = True
        return tuple(map(bool, found))

    def where(  # noqa: PLR0913  one parameter for each axis
        self,
        *,
        savers: Iterable[str] | None = None,
        loaders: Iterable[str] | None = None,
        models: Iterable[str] | None = None,
        formats: Iterable[Format] | None = None,
        methods: Iterable[Method] | None = None,
        every_method: bool = False,
    ) -> Mask:
        """The rows of these; ``None`` leaves an axis open. Without methods, only the primary one counts."""
        mask = np.ones(len(self), dtype=bool) if methods is not None or every_method else self.primary.copy()
        for column, axis, wanted in (
            (self.saver, self.environment_at, savers),
            (self.loader, self.environment_at, loaders),
            (self.model, self.model_at, models),
            (self.format, _FORMAT_AT, formats),
            (self.method, _METHOD_AT, methods),
        ):
            if wanted is not None:
                mask &= _among(column, axis, wanted)
        return mask

    def counts(self, mask: Mask, *axes: str) -> Codes:
        """Count the rows of a mask by outcome: an array of the axes' lengths, and the outcomes last."""
        sizes = [self._size(axis) for axis in axes] + [len(OUTCOMES)]
        columns = [getattr(self, axis)[mask].astype(np.intp) for axis in (*axes, "outcome")]
        flat = np.ravel_multi_index(columns, sizes)
        return np.bincount(flat, minlength=int(np.prod(sizes))).reshape(sizes)

    def rows(self, mask: Mask) -> Iterator[MatrixRow]:
        """The rows of a mask, as the rest of the house reads them; marks are left out."""
        for place in np.flatnonzero(mask):
            yield self.row(int(place))

    def row(self, place: int) -> MatrixRow:
        """One row; marks are left out."""
        outcome = OUTCOMES[self.outcome[place]]
        verdict = _verdict(outcome)
        at, error, repeated = int(self.at[place]), int(self.error[place]), int(self.repeated[place])
        return MatrixRow(
            saver=self.environments[self.saver[place]].id,
            model=self.models[self.model[place]].id,
            format=FORMATS[self.format[place]],
            loader=self.environments[self.loader[place]].id,
            method=METHODS[self.method[place]],
            primary=bool(self.primary[place]),
            save_outcome=_save_outcome(outcome),
            verdict=verdict,
            rung=None if verdict is None else Rung(int(self.rung[place])),
            fingerprint=None if error == NOTHING else self.fingerprints[error],
            max_absolute=_number(self.absolute[place]),
            max_relative=_number(self.relative[place]),
            wall_seconds=None if verdict is None else float(self.seconds[place]),
            measured_at=datetime.fromtimestamp(at, UTC) if at else None,
            repeated=None if repeated == NOTHING else VERDICTS[repeated],
            shared=bool(self.shared[place]),
        )

    def find(self, saver: str, model: str, format_: Format, loader: str, method: Method | None = None) -> int | None:
        """The place of one row, by its primary method unless another is named."""
        methods = None if method is None else [method]
        mask = self.where(savers=[saver], loaders=[loader], models=[model], formats=[format_], methods=methods)
        found = np.flatnonzero(mask)
        return int(found[0]) if len(found) else None

    def _size(self, axis: str) -> int:
        match axis:
            case "saver" | "loader":
                return len(self.environments)
            case "model":
                return len(self.models)
            case "format":
                return len(FORMATS)
            case "method":
                return len(METHODS)
            case _:
                raise ValueError(axis)


COLUMNS: Final = tuple(one.name for one in fields(Cube))[3:]
TYPES: Final = {
    "saver": np.int16,
    "model": np.int16,
    "format": np.int8,
    "loader": np.int16,
    "method": np.int8,
    "primary": np.bool_,
    "outcome": np.int8,
    "rung": np.int8,
    "error": np.int32,
    "absolute": np.float32,
    "relative": np.float32,
    "seconds": np.float32,
    "at": np.int64,
    "repeated": np.int8,
    "shared": np.bool_,
}

_BITS: Final = 12
"""Enough for the longest axis; five of them fit into 64."""

_FORMAT_AT: Final = {one: place for place, one in enumerate(FORMATS)}
_VERDICT_OF: Final = {Outcome(one.value): one for one in Verdict}
_METHOD_AT: Final = {one: place for place, one in enumerate(METHODS)}


def tally_of(counted: Codes) -> Tally:
    """A tally from one vector of ``Cube.counts``."""
    return Tally(counts={outcome: many for outcome, many in zip(OUTCOMES, counted.tolist(), strict=True) if many})


def cube_of(results: Results) -> Cube:
    """The same matrix from rows. What no environment or model of theirs names is left out."""
    environments = in_order(results.environments)
    known = {model.id for model in results.models}
    strangers = sorted({row.model for row in results.rows} - known)
    models = (*results.models, *(Model(id=name, title=name, shows="") for name in strangers))
    ids = {one.id: place for place, one in enumerate(environments)}
    model_at = {one.id: place for place, one in enumerate(models)}
    rows = [row for row in results.rows if row.saver in ids and row.loader in ids]
    fingerprints = tuple(sorted({row.fingerprint for row in rows if row.fingerprint is not None}))
    errors: dict[str | None, int] = {one: place for place, one in enumerate(fingerprints)}
    columns: dict[str, list[Any]] = {
        "saver": [ids[row.saver] for row in rows],
        "model": [model_at[row.model] for row in rows],
        "format": [_FORMAT_AT[row.format] for row in rows],
        "loader": [ids[row.loader] for row in rows],
        "method": [_METHOD_AT[row.method] for row in rows],
        "primary": [row.primary for row in rows],
        "outcome": [OUTCOMES.index(outcome_of(row)) for row in rows],
        "rung": [NOTHING if row.rung is None else int(row.rung) for row in rows],
        "error": [errors.get(row.fingerprint, NOTHING) for row in rows],
        "absolute": [np.nan if row.max_absolute is None else row.max_absolute for row in rows],
        "relative": [np.nan if row.max_relative is None else row.max_relative for row in rows],
        "seconds": [row.wall_seconds or 0.0 for row in rows],
        "at": [int(row.measured_at.timestamp()) if row.measured_at else 0 for row in rows],
        "repeated": [NOTHING if row.repeated is None else VERDICTS.index(row.repeated) for row in rows],
        "shared": [row.shared for row in rows],
    }
    arrays: dict[str, Codes] = {name: np.array(columns[name], dtype=TYPES[name]) for name in COLUMNS}
    return Cube(environments=environments, models=models, fingerprints=fingerprints, **ordered(arrays))


def ordered(arrays: dict[str, Codes]) -> dict[str, Codes]:
    """Columns by saver, model, format, loader and method."""
    place = np.zeros(len(arrays["saver"]), dtype=np.int64)
    for name in ("saver", "model", "format", "loader", "method"):
        place = place << _BITS | arrays[name]
    order = np.argsort(place, kind="stable")  # one key in place of five; what is nearly in order is only merged
    return {name: column[order] for name, column in arrays.items()}


def names(axis: Sequence[Any], codes: Codes) -> tuple[Any, ...]:
    """Those of an axis that occur, in its order."""
    return tuple(axis[int(place)] for place in np.unique(codes))


def _among(column: Codes, axis: dict[Any, int], wanted: Iterable[Any]) -> Mask:
    places: Collection[int] = [axis[one] for one in wanted if one in axis]
    if len(places) == 1:
        return np.asarray(column == next(iter(places)))
    allowed = np.zeros(len(axis) + 1, dtype=bool)
    allowed[list(places)] = True
    return np.asarray(allowed[column])


def _verdict(outcome: Outcome) -> Verdict | None:
    return _VERDICT_OF.get(outcome)


def _save_outcome(outcome: Outcome) -> SaveOutcome:
    is_saved = outcome is Outcome.NOT_MEASURED or _verdict(outcome) is not None
    return SaveOutcome.SAVED if is_saved else SaveOutcome(outcome.value)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
