"""The canonical models as the host reads them: without a framework."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.probe_code import PROBE, probe

recipes = probe("recipes")
MODULES = sorted((PROBE / "recipes").glob("*.py"))
CORE = [
    "dense",
    "custom-activation",
    "optimizer-state",
    "multi-io",
    "conv",
    "recurrent",
    "attention",
    "embedding-masking",
    "normalization",
    "lambda",
]


def test_the_ten_core_recipes_keep_their_ids_and_order() -> None:
    """Ids are stored with every result: a renamed one would lose its history."""
    assert list(recipes.RECIPES)[:10] == CORE == recipes.group_ids()["core"]
    assert all(key == recipe.id for key, recipe in recipes.RECIPES.items())


def test_the_canary_is_found_and_not_listed() -> None:
    """An environment proves itself with the canary; people choose among the others."""
    assert recipes.find("canary") is recipes.CANARY
    assert "canary" not in recipes.RECIPES


def test_an_unknown_recipe_is_none() -> None:
    """A probe that is asked for a model it does not have can say so."""
    assert recipes.find("no-such-model") is None


@pytest.mark.parametrize("id_", list(recipes.RECIPES))
def test_each_recipe_says_what_it_is_there_to_show(id_: str) -> None:
    """Title and purpose are on the pages: a name, and a sentence; the reference is an issue that a person can find."""
    recipe = recipes.RECIPES[id_]
    assert recipe.title
    assert recipe.shows.endswith(".")
    assert re.fullmatch(r"|[\w./-]+#\d+", recipe.reference)
    assert set(recipe.formats or []) <= {"savedmodel", "checkpoint"}


def test_each_group_lists_its_models_and_no_name_means_two_things() -> None:
    """``--models text`` must not be a model as well; and every model is in one group."""
    groups = recipes.group_ids()
    assert [id_ for ids in groups.values() for id_ in ids] == list(recipes.RECIPES)
    assert not set(groups) & {*recipes.RECIPES, "all"}
    assert len(recipes.RECIPES) >= 32


def test_models_of_one_s_own_code_need_custom_objects() -> None:
    """The cell with and without custom objects exists for these models alone."""
    assert [id_ for id_, recipe in recipes.RECIPES.items() if recipe.needs_custom_objects] == [
        "custom-activation",
        "subclassed-model",
        "registered-class",
        "custom-loss-metric",
    ]


def test_metadata_needs_the_standard_library_alone() -> None:
    """The host has no framework, and must not need numpy to list the models."""
    trees = [ast.parse(path.read_bytes()) for path in MODULES]
    roots = {name for tree in trees for node in tree.body for name in _imported(node)}
    assert roots <= sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_holds_a_class_of_the_framework(path: Path) -> None:
    """Keras imports the module that a file names and looks there: a class at the top would be found by luck.

    What stands at the top of a module is ours: the records, and the exception.
    """
    classes = [node for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.ClassDef)]
    assert {node.name for node in classes} <= {"Unsupported", "Built", "Recipe"}


@pytest.mark.parametrize("path", sorted(PROBE.rglob("*.py")), ids=lambda path: path.name)
def test_the_probe_is_written_in_the_oldest_python(path: Path) -> None:
    """TensorFlow 2.4 runs on Python 3.8, so what runs inside is written for it."""
    ast.parse(path.read_bytes(), feature_version=(3, 8))


def _imported(node: ast.stmt) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name.split(".")[0] for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module.split(".")[0]]
        case _:
            return []
