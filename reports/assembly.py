"""Saves and cells as the store tells them, held as arrays, taken up as they change: what is and what was. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np

from matrix.model import LOAD_VERSION, SAVE_VERSION, Environment, Format, Method, Model, SaveOutcome
from reports.causes import Said, cause_of
from reports.cube import (
    COLUMNS,
    FORMATS,
    METHODS,
    NOT_MEASURED,
    NOTHING,
    OUTCOMES,
    TYPES,
    VERDICTS,
    Codes,
    Cube,
    ordered,
)
from reports.grid import Outcome
from reports.history import History
from reports.lines import in_order

LONGEST_MESSAGE: Final = 4_000
"""What of a message is held for searching and for one line of it; its page reads the whole."""

_SAVE: Final = np.dtype(
    [
        ("id", "i8"),
        ("saver", "i2"),
        ("model", "i2"),
        ("format", "i1"),
        ("outcome", "i1"),
        ("artifact", "i4"),
        ("error", "i4"),
        ("first_run", "i4"),
        ("current", "?"),
    ]
)
_CELL: Final = np.dtype(
    [
        ("id", "i8"),
        ("artifact", "i4"),
        ("loader", "i2"),
        ("method", "i1"),
        ("outcome", "i1"),
        ("rung", "i1"),
        ("error", "i4"),
        ("seconds", "f4"),
        ("at", "i8"),
        ("repeated", "i1"),
        ("absolute", "f4"),
        ("relative", "f4"),
        ("first_run", "i4"),
        ("current", "?"),
    ]
)
_CELL_COLUMNS: Final = (
    "loader",
    "method",
    "outcome",
    "rung",
    "error",
    "seconds",
    "at",
    "repeated",
    "absolute",
    "relative",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of failure, as far as lists and searches need it. ``cause`` is the same for many kinds."""

    exception: str
    message: str
    cause: str

    @classmethod
    def of(cls, failure: Said) -> Kind:
        """Return what of a failure is held."""
        return cls(exception=failure.exception, message=failure.message[:LONGEST_MESSAGE], cause=cause_of(failure))


class _Told(NamedTuple):
    exception: str
    message: str


