"""Which processors lanes are pinned to."""

from __future__ import annotations

import os


def processors() -> tuple[int | None, ...]:
    """Return the processors that this process may use.

    A lane that has one processor measures the same whatever its neighbour does, and spares TensorFlow's thread pools.
    """
    return tuple(sorted(os.sched_getaffinity(0)))
