"""Arrays against arrays: whether a loaded model answers what its saver answered. Pure."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matrix.messages import Arrays
from matrix.results import Difference

TOLERANCES: Final = {
    "float32": (1e-5, 1e-4),
    "float64": (1e-5, 1e-4),
    "float16": (1e-2, 1e-2),
    "bfloat16": (1e-2, 1e-2),
}
"""Absolute and relative tolerance by dtype: |a - b| <= absolute + relative * |b|. All else must be equal exactly."""

PIECE: Final = 1 << 18
"""So many numbers are compared at once."""


def compare(found: Arrays, expected: Arrays) -> tuple[Difference, ...]:
    """Compare a loaded model's outputs with its saver's.

    Outputs are paired by name when both sides have the same names, else by position.

    Returns:
        One difference for each output of the saver, and one for each that only the loaded model has.
    """
    by_name = dict(found)
    if set(by_name) == {name for name, _ in expected} and len(by_name) == len(found):
        found = tuple((name, by_name[name]) for name, _ in expected)
    pairs = [_difference(name, got[1], want) for (name, want), got in zip(expected, found, strict=False)]
    missing = [_unequal(name, "the loaded model does not give this output") for name, _ in expected[len(found) :]]
    extra = [_unequal(name, "the saver did not give this output") for name, _ in found[len(expected) :]]
    return tuple(pairs + missing + extra)


def _difference(name: str, found: NDArray[Any], expected: NDArray[Any]) -> Difference:
    if found.dtype != expected.dtype:
        return _unequal(name, f"dtype {found.dtype} is not the saver's {expected.dtype}")
    if found.shape != expected.shape:
        return _unequal(name, f"shape {found.shape} is not the saver's {expected.shape}")
    if found.dtype.name not in TOLERANCES:
        return Difference(
            output=name, equal=bool(np.array_equal(found, expected)), max_absolute=None, max_relative=None
        )
    return _float_difference(name, found, expected, TOLERANCES[found.dtype.name])


def _float_difference(
    name: str, found: NDArray[Any], expected: NDArray[Any], tolerance: tuple[float, float]
) -> Difference:
    """Compare piece by piece: in whole it would take twenty times the memory of what is compared."""
    mine, theirs = found.reshape(-1), expected.reshape(-1)
    equal, absolute, relative = True, 0.0, 0.0
    for start in range(0, mine.size, PIECE):
        piece = slice(start, start + PIECE)
        close, gap, ratio = _gaps(mine[piece].astype(np.float64), theirs[piece].astype(np.float64), tolerance)
        equal, absolute, relative = equal and close, max(absolute, gap), max(relative, ratio)
    return Difference(output=name, equal=equal, max_absolute=absolute, max_relative=relative)


def _gaps(
    found: NDArray[np.float64], expected: NDArray[np.float64], tolerance: tuple[float, float]
) -> tuple[bool, float, float]:
    """Return whether all are close, and the largest absolute and relative difference."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))  # infinities and NaN equal themselves
    with np.errstate(all="ignore"):
        gap = np.where(same, 0.0, np.abs(found - expected))
        relative = np.where(same, 0.0, gap / np.abs(expected))
        close = same | (
            np.isfinite(gap) & np.isfinite(expected) & (gap <= tolerance[0] + tolerance[1] * np.abs(expected))
        )
    return bool(close.all()), _largest(gap), _largest(relative)


def _largest(values: NDArray[np.float64]) -> float:
    """The largest value; NaN against a number counts as infinitely far."""
    return float(np.nan_to_num(values, nan=np.inf, posinf=np.inf).max(initial=0.0))


def _unequal(name: str, reason: str) -> Difference:
    return Difference(output=name, equal=False, max_absolute=None, max_relative=None, reason=reason)
