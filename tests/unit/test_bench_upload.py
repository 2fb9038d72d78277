"""What the benchmark of uploads says of memory: the most that all containers took, and whether that is within the setting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from matrix.engines.docker import taken_by
from matrix.errors import EngineError
from service.bench_upload import Findings, Measured, Peak

FINE = Measured(first=1.0, row=5.0)
GIB = 1 << 30


@pytest.mark.parametrize(("peak", "complains"), [(7 * GIB, False), (12 * GIB, False), (13 * GIB, True), (0, True)])
def test_more_than_the_setting_is_complained_about(peak: int, *, complains: bool) -> None:
    """And so is what could not be measured."""
    plain = Measured(first=1.0, row=50.0)
    found = Findings(
        environments=18, warming=60.0, warm=FINE, cold=FINE, plain=plain, many=FINE, peak=peak, memory=12 * GIB
    )
    assert bool(found.complaints) is complains
    assert found.complaints == ["all containers within 12.0 GiB, which is the setting"] * complains


def test_the_peak_is_the_most_that_was_seen() -> None:
    """A look that fails is not the last."""
    seen: Iterator[int] = iter([3, 9, -1, 4])
    peak: Any = None

    def take() -> int:
        found = next(seen, None)
        if found is None:
            peak._over.set()
            return 0
        if found < 0:
            raise EngineError("away", next_step="")
        return found

    peak = Peak(take, seconds=0)
    with peak:
        peak._over.wait(30)
    assert peak.bytes == 9


@pytest.mark.parametrize(
    ("stats", "taken"),
    [
        ({"memory_stats": {"usage": 100, "stats": {"total_inactive_file": 30, "inactive_file": 1}}}, 70),
        ({"memory_stats": {"usage": 100, "stats": {"inactive_file": 20}}}, 80),
        ({"memory_stats": {"usage": 100}}, 100),
        ({"memory_stats": {}}, 0),
        ({}, 0),
    ],
)
def test_files_that_are_only_cached_are_not_taken(stats: dict[str, Any], taken: int) -> None:
    """In both versions of control groups; one that just ends has nothing."""
    assert taken_by(stats) == taken
