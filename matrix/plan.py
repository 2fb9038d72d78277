"""From a selection to saves and cells, and from those to batches. Pure: no engine, no store, no clock.

A batch is what one container does: all of it in one environment, so that the cost of importing TensorFlow is shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matrix.methods import first_methods, is_marked
from matrix.model import CellKey, CellRequest, Environment, Format, Method, Model, SaveKey
from matrix.results import Artifact, SaveResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What a person asked for. Every environment is both a saver and a loader."""

    environments: tuple[Environment, ...]
    models: tuple[Model, ...]
    formats: tuple[Format, ...]
    methods: tuple[Method, ...]

    def words(self) -> dict[str, list[str]]:
        """Return the selection as ids, fit for JSON and for a later ``--resume``."""
        return {
            "environments": [environment.id for environment in self.environments],
            "models": [model.id for model in self.models],
            "formats": [format_.value for format_ in self.formats],
            "methods": [method.value for method in self.methods],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Every save and every cell that a selection asks for, known or not."""

    selection: Selection
    saves: tuple[SaveKey, ...]
    requests: tuple[CellRequest, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveTask:
    """One model, built once and saved in some formats."""

    model: str
    formats: tuple[Format, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadTask:
    """One cell that can run: its artifact exists."""

    key: CellKey
    request: CellRequest
    artifact: Artifact
    training_steps: int = 1
    marks: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveBatch:
    """What one container saves."""

    environment: Environment
    tasks: tuple[SaveTask, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBatch:
    """What one container loads."""

    environment: Environment
    tasks: tuple[LoadTask, ...]


def make_plan(selection: Selection) -> Plan:
    """Return every save and cell of a selection, in a fixed order."""
    saves = tuple(
        SaveKey(model=model.id, saver=saver.recipe_digest, format=format_)
        for saver in selection.environments
        for model in selection.models
        for format_ in selection.formats
    )
    requests = tuple(
        CellRequest(saver=saver.id, model=model.id, format=format_, loader=loader.id, method=method)
        for loader in selection.environments
        for model in selection.models
        for format_ in selection.formats
        for method in first_methods(model, format_)
        if method in selection.methods
        for saver in selection.environments
    )
    return Plan(selection=selection, saves=saves, requests=requests)


def save_batches(plan: Plan, missing: Iterable[SaveKey]) -> tuple[SaveBatch, ...]:
    """Group the saves that are not known into one batch for each saver."""
    wanted: dict[str, dict[str, list[Format]]] = {}
    for key in missing:
        wanted.setdefault(key.saver, {}).setdefault(key.model, []).append(key.format)
    return tuple(
        SaveBatch(
            environment=environment,
            tasks=tuple(
                SaveTask(model=model, formats=tuple(formats))
                for model, formats in wanted[environment.recipe_digest].items()
            ),
        )
        for environment in plan.selection.environments
        if environment.recipe_digest in wanted
    )


def load_tasks(
    plan: Plan, saves: Mapping[SaveKey, SaveResult], requests: Iterable[CellRequest] | None = None
) -> tuple[LoadTask, ...]:
    """Return the cells that can run, of the plan's requests or others: those whose save gave an artifact."""
    environments = {environment.id: environment for environment in plan.selection.environments}
    models = {model.id: model for model in plan.selection.models}
    tasks = []
    for request in plan.requests if requests is None else requests:
        saver, loader = environments[request.saver], environments[request.loader]
        save = saves.get(SaveKey(model=request.model, saver=saver.recipe_digest, format=request.format))
        if save is None or save.artifact is None:
            continue
        model = models[request.model]
        tasks.append(
            LoadTask(
                key=CellKey(artifact=save.artifact.sha256, loader=loader.recipe_digest, method=request.method),
                request=request,
                artifact=save.artifact,
                training_steps=model.training_steps,
                marks=is_marked(request, model, saver, loader),
            )
        )
    return tuple(tasks)


def load_batches(plan: Plan, tasks: Iterable[LoadTask], size: int) -> tuple[LoadBatch, ...]:
    """Group cells by loader into batches of at most ``size``, evenly filled."""
    by_loader: dict[str, list[LoadTask]] = {}
    for task in tasks:
        by_loader.setdefault(task.key.loader, []).append(task)
    return tuple(
        LoadBatch(environment=environment, tasks=tuple(part))
        for environment in plan.selection.environments
        if environment.recipe_digest in by_loader
        for part in _evenly(by_loader[environment.recipe_digest], size)
    )


def _evenly(tasks: list[LoadTask], size: int) -> Iterable[list[LoadTask]]:
    parts = -(-len(tasks) // size)
    step = -(-len(tasks) // parts)
    return (tasks[start : start + step] for start in range(0, len(tasks), step))
