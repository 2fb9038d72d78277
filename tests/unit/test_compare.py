"""Arrays against arrays: the design's tolerances at their edges, and what can't be subtracted."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matrix.compare import compare
from matrix.results import Difference

few = settings(derandomize=True, max_examples=60, deadline=None)


def one(found: Any, expected: Any, dtype: str = "float32") -> Difference:
    """Compare a single output."""
    (difference,) = compare((("y", np.array(found, dtype)),), (("y", np.array(expected, dtype)),))
    return difference


@pytest.mark.parametrize(
    ("dtype", "found", "expected", "equal"),
    [
        ("float64", 0.0000099, 0.0, True),
        ("float64", 0.0000101, 0.0, False),
        ("float64", 1000.1, 1000.0, True),
        ("float64", 1000.2, 1000.0, False),
        ("float32", 1.0001, 1.0, True),
        ("float32", 1.001, 1.0, False),
        ("float16", 1.01, 1.0, True),
        ("float16", 1.05, 1.0, False),
        ("float16", 0.009, 0.0, True),
        ("int32", 1_000_001, 1_000_000, False),
        ("int64", 2**62 + 1, 2**62, False),
        ("bool", True, False, False),
        ("uint8", 7, 7, True),
    ],
)
def test_tolerances(dtype: str, found: Any, expected: Any, equal: bool) -> None:  # noqa: FBT001
    """1e-5 + 1e-4 |b| for float32 and float64, 1e-2 of both for half types, exactly for all else."""
    assert one(found, expected, dtype).equal is equal


def test_the_tolerance_is_relative_to_the_saver() -> None:
    """|b| is the saver's answer: the two sides are not interchangeable."""
    assert not one(0.0, 0.0000101, "float64").equal
    assert one(1.0, 1.000109, "float64").equal
    assert not one(1.0002, 1.0, "float64").equal


def test_nan_equals_nan_and_infinity_itself() -> None:
    """Special values are equal to themselves and to nothing else."""
    special = [np.nan, np.inf, -np.inf]
    assert one(special, special).equal
    for found, expected in ((np.nan, 1.0), (1.0, np.nan), (np.inf, -np.inf), (1e30, np.inf), (np.inf, 1e30)):
        difference = one(found, expected)
        assert not difference.equal
        assert difference.max_absolute == np.inf


def test_the_largest_errors_are_kept() -> None:
    """Absolute and relative maxima may come from different elements."""
    difference = one([1.5, 1000.0], [1.0, 1001.0], "float64")
    assert difference.max_absolute == pytest.approx(1.0)
    assert difference.max_relative == pytest.approx(0.5)


def test_strings_are_equal_byte_by_byte() -> None:
    """Text travels as bytes and has no tolerance."""
    assert one([b"a", b"b"], [b"a", b"b"], "object").equal
    difference = one([b"a", b"b"], [b"a", b"B"], "object")
    assert (difference.equal, difference.max_absolute) == (False, None)


def test_dtype_and_shape_come_before_values() -> None:
    """What can't be subtracted says why."""
    (dtype,) = compare((("y", np.zeros(2, "float64")),), (("y", np.zeros(2, "float32")),))
    (shape,) = compare((("y", np.zeros((2, 1), "float32")),), (("y", np.zeros(2, "float32")),))
    assert (dtype.equal, shape.equal) == (False, False)
    assert "dtype float64" in (dtype.reason or "")
    assert "shape (2, 1)" in (shape.reason or "")


def test_outputs_are_paired_by_name_then_by_position() -> None:
    """The same names in another order are the same outputs; other names go by their place."""
    a, b = np.zeros(1, "float32"), np.ones(1, "float32")
    assert all(d.equal for d in compare((("b", b), ("a", a)), (("a", a), ("b", b))))
    assert all(d.equal for d in compare((("out_0", a), ("out_1", b)), (("a", a), ("b", b))))
    assert not any(d.equal for d in compare((("out_0", b), ("out_1", a)), (("a", a), ("b", b))))


def test_missing_and_extra_outputs_are_differences() -> None:
    """An output that only one side has is told as such, once."""
    a = ("a", np.zeros(1, "float32"))
    b = ("b", np.zeros(1, "float32"))
    missing, extra = compare((a,), (a, b)), compare((a, b), (a,))
    assert [(d.output, d.equal) for d in missing] == [("a", True), ("b", False)]
    assert [(d.output, d.equal) for d in extra] == [("a", True), ("b", False)]
    assert missing[1].reason != extra[1].reason


@few
@given(hnp.arrays("float32", hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)))
def test_an_array_always_equals_itself(values: Any) -> None:
    """Whatever is in it, with no difference at all."""
    difference = one(values, values)
    assert (difference.equal, difference.max_absolute, difference.max_relative) == (True, 0.0, 0.0)


@few
@given(st.floats(width=32), st.floats(width=32))
def test_errors_are_never_nan(found: float, expected: float) -> None:
    """However wild the answers were, what is kept can be ordered; infinitely far is infinity."""
    difference = one(found, expected)
    assert difference.max_absolute is not None
    assert difference.max_relative is not None
    assert min(difference.max_absolute, difference.max_relative) >= 0


def test_an_empty_output_equals_an_empty_output() -> None:
    """Nothing to compare is no difference."""
    assert one(np.zeros((0, 3)), np.zeros((0, 3))).equal


def test_large_answers_take_little_memory() -> None:
    """A stranger's model answers as much as it may, in several lanes at once; what differs is found wherever it is."""
    mine = np.zeros(4 << 20, "float16")
    theirs = mine.copy()
    theirs[-1] = 1.0
    tracemalloc.start()
    (difference,) = compare((("y", mine.reshape(2, -1)),), (("y", theirs.reshape(2, -1)),))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (difference.equal, difference.max_absolute) == (False, 1.0)
    assert peak < 3 * mine.nbytes
