"""The matrix as text for scripts that have no server: one letter for each saver and loader. Pure.

``reports/static/files.js`` is the only reader; the two change together.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from reports.cube import FORMATS, METHODS, OUTCOMES, Codes
from reports.grid import FAILING, MEASURED, SIGNS
from reports.known import Known
from reports.ranges import label

FIRST: Final = ord("a")
NO_ROW: Final = ord(".")


def letters(known: Known) -> dict[str, Any]:
    """Names once, then ``[model, format, method, primary, letters]`` for each way of which something is known.

    A letter is an outcome's place in the alphabet, a point stands where there is no row; savers go down, loaders across.
    """
    cube = known.cube
    places = [cube.environment_at[one.id] for one in known.environments]
    return {
        "environments": [
            {"id": one.id, "label": label(one.id), "flavour": one.flavour.value, "own": one.base is None}
            for one in known.environments
        ],
        "models": [{"id": one.id, "group": one.group} for one in known.models],
        "formats": [str(one) for one in FORMATS],
        "methods": [str(one) for one in METHODS],
        "outcomes": [
            {"name": str(one), "sign": SIGNS[one], "measured": one in MEASURED, "failing": one in FAILING}
            for one in OUTCOMES
        ],
        "grids": [
            [*(int(part) for part in key), _text(known, rows, places)] for key, rows in _grouped(known) if len(rows)
        ],
    }


def _grouped(known: Known) -> list[tuple[tuple[int, ...], Codes]]:
    """The rows of each model, format and method, with whether that method is the primary one."""
    cube = known.cube
    if not len(cube):
        return []
    columns = (cube.model, cube.format, cube.method, cube.primary)
    sizes = (len(cube.models), len(FORMATS), len(METHODS), 2)
    key = np.ravel_multi_index([column.astype(np.intp) for column in columns], sizes)
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    parts = np.split(order, starts[1:])
    return [(tuple(map(int, np.unravel_index(one, sizes))), rows) for one, rows in zip(keys, parts, strict=True)]


def _text(known: Known, rows: Codes, places: list[int]) -> str:
    cube = known.cube
    count = len(cube.environments)
    found = np.full((count, count), NO_ROW, dtype=np.uint8)
    found[cube.saver[rows], cube.loader[rows]] = FIRST + cube.outcome[rows]
    return found[np.ix_(places, places)].tobytes().decode("ascii")