class _Numbers:
    """Numbers for names, given in the order in which these are first met."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def of(self, name: str | None) -> int:
        """The number of a name; that of ``None`` is minus one."""
        return NOTHING if name is None else self.known.setdefault(name, len(self.known))


class Assembly:
    """What is known, and was. ``primary`` names the method that a model and a format call for.

    Environments and models that the catalogue no longer has, and other versions of our own code, are left out.
    """

    def __init__(
        self, environments: Iterable[Environment], models: Sequence[Model], primary: Callable[[str, Format], Method]
    ) -> None:
        self.environments = in_order(environments)
        self.models = tuple(models)
        self.kinds: dict[str, Kind] = {}
        self._env_at = {one.recipe_digest: place for place, one in enumerate(self.environments)}
        self._model_at = {one.id: place for place, one in enumerate(self.models)}
        self._artifacts, self._errors = _Numbers(), _Numbers()
        self._saves, self._cells = np.empty(0, _SAVE), np.empty(0, _CELL)
        self._primary = np.array(
            [[METHODS.index(primary(model.id, format_)) for format_ in FORMATS] for model in self.models], dtype=np.int8
        ).reshape(len(self.models), len(FORMATS))

    def take(
        self, saves: Iterable[Sequence[Any]], cells: Iterable[Iterable[Sequence[Any]]], errors: Iterable[Sequence[str]]
    ) -> bool:
        """Take up states, current or no longer, as ``matrix.store.facts`` lists their columns; cells come in parts.

        Return whether there were any.
        """
        for fingerprint, exception, message in errors:
            self.kinds[fingerprint] = Kind.of(_Told(exception, message))
        of_saves = [_split(saves, self._save, _SAVE)]
        of_cells = [_split(part, self._cell, _CELL) for part in cells]
        changed = any(len(ids) for ids, _ in (*of_saves, *of_cells))
        if changed:
            self._saves, self._cells = _merged(self._saves, of_saves), _merged(self._cells, of_cells)
        return changed

    def cube(self) -> Cube:
        """The matrix as it is now."""
        saves, cells = (held[held["current"]] for held in (self._saves, self._cells))
        saves = saves[np.lexsort([saves[name] for name in ("format", "model", "saver")])]
        # By the columns of a row's place, too: what comes together is then nearly in order, and sorted in half the time.
        cells = cells[np.lexsort([cells[name] for name in ("method", "loader", "artifact")])]
        of_save, of_cell = _joined(saves["artifact"], cells["artifact"])
        primary = self._primary[saves["model"], saves["format"]]
        measured = {name: cells[name][of_cell] for name in _CELL_COLUMNS}
        measured |= _of_saves(saves, of_save)
        measured["primary"] = measured["method"] == primary[of_save]
        measured["shared"] = ~_is_first(saves["artifact"])[of_save]
        seen = np.zeros((len(saves), len(self.environments)), dtype=bool)
        seen[of_save[measured["primary"]], measured["loader"][measured["primary"]]] = True
        missing = _missing(saves, primary, ~seen & self._shown()[None, :])
        arrays: dict[str, Codes] = {
            name: np.concatenate([measured[name], missing[name]]).astype(TYPES[name]) for name in COLUMNS
        }
        return Cube(
            environments=self.environments,
            models=self.models,
            fingerprints=tuple(self._errors.known),
            **ordered(arrays),
        )

    def history(self) -> History:
        """Every state, current or no longer: what was known as of each run."""
        return History(saves=self._saves, cells=self._cells, primary=self._primary)

    def _shown(self) -> Codes:
        """Environments of their own, and overlays of which something is known."""
        shown = np.array([one.base is None for one in self.environments], dtype=bool)
        shown[self._saves["saver"][self._saves["current"]]] = True
        shown[self._cells["loader"][self._cells["current"]]] = True
        return shown

    def _save(self, row: Sequence[Any]) -> tuple[Any, ...] | None:
        number, current, saver, model, format_, version, outcome, artifact, fingerprint, first_run = row
        if version != SAVE_VERSION or saver not in self._env_at or model not in self._model_at:
            return None
        named = self._artifacts.of(artifact), self._errors.of(fingerprint)
        place = self._env_at[saver], self._model_at[model], _FORMAT[format_]
        return number, *place, _SAVE_OUTCOME[outcome], *named, first_run, current

    def _cell(self, row: Sequence[Any]) -> tuple[Any, ...] | None:
        number, current, artifact, loader, method, version, verdict, rung, fingerprint, *rest = row
        seconds, at, repeated, differences, first_run = rest
        if version != LOAD_VERSION or loader not in self._env_at:
            return None
        return (
            number,
            self._artifacts.of(artifact),
            self._env_at[loader],
            _METHOD[method],
            _VERDICT_OUTCOME[verdict],
            rung,
            self._errors.of(fingerprint),
            seconds,
            _seconds(at),
            NOTHING if repeated is None else _VERDICT[repeated],
            *(_largest(differences, place) for place in (2, 3)),
            first_run,
            current,
        )


_FORMAT: Final[Mapping[str, int]] = {one.value: place for place, one in enumerate(FORMATS)}
_METHOD: Final[Mapping[str, int]] = {one.value: place for place, one in enumerate(METHODS)}
_VERDICT: Final[Mapping[str, int]] = {one.value: place for place, one in enumerate(VERDICTS)}
_VERDICT_OUTCOME: Final[Mapping[str, int]] = {one.value: OUTCOMES.index(Outcome(one.value)) for one in VERDICTS}
_SAVE_OUTCOME: Final[Mapping[str, int]] = {
    one.value: NOT_MEASURED if one is SaveOutcome.SAVED else OUTCOMES.index(Outcome(one.value)) for one in SaveOutcome
}

_Split = tuple[Codes, Codes]


def _split(
    rows: Iterable[Sequence[Any]], encoded: Callable[[Sequence[Any]], tuple[Any, ...] | None], kind: np.dtype[Any]
) -> _Split:
    """The numbers of all rows, and those rows, encoded, that are ours."""
    ids: list[int] = []
    ours: list[tuple[Any, ...]] = []
    for row in rows:
        ids.append(row[0])
        one = encoded(row)
        if one is not None:
            ours.append(one)
    return np.array(ids, dtype=np.int64), np.array(ours, dtype=kind)


def _merged(held: Codes, splits: Sequence[_Split]) -> Codes:
    """What is held, with what was written since in place of what it was before."""
    if len(held):
        written = np.concatenate([ids for ids, _ in splits] or [np.empty(0, np.int64)])
        held = held[~np.isin(held["id"], written)]
    return np.concatenate([held, *(current for _, current in splits)])


def _joined(of_saves: Codes, of_cells: Codes) -> tuple[Codes, Codes]:
    """Every save with every cell of its artifact, as places in the two; the cells are sorted by it."""
    starts, ends = np.searchsorted(of_cells, of_saves, "left"), np.searchsorted(of_cells, of_saves, "right")
    counts = ends - starts
    save = np.repeat(np.arange(len(of_saves)), counts)
    within = np.arange(len(save)) - np.repeat(np.cumsum(counts) - counts, counts)
    return save, starts[save] + within


def _is_first(values: Codes) -> Codes:
    first = np.zeros(len(values), dtype=bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _of_saves(saves: Codes, places: Codes) -> dict[str, Codes]:
    return {name: saves[name][places] for name in ("saver", "model", "format")}


def _missing(saves: Codes, primary: Codes, missing: Codes) -> dict[str, Codes]:
    """The rows of saves that were not loaded where they could be: the save says why, or nothing was measured yet."""
    of_save, loader = np.nonzero(missing)
    empty = np.zeros(len(of_save))
    return _of_saves(saves, of_save) | {
        "loader": loader,
        "method": primary[of_save],
        "primary": empty == 0,
        "outcome": saves["outcome"][of_save],
        "rung": empty + NOTHING,
        "error": saves["error"][of_save],
        "absolute": empty + np.nan,
        "relative": empty + np.nan,
        "seconds": empty,
        "at": empty,
        "repeated": empty + NOTHING,
        "shared": empty != 0,
    }


def _largest(differences: Sequence[Sequence[Any]] | None, place: int) -> float:
    """The largest of what could be subtracted; NaN is larger than any number, and stands for nothing, too."""
    known: Iterator[float] = (one[place] for one in differences or () if one[place] is not None)
    values = list(known)
    return float(np.max(values)) if values else np.nan


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
