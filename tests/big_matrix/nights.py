"""The rows of runs and environments: one run a night, as the nightly would have noted it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from matrix.model import Environment, RunStatus
from matrix.plan import Selection
from tests.big_matrix.size import LANES, Size
from tests.big_matrix.world import World
from tests.store_samples import digest

Row = dict[str, Any]

_FACTS: Final[Row] = {
    "engine": "Docker 26.1.5",
    "isolates": True,
    "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
    "machine": "x86_64",
    "python": "3.11.9",
    "settings": {
        "home": "/srv/tfmatrix/var",
        "database": "",
        "engine": "auto",
        "lanes": LANES,
        "memory": 12 << 30,
        "container_memory": 3 << 30,
        "load_seconds": 12.0,
        "save_seconds": 240.0,
        "fresh_seconds": 30.0,
        "grace_seconds": 2.0,
        "start_seconds": 180.0,
        "artifact_bytes": 128 << 20,
        "batch": 1000,
    },
}
_SHARES: Final = {"started": 0.03, "saved": 0.12, "together": 0.4, "alone": 0.35, "repeated": 0.09, "other": 0.01}
_INTERRUPTED: Final = 61, 17
"""Of so many nights one ended before its time, the one with this remainder."""


def run_rows(world: World, size: Size, cells_at: list[int], dice: random.Random) -> Iterator[Row]:
    """Yield a run for each night; ``cells_at`` is how many cells each night measured."""
    for night in range(1, size.nights + 1):
        yield {
            "status": _status(size, night).value,
            "selection": _selection(world, size, night).words(),
            "facts": _FACTS,
            "started_at": size.moment(night),
            "finished_at": size.moment(night, 1.0),
            "cost": _cost(world, size, cells_at[night - 1], dice),
        }


def environment_rows(world: World, size: Size) -> Iterator[Row]:
    """Yield the environments as the last night recorded them."""
    for environment in world.environments.values():
        yield {
            "recipe_digest": environment.recipe_digest,
            "id": environment.id,
            "tensorflow": environment.tensorflow,
            "keras": environment.keras,
            "python": environment.python,
            "cut_off": environment.cut_off,
            "versions": _versions(environment),
            "facts": _inside(environment),
            "image_id": f"sha256:{digest('image', environment.recipe_digest)}",
            "recorded_at": size.moment(size.nights),
        }


def _status(size: Size, night: int) -> RunStatus:
    every, remainder = _INTERRUPTED
    if night in size.broken_nights:
        return RunStatus.INCOMPLETE
    stopped = night % every == remainder and night != size.nights
    return RunStatus.INTERRUPTED if stopped else RunStatus.FINISHED


def _selection(world: World, size: Size, night: int) -> Selection:
    chosen = world.plan.selection
    newcomer = world.newcomer
    known = tuple(one for one in chosen.environments if one is not newcomer or night >= size.newcomer_night)
    return Selection(environments=known, models=chosen.models, formats=chosen.formats, methods=chosen.methods)


def _cost(world: World, size: Size, cells: int, dice: random.Random) -> Row:
    seconds = size.night_seconds * LANES
    spent = {name: round(seconds * share * dice.uniform(0.9, 1.1), 3) for name, share in _SHARES.items()}
    return {"lane_seconds": spent, "saves": len(world.saves), "cells": cells, "known": 0}


def _versions(environment: Environment) -> dict[str, str]:
    old = environment.minor < (2, 12)
    return {
        "tensorflow": environment.tensorflow,
        "python": f"{environment.python}.9",
        "keras": environment.keras,
        "numpy": "1.22.4" if old else "1.26.4",
        "h5py": "3.1.0" if old else "3.11.0",
        "protobuf": "3.19.6" if old else "4.25.3",
    }


def _inside(environment: Environment) -> Row:
    return {
        "import_seconds": round(1.0 + environment.minor[1] / 10, 3),
        "threads": 1,
        "cpus": 1,
        "machine": "x86_64",
        "kernel": "6.1.0",
        "settings": {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "1"},
        "model_name": "Made-up CPU",
        "flags": "fpu sse sse2 ssse3 sse4_1 sse4_2 avx avx2 fma avx512f",
    }
