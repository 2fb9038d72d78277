"""Every save and cell as of the last night: which there are, in a fixed order, and what comes of each by the rules."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from matrix.catalog import load_environments, load_models
from matrix.methods import first_methods, further_methods, primary_method
from matrix.model import Environment, Format, Method, Model, Verdict
from matrix.plan import LoadTask, Plan, Selection, load_tasks, make_plan
from matrix.results import SaveResult
from matrix.selection import select_environments
from tests.big_matrix.evidence import save_result
from tests.big_matrix.rules import Judged, loaded, saved
from tests.big_matrix.size import Size
from tests.big_matrix.texts import HOSTILE, ODD

_ODD_SHARE: Final = 0.012
_ODD_VERDICTS: Final = (
    (Verdict.FAIL, 64),
    (Verdict.DRIFT, 16),
    (Verdict.TIMEOUT, 5),
    (Verdict.CRASH, 4),
    (Verdict.OUT_OF_MEMORY, 3),
    (Verdict.HARNESS_BROKEN, 8),
)
_HOSTILE_EVERY: Final = 7, 500
"""Of the first cells that fail every seventh, and later every five-hundredth, fails with a text that means harm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A cell that is measured, and what comes of it as a rule."""

    task: LoadTask
    loader: Environment
    judged: Judged


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """All that is made up, before it has a history."""

    plan: Plan
    environments: Mapping[str, Environment]
    saves: tuple[SaveResult, ...]
    cells: tuple[Cell, ...]

    @property
    def newcomer(self) -> Environment | None:
        """The newest environment of its own, where there are others."""
        own = [one for one in self.environments.values() if one.base is None]
        return own[-1] if len(own) > 1 else None


def make_world(size: Size, dice: random.Random) -> World:
    """Make as many saves and cells as are asked for, or as there are."""
    environments = select_environments(size.environments, load_environments())
    models = _enough_models(environments, size.cells)
    methods, formats = tuple(Method), tuple(Format)
    plan = make_plan(Selection(environments=environments, models=models, formats=formats, methods=methods))
    saves = tuple(_saves(environments, models, dice))
    by_id = {one.id: one for one in environments}
    tasks = _in_order(load_tasks(plan, {one.key: one for one in saves}), models, environments)[: size.cells]
    named = {model.id: model for model in models}
    first = list(_judged(tasks, named, by_id, dice))
    further = list(_further(first, named, by_id, dice, size.cells - len(first)))
    return World(plan=plan, environments=by_id, saves=saves, cells=(*first, *further))


def _enough_models(environments: tuple[Environment, ...], cells: int) -> tuple[Model, ...]:
    """Return the first models that give as many cells by the first methods, or all."""
    models, found = load_models(), 0
    nobody = random.Random(0)  # noqa: S311  (what is drawn is thrown away)
    for number, model in enumerate(models, start=1):
        for format_ in Format:
            made = (
                save_result(one, model, format_, saved(one, model, format_), nobody).artifact for one in environments
            )
            files = {one.sha256 for one in made if one is not None}
            found += len(files) * len(environments) * len(first_methods(model, format_))
        if found >= cells:
            return models[:number]
    return models


def _saves(
    environments: tuple[Environment, ...], models: tuple[Model, ...], dice: random.Random
) -> Iterator[SaveResult]:
    for saver in environments:
        for model in models:
            for format_ in Format:
                yield save_result(saver, model, format_, saved(saver, model, format_), dice)


def _in_order(
    tasks: tuple[LoadTask, ...], models: tuple[Model, ...], environments: tuple[Environment, ...]
) -> list[LoadTask]:
    """Return each cell once, a save's cells together, so that what is cut off is whole saves."""
    once = {task.key: task for task in reversed(tasks)}  # the first saver of the same bytes stays
    places = {one.id: place for place, one in enumerate(environments)}
    models_at = {model.id: place for place, model in enumerate(models)}
    formats_at = {format_: place for place, format_ in enumerate(Format)}
    methods_at = {method: place for place, method in enumerate(Method)}

    def place(task: LoadTask) -> tuple[int, ...]:
        asked = task.request
        file = models_at[asked.model], formats_at[asked.format], places[asked.saver]
        return (*file, places[asked.loader], methods_at[asked.method])

    return sorted(once.values(), key=place)


def _judged(
    tasks: list[LoadTask], models: Mapping[str, Model], environments: Mapping[str, Environment], dice: random.Random
) -> Iterator[Cell]:
    """Judge each by the rules, but for what is odd and what means harm."""
    early, late = _HOSTILE_EVERY
    failed = hostile = 0
    for task in tasks:
        asked, loader = task.request, environments[task.request.loader]
        found = loaded(environments[asked.saver], models[asked.model], asked.format, loader, asked.method)
        if found[0] is Verdict.FAIL:
            failed += 1
            if failed % (early if hostile < len(HOSTILE) else late) == 0:
                found = Verdict.FAIL, f"hostile-{hostile % len(HOSTILE)}"
                hostile += 1
        elif dice.random() < _ODD_SHARE:
            found = odd(dice)
        yield Cell(task=task, loader=loader, judged=found)


def odd(dice: random.Random) -> Judged:
    """Return what comes of a cell once in a while, whatever the rules say."""
    kinds, weights = zip(*_ODD_VERDICTS, strict=True)
    verdict = dice.choices(kinds, weights)[0]
    if verdict is Verdict.FAIL:
        return verdict, f"odd-{dice.randrange(len(ODD))}"
    return verdict, None if verdict is Verdict.DRIFT else verdict.value


def _further(
    first: list[Cell],
    models: Mapping[str, Model],
    environments: Mapping[str, Environment],
    dice: random.Random,
    wanted: int,
) -> Iterator[Cell]:
    """Try the other ways of cells drawn from those whose primary method does not pass, until there are enough."""
    drawn = [cell for cell in first if _is_tried_otherwise(cell, models)]
    dice.shuffle(drawn)
    for cell in drawn:
        asked, model = cell.task.request, models[cell.task.request.model]
        for way in further_methods(model, asked.format, cell.loader):
            if wanted <= 0:
                return
            if way is Method.SAFE_MODE_FALSE and cell.judged[1] != "unsafe-lambda":
                continue
            wanted -= 1
            found = loaded(environments[asked.saver], model, asked.format, cell.loader, way)
            task = replace(
                cell.task, key=replace(cell.task.key, method=way), request=replace(asked, method=way), marks=False
            )
            yield Cell(task=task, loader=cell.loader, judged=found)


def _is_tried_otherwise(cell: Cell, models: Mapping[str, Model]) -> bool:
    asked = cell.task.request
    primary = asked.method is primary_method(models[asked.model], asked.format)
    return primary and cell.judged[0] not in {Verdict.PASS, Verdict.HARNESS_BROKEN}
