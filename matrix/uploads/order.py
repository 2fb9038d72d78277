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
    neither, the newest of those it can have come from is taken. An overlay is nearest only to a file that says such a Keras:
    which of them stand in the line depends on what was asked for, and this must not.
    """
    own = [place for place, one in enumerate(line) if one.base is None or one.flavour is origin.overlaid]
    among = own or list(range(len(line)))
    tensorflow = origin.tensorflow or (None if origin.keras else origin.newest)
    if tensorflow is None and origin.keras is None:
        return among[-1]
    if tensorflow is not None:
        among = _closest({place: line[place].minor for place in among}, _version(tensorflow))
    if origin.keras is not None:
        among = _closest({place: line[place].keras_version for place in among}, _version(origin.keras))
    return among[0]


def by_distance(home: int, places: Sequence[int]) -> tuple[int, ...]:
    """Return places in line, ``home`` one of them, nearest to it first; of two alike the newer, which reads what is older."""
    middle = places.index(home)
    near = sorted(range(len(places)), key=lambda number: (abs(number - middle), -number))
    return tuple(places[number] for number in near)


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


def reference(near: Sequence[int], loads: Mapping[int, bool]) -> tuple[int | None, bool]:
    """Return the first place that loads the file, and whether that will stand: no nearer one is still to be tried."""
    for place in near:
        if place not in loads:
            return next((one for one in near if loads.get(one)), None), False
        if loads[place]:
            return place, True
    return None, True


def _differ(known: Mapping[int, str | None], low: int, high: int) -> bool:
    """Whether two places are known to differ; of one under way nothing is known."""
    return None not in {known[low], known[high]} and known[low] != known[high]


def _closest(versions: Mapping[int, Version], wanted: Version) -> list[int]:
    """Return the places of the newest version that is not newer than the one wanted, else of the oldest."""
    within = [version for version in versions.values() if version <= wanted]
    best = max(within) if within else min(versions.values())
    return [place for place, version in versions.items() if version == best]


def _version(text: str) -> Version:
    """Return major and minor of a version as numbers, as far as it has any."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdigit()]
    return tuple(numbers) if numbers else (0,)
