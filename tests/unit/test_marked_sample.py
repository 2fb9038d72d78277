"""Which cells are marked: the same few in every run, whatever else is asked for."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from matrix import methods
from matrix.catalog import load_environments, load_models
from matrix.model import CellRequest, Format, Method, SaveKey
from matrix.plan import Selection, load_tasks, make_plan
from matrix.results import SaveResult
from tests.store_samples import save

ALL_MODELS: Final = {one.id: one for one in load_models()}
ALL_ENVIRONMENTS: Final = {one.id: one for one in load_environments()}


def marked(model: str, format_: Format, saver: str, loader: str, method: Method | None = None) -> bool:
    """Whether a cell of the real models and environments is marked."""
    way = method or methods.primary_method(ALL_MODELS[model], format_)
    one = CellRequest(saver=saver, model=model, format=format_, loader=loader, method=way)
    return methods.is_marked(one, ALL_MODELS[model], ALL_ENVIRONMENTS[saver], ALL_ENVIRONMENTS[loader])


def test_the_marked_sample_is_five_models_as_whole_files_from_itself_and_the_version_before() -> None:
    """In every environment from itself; in the eighteen also from the one before; an overlay has none before."""
    assert set(ALL_MODELS) >= methods.MARKED
    assert len(methods.MARKED) == 5
    bases = [one.id for one in ALL_ENVIRONMENTS.values() if one.base is None]
    near = {(one, one) for one in ALL_ENVIRONMENTS} | set(pairwise(bases))
    every = {
        (saver, loader)
        for saver in ALL_ENVIRONMENTS
        for loader in ALL_ENVIRONMENTS
        if marked("dense", Format.H5, saver, loader)
    }
    assert every == near
    by_model = {(model, one) for model in ALL_MODELS for one in Format if marked(model, one, "tf2.9", "tf2.9")}
    assert by_model == {
        (model, one) for model in methods.MARKED for one in (Format.H5, Format.SAVEDMODEL, Format.KERAS)
    }


def test_only_the_primary_method_is_marked() -> None:
    """A file loaded without its compile settings has lost what two of the marks are about."""
    assert marked("dense", Format.H5, "tf2.9", "tf2.9", Method.DEFAULT)
    assert not any(marked("dense", Format.H5, "tf2.9", "tf2.9", way) for way in set(Method) - {Method.DEFAULT})


def test_the_marked_sample_does_not_depend_on_the_selection() -> None:
    """A cell is marked in a run of everything exactly when it is in a run of a few."""

    def marks(names: tuple[str, ...]) -> dict[CellRequest, bool]:
        selection = Selection(
            environments=tuple(ALL_ENVIRONMENTS[name] for name in names),
            models=tuple(ALL_MODELS.values()),
            formats=tuple(Format),
            methods=tuple(Method),
        )
        plan = make_plan(selection)
        return {task.request: task.marks for task in load_tasks(plan, {key: _saved(key) for key in plan.saves})}

    many = marks(("tf2.4", "tf2.5", "tf2.9", "tf2.16"))
    few = marks(("tf2.5", "tf2.16"))
    assert few == {one: many[one] for one in few}
    assert any(few.values())


def _saved(key: SaveKey) -> SaveResult:
    return save(key.saver, key.model + key.format, key=key)
