"""The canonical models: one function each that builds, compiles and feeds a model.

The host imports this package for its metadata, so nothing but the standard library is imported by it; the framework
comes in as ``tf`` and numpy inside the functions. A recipe may be spelt differently per version but computes the same
function; where a version cannot, it raises ``Unsupported``. The layers are named, so that two saves differ only where
versions do.

What breaks the stored compile settings, or one known layer, must not hide what another recipe is there to show: losses
go by their long names, optimizers have no slots, and sequences are flattened rather than averaged, wherever the recipe
is not about these. Custom classes and functions are made inside functions: Keras finds what a module holds by importing
it, and a loader must not find by luck what it was not given.
"""

from . import core, custom, inputs, layers, low_level, optimizers, preprocessing, structure, text, training
from .base import Built, Recipe, Unsupported
from .canary import CANARY

__all__ = ["CANARY", "RECIPES", "Built", "Recipe", "Unsupported", "find", "group_ids"]

_MODULES = (core, optimizers, layers, text, preprocessing, structure, custom, training, inputs, low_level)

RECIPES = {recipe.id: recipe for module in _MODULES for recipe in module.RECIPES}


def find(id_):
    """Return the recipe of that id, the canary included, or ``None``."""
    return CANARY if id_ == CANARY.id else RECIPES.get(id_)


def group_ids():
    """Return the ids of each group's recipes, both in their order."""
    groups = {}
    for recipe in RECIPES.values():
        groups.setdefault(recipe.group, []).append(recipe.id)
    return groups
