"""From a selection to saves and cells, and from those to batches. Pure: no engine, no store, no clock.

A batch is what one container does: all of it in one environment, so that the cost of importing TensorFlow is shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matrix.model import Artifact, CellKey, CellRequest, Environment, Format, Method, Model, SaveKey, SaveResult


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


def methods(model: Model, format_: Format) -> tuple[Method, ...]:
    """Return the ways a model in a format is loaded; the last is the primary one.

    A model that needs custom objects is also loaded without them: that failure is what people see first.
    """
    if format_ is Format.EXPORT:
        return (Method.SAVED_MODEL_LOAD,)
    return (Method.DEFAULT, Method.CUSTOM_OBJECTS) if model.needs_custom_objects else (Method.DEFAULT,)


def primary_method(model: Model, format_: Format) -> Method:
    """Return the method that the format and the model call for, which the share that passes is counted over."""
    return methods(model, format_)[-1]


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
        for method in methods(model, format_)
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


def load_tasks(plan: Plan, saves: Mapping[SaveKey, SaveResult]) -> tuple[LoadTask, ...]:
    """Return the cells that can run: those whose save gave an artifact."""
    digests = {environment.id: environment.recipe_digest for environment in plan.selection.environments}
    tasks = []
    for request in plan.requests:
        save = saves.get(SaveKey(model=request.model, saver=digests[request.saver], format=request.format))
        if save is not None and save.artifact is not None:
            key = CellKey(artifact=save.artifact.sha256, loader=digests[request.loader], method=request.method)
            tasks.append(LoadTask(key=key, request=request, artifact=save.artifact))
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
