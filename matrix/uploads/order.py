"""In which order the environments of a row are tried, and which of them is the reference. Pure.

The one that saved the file comes first: it most likely loads it, and then all others are compared with it. Then the ends, then
between two neighbours that differ, so that the shape of the answer stands after a handful of cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matrix.model import Environment, Flavour

Version = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What saved a file, as far as the file says: versions as written, or the TensorFlow minors it can have come from."""

    tensorflow: str | None = None
    keras: str | None = None
    oldest: str | None = None
    newest: str | None = None

    @property
    def overlaid(self) -> Flavour | None:
        """Which Keras, that no TensorFlow brings or each another one of, saved the file; nothing for the Keras 2 of old."""
        if self.keras is None or _version(self.keras) <= (2, 15):
            return None
        return Flavour.KERAS3 if _version(self.keras) >= (3,) else Flavour.TF_KERAS


def in_line(environments: Sequence[Environment]) -> tuple[Environment, ...]:
    """Return environments from the oldest to the newest: by TensorFlow, and of one TensorFlow by Keras."""
    return tuple(sorted(environments, key=lambda one: (one.minor, one.keras_version, one.id)))


def nearest(origin: Origin, line: Sequence[Environment]) -> int:
    """Return the place, in a line of environments, of the one that is nearest to what saved a file.

    A file says its Keras more often than its TensorFlow, and up to 2.15 the two have the same number. Where it says
    neither, the newest of those it can have come from is taken.
    """
    if origin.tensorflow is not None:
        wanted = _version(origin.tensorflow)
        return _closest([one.minor for one in line], wanted)
    if origin.keras is not None:
        wanted = _version(origin.keras)
        return _closest([one.keras_version for one in line], wanted)
    if origin.newest is not None:
        return _closest([one.minor for one in line], _version(origin.newest))
    return len(line) - 1


def by_distance(home: int, line: Sequence[Environment]) -> tuple[int, ...]:
    """Return all places, the nearest to ``home`` first; of two alike the newer, which reads what is older."""
    return tuple(sorted(range(len(line)), key=lambda place: (abs(place - home), -place)))


def next_place(home: int, line: Sequence[Environment], known: Mapping[int, str | None]) -> int | None:
    """Return the place to try next; nothing when all were tried.

    Args:
        home: The place of the environment nearest to what saved the file.
        line: All environments, oldest first.
        known: What came of those that were tried, in a word; ``None`` while one is under way.
    """
    for place in (home, len(line) - 1, 0):
        if place not in known:
            return place
    tried = sorted(known)
    gaps = [(low, high) for low, high in pairwise(tried) if high - low > 1]
    if not gaps:
        return None
    low, high = max(gaps, key=lambda gap: (_differ(known, *gap), gap[1] - gap[0], gap[1]))
    return (low + high) // 2


def reference(home: int, line: Sequence[Environment], loads: Mapping[int, bool]) -> tuple[int | None, bool]:
    """Return the nearest place that loads the file, and whether that will stand: no nearer one is still to be tried."""
    for place in by_distance(home, line):
        if place not in loads:
            return next((one for one in by_distance(home, line) if loads.get(one)), None), False
        if loads[place]:
            return place, True
    return None, True


def _differ(known: Mapping[int, str | None], low: int, high: int) -> bool:
    """Whether two places are known to differ; of one under way nothing is known."""
    return None not in {known[low], known[high]} and known[low] != known[high]


def _closest(versions: Sequence[Version], wanted: Version) -> int:
    """Return the place of the newest version that is not newer than the one wanted, else of the oldest."""
    within = [place for place, version in enumerate(versions) if version <= wanted]
    if not within:
        return min(range(len(versions)), key=lambda place: versions[place])
    best = max(versions[place] for place in within)
    return min(place for place in within if versions[place] == best)


def _version(text: str) -> Version:
    """Return major and minor of a version as numbers, as far as it has any."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdigit()]
    return tuple(numbers) if numbers else (0,)
