"""The canonical models as the host reads them: without a framework."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.probe_code import PROBE, probe

recipes = probe("recipes")
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
    assert list(recipes.RECIPES) == CORE
    assert all(key == recipe.id for key, recipe in recipes.RECIPES.items())


def test_the_canary_is_found_and_not_listed() -> None:
    """An environment proves itself with the canary; people choose among the others."""
    assert recipes.find("canary") is recipes.CANARY
    assert "canary" not in recipes.RECIPES


def test_an_unknown_recipe_is_none() -> None:
    """A probe that is asked for a model it does not have can say so."""
    assert recipes.find("no-such-model") is None


@pytest.mark.parametrize("id_", CORE)
def test_each_recipe_says_what_it_is_there_to_show(id_: str) -> None:
    """Title and purpose are on the pages: a name, and a sentence."""
    recipe = recipes.RECIPES[id_]
    assert recipe.title
    assert recipe.shows.endswith(".")


def test_only_the_custom_activation_needs_custom_objects() -> None:
    """The cell with and without custom objects exists for this model alone."""
    assert [id_ for id_, recipe in recipes.RECIPES.items() if recipe.needs_custom_objects] == ["custom-activation"]


def test_metadata_needs_the_standard_library_alone() -> None:
    """The host has no framework, and must not need numpy to list the models."""
    tree = ast.parse((PROBE / "recipes.py").read_bytes())
    roots = {name for node in tree.body for name in _imported(node)}
    assert roots <= sys.stdlib_module_names


@pytest.mark.parametrize("path", sorted(PROBE.glob("*.py")), ids=lambda path: path.name)
def test_the_probe_is_written_in_the_oldest_python(path: object) -> None:
    """TensorFlow 2.4 runs on Python 3.8, so what runs inside is written for it."""
    ast.parse(PROBE.joinpath(str(path)).read_bytes(), feature_version=(3, 8))


def _imported(node: ast.stmt) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name.split(".")[0] for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module.split(".")[0]]
        case _:
            return []
