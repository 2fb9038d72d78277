"""A year of nights: which states each save and each cell went through, to what it is now."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from matrix.errors import UsageError
from matrix.model import SaveOutcome, Verdict
from matrix.results import SaveResult
from tests.big_matrix.evidence import artifact
from tests.big_matrix.failures import failure
from tests.big_matrix.rules import PASSED, Judged
from tests.big_matrix.size import Size
from tests.big_matrix.world import Cell, World, make_world, odd

_FLAKY: Final = 400
"""One in so many cells is flaky."""
_BY_FLAKY: Final = 0.4
"""The share of all changes that is theirs."""
_CHANGED_SAVES: Final = 0.01
_BROKEN_SHARE: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From which night to which a state held."""

    first: int
    last: int
    is_current: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CellState:
    """A state of a cell, to be filled with evidence. ``number`` is the cell's place among all."""

    number: int
    judged: Judged
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveState:
    """A state of a save."""

    result: SaveResult
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A world and every state in it, oldest first: a database then numbers them in the order of their nights."""

    size: Size
    world: World
    saves: list[SaveState]
    cells: list[CellState]


def make_past(size: Size) -> Past:
    """Make a world and its history up.

    Raises:
        UsageError: There are not so many cells.
    """
    dice = random.Random(size.seed)  # noqa: S311  (a fixture, not a secret)
    world = make_world(size, dice)
    if len(world.cells) < size.cells:
        message = f"These {len(world.environments)} environments have {len(world.cells)} cells, not {size.cells}."
        raise UsageError(message, next_step="Ask for fewer, or for more environments (--overlays).")
    saves = _save_states(world, size, dice)
    return Past(size=size, world=world, saves=saves, cells=_cell_states(world, saves, size, dice))


def _save_states(world: World, size: Size, dice: random.Random) -> list[SaveState]:
    """Return all states of all saves, oldest first. A few failed once, or gave other bytes."""
    newcomer = world.newcomer
    found = []
    for save in world.saves:
        first = size.newcomer_night if newcomer is not None and save.key.saver == newcomer.recipe_digest else 1
        if save.outcome is SaveOutcome.SAVED and first < size.nights and dice.random() < _CHANGED_SAVES:
            changed = dice.randrange(first + 1, size.nights + 1)
            before = Span(first=first, last=changed - 1, is_current=False)
            found.append(SaveState(result=_before(world, save, dice), span=before))
            first = changed
        found.append(SaveState(result=save, span=Span(first=first, last=size.nights)))
    return sorted(found, key=lambda state: state.span.first)


def _before(world: World, save: SaveResult, dice: random.Random) -> SaveResult:
    """Return what a save came to before it changed: an error, or other bytes."""
    saver = next(one for one in world.environments.values() if one.recipe_digest == save.key.saver)
    if dice.random() < 0.5:
        error = failure("odd-2", save.key.model, saver)
        reason = f"saving raised {error.exception}"
        return replace(save, outcome=SaveOutcome.FAILED, artifact=None, failure=error, reason=reason)
    model = next(one for one in world.plan.selection.models if one.id == save.key.model)
    return replace(save, artifact=artifact(saver, model, save.key.format, edition="earlier"))


def _cell_states(world: World, saves: Sequence[SaveState], size: Size, dice: random.Random) -> list[CellState]:
    """Return all states of all cells, oldest first."""
    firsts = _first_nights(world, saves, size)
    never = {number for number, cell in enumerate(world.cells) if cell.judged[0] is Verdict.HARNESS_BROKEN}
    changes = _changes(firsts, never, size, dice)
    found = [
        state
        for number, cell in enumerate(world.cells)
        for state in _states(number, cell.judged, [firsts[number], *changes.get(number, ())], size.nights, dice)
    ]
    found += _broken(world.cells, firsts, size, dice)
    return sorted(found, key=lambda state: state.span.first)


def _first_nights(world: World, saves: Sequence[SaveState], size: Size) -> list[int]:
    """When each cell could first be measured: its file had to be there, and its loader."""
    made: dict[str, int] = {}
    for state in saves:
        if state.result.artifact is not None:
            name = state.result.artifact.sha256
            made[name] = min(made.get(name, state.span.first), state.span.first)
    newcomer = world.newcomer
    late = "" if newcomer is None else newcomer.recipe_digest
    return [
        max(made[cell.task.key.artifact], size.newcomer_night if cell.task.key.loader == late else 1)
        for cell in world.cells
    ]


def _changes(firsts: Sequence[int], never: Collection[int], size: Size, dice: random.Random) -> Mapping[int, list[int]]:
    """Draw the nights in which each cell changes. The same few do much of it, and those that ``never`` worked none."""
    many = len(firsts)
    flaky = dice.sample(range(many), -(-many // _FLAKY))
    changes: dict[int, list[int]] = {}
    for night in range(2, size.nights + 1):
        for _ in range(int(many * size.changes + dice.random())):
            number = dice.choice(flaky) if dice.random() < _BY_FLAKY else dice.randrange(many)
            nights = changes.setdefault(number, [])
            if number not in never and firsts[number] < night and night not in nights:
                nights.append(night)
    return changes


def _states(number: int, now: Judged, starts: list[int], nights: int, dice: random.Random) -> Iterator[CellState]:
    """Go back from what it is now: every second state is another one."""
    other = _another(now, dice) if len(starts) > 1 else now
    ends = [start - 1 for start in starts[1:]] + [nights]
    for back, (first, last) in enumerate(zip(starts, ends, strict=True), start=1 - len(starts)):
        judged = now if back % 2 == 0 else other
        yield CellState(number=number, judged=judged, span=Span(first=first, last=last, is_current=back == 0))


def _another(now: Judged, dice: random.Random) -> Judged:
    """Return a finding that is not this one."""
    if now[0] is not Verdict.PASS and dice.random() < 0.6:
        return PASSED
    while (found := odd(dice)) == now or found[0] is Verdict.HARNESS_BROKEN:
        pass
    return found


def _broken(cells: Sequence[Cell], firsts: Sequence[int], size: Size, dice: random.Random) -> Iterator[CellState]:
    """Yield what a broken environment recorded beside what was known: it is no current state."""
    loaders = list(dict.fromkeys(cell.task.key.loader for cell in cells))
    for night in size.broken_nights:
        broken = dice.choice(loaders)
        for number, cell in enumerate(cells):
            judged = Verdict.HARNESS_BROKEN, Verdict.HARNESS_BROKEN.value
            known = firsts[number] < night and cell.judged != judged
            if cell.task.key.loader == broken and known and dice.random() < _BROKEN_SHARE:
                span = Span(first=night, last=night, is_current=False)
                yield CellState(number=number, judged=judged, span=span)
