"""What is different between two runs, as lists and tables have it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from matrix.model import SaveOutcome
from reports import addresses
from reports.cube import FORMATS, METHODS, NOT_MEASURED, OUTCOMES
from reports.grid import Outcome
from reports.history import NONE, Different, Track
from reports.known import Known


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """How many are now ``now`` that were ``was``; ``None`` where nothing was known of them."""

    was: str | None
    now: str
    many: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferentCell:
    """One cell that is not what it was. ``cause`` is that of the failure it ends with, or of the one that is over."""

    saver: str
    model: str
    format: str
    loader: str
    method: str
    was: Outcome | None
    now: Outcome
    run: int
    href: str
    cause: str
    cause_href: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferentSave:
    """One save that is not what it was; ``other_bytes`` where it was saved both times, to different content."""

    saver: str
    model: str
    format: str
    was: str | None
    now: str
    other_bytes: bool
    run: int
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Everything that is different, counted; of the cells, those of one page."""

    changed: int
    new: int
    transitions: tuple[Transition, ...]
    cells: tuple[DifferentCell, ...]
    saves_changed: int
    saves_new: int
    save_transitions: tuple[Transition, ...]
    saves: tuple[DifferentSave, ...]

    @property
    def total(self) -> int:
        """How many cells are different or new."""
        return self.changed + self.new


MOST_SAVES: Final = 50


def difference(known: Known, before: int, after: int, *, most: int, page: int = 1) -> Difference:
    """Return what is different after one run from what it was after an earlier one; cells that changed before new ones."""
    history = known.history
    cells, saves = history.of_cells.between(before, after), history.of_saves.between(before, after)
    order = np.lexsort([history.of_cells.states["id"][cells.now], cells.is_new])
    here = order[(page - 1) * most : page * most]
    changed_saves = np.flatnonzero(~saves.is_new)
    return Difference(
        changed=int((~cells.is_new).sum()),
        new=int(cells.is_new.sum()),
        transitions=_transitions(history.of_cells, cells, _cell_word),
        cells=tuple(_cell(known, int(cells.was[place]), int(cells.now[place])) for place in here),
        saves_changed=len(changed_saves),
        saves_new=int(saves.is_new.sum()),
        save_transitions=_transitions(history.of_saves, saves, _save_word),
        saves=tuple(_save(known, int(saves.was[place]), int(saves.now[place])) for place in changed_saves[:MOST_SAVES]),
    )


def _cell_word(code: int) -> str:
    return str(OUTCOMES[code])


def _save_word(code: int) -> str:
    return SaveOutcome.SAVED.value if code == NOT_MEASURED else str(OUTCOMES[code])


def _transitions(track: Track, different: Different, word: Callable[[int], str]) -> tuple[Transition, ...]:
    """Count what became what, the changes first, then by how many."""
    outcome = track.states["outcome"]
    was = np.where(different.is_new, NONE, outcome[different.was]) if len(different.now) else different.now
    flat = (was.astype(np.intp) + 1) * len(OUTCOMES) + outcome[different.now]
    counts = np.bincount(flat)
    found = [(int(place) // len(OUTCOMES) - 1, int(place) % len(OUTCOMES)) for place in np.flatnonzero(counts)]
    listed = [
        Transition(
            was=None if one == NONE else word(one), now=word(two), many=int(counts[(one + 1) * len(OUTCOMES) + two])
        )
        for one, two in found
    ]
    return tuple(sorted(listed, key=lambda one: (one.was is None, -one.many)))


def _cell(known: Known, was: int, now: int) -> DifferentCell:
    history = known.history
    states = history.of_cells.states
    state: Mapping[str, Any] = states[now]
    save = history.saves[history.save_of_artifact[state["artifact"]]]
    saver, loader = (known.cube.environments[place].id for place in (save["saver"], state["loader"]))
    model, format_ = known.models[save["model"]].id, FORMATS[save["format"]]
    method = METHODS[state["method"]]
    is_primary = history.primary[save["model"], save["format"]] == state["method"]
    error = state["error"] if state["error"] != NONE or was == NONE else states[was]["error"]
    cause, cause_href = _cause(known, int(error))
    return DifferentCell(
        saver=saver,
        model=model,
        format=str(format_),
        loader=loader,
        method=str(method),
        was=None if was == NONE else OUTCOMES[states[was]["outcome"]],
        now=OUTCOMES[state["outcome"]],
        run=int(state["first_run"]),
        href=addresses.cell(saver, model, format_, loader, None if is_primary else method),
        cause=cause,
        cause_href=cause_href,
    )


def _cause(known: Known, error: int) -> tuple[str, str | None]:
    """The cause of an error, and its page."""
    if error == NONE:
        return "", None
    cause = known.causes[int(known.cause_of_error[error])]
    return cause, addresses.error(known.cube.fingerprints[error])


def _save(known: Known, was: int, now: int) -> DifferentSave:
    states = known.history.of_saves.states
    state = states[now]
    model, format_ = known.models[state["model"]].id, FORMATS[state["format"]]
    before, after = (_save_word(int(states[place]["outcome"])) for place in (was, now))
    return DifferentSave(
        saver=known.cube.environments[state["saver"]].id,
        model=model,
        format=str(format_),
        was=before,
        now=after,
        other_bytes=before == after == SaveOutcome.SAVED.value,
        run=int(state["first_run"]),
        href=addresses.model_as(model, format_),
    )
