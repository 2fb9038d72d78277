"""Which TensorFlow, and which Keras, can have saved a file: what it states, and what it gives away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from images.inspector.refusal import shown

Minor = tuple[int, int]
KERAS_3: Minor = (3, 0)
FIRST_WITH_KERAS_3: Minor = (2, 16)
CLUES = 20

LEAST_KERAS: dict[Minor, Minor] = {(2, 17): (3, 2), (2, 18): (3, 5), (2, 20): (3, 10), (2, 21): (3, 12)}
"""From this TensorFlow on, a Keras 3 older than that is not what it is installed with."""

RELEASED: dict[Minor, date] = {
    (2, 12): date(2023, 3, 22),
    (2, 13): date(2023, 7, 5),
    (2, 14): date(2023, 9, 26),
    (2, 15): date(2023, 11, 14),
    (2, 16): date(2024, 3, 7),
    (2, 17): date(2024, 7, 11),
    (2, 18): date(2024, 10, 24),
    (2, 19): date(2025, 3, 11),
    (2, 20): date(2025, 8, 13),
    (2, 21): date(2026, 3, 5),
}
"""When a TensorFlow came out: what was saved before that day, it cannot have saved."""

OLD: dict[str, tuple[Minor | None, Minor]] = {
    "2.2.4-tf": (None, (2, 1)),
    "2.3.0-tf": ((2, 2), (2, 2)),
    "2.4.0": ((2, 3), (2, 4)),
}
"""What Keras called itself where its number was not TensorFlow's."""


@dataclass(kw_only=True)
class Provenance:
    """Who saved a file: versions where they are stated, and the Keras minors that what was seen leaves possible."""

    tensorflow: str | None = None
    keras: str | None = None
    stated: dict[str, None] = field(default_factory=dict)
    clues: dict[str, None] = field(default_factory=dict)
    least_keras: Minor | None = None
    most_keras: Minor | None = None
    saved_on: date | None = None

    def states_tensorflow(self, version: str, where: str) -> None:
        """Keep the TensorFlow that a file names."""
        if minor(version):
            self.tensorflow = shown(version, 40)
            self.stated.setdefault(f"{where} says TensorFlow {self.tensorflow}")

    def states_keras(self, version: str, where: str) -> None:
        """Keep the Keras that a file names."""
        if minor(version):
            self.keras = shown(version, 40)
            self.stated.setdefault(f"{where} says Keras {self.keras}")

    def states_day(self, text: str, where: str) -> None:
        """Keep the day on which a file says that it was saved, such as ``2026-03-01@10:11:12``."""
        found = re.match(r"(\d{4})-(\d{2})-(\d{2})", text)
        try:
            self.saved_on = date(*(int(part) for part in found.groups())) if found else None
        except ValueError:
            return
        if self.saved_on:
            self.stated.setdefault(f"{where} says that it was saved on {self.saved_on.isoformat()}")

    def narrows(self, least: Minor | None, most: Minor | None, what: str) -> None:
        """Take account of something that only some Keras minors write, the first and the last of them included."""
        if least is not None and (self.least_keras is None or least > self.least_keras):
            self.least_keras = least
        if most is not None and (self.most_keras is None or most < self.most_keras):
            self.most_keras = most
        if len(self.clues) < CLUES:
            self.clues.setdefault(shown(what, 300))

    def span(self) -> tuple[Minor | None, Minor | None]:
        """Return the first and the last TensorFlow minor that can have saved the file; ``None`` where that is open."""
        if self.tensorflow is not None:
            stated = minor(self.tensorflow)
            return stated, stated
        if self.keras in OLD:
            return OLD[self.keras]
        stated = minor(self.keras or "")
        least, most = (stated, stated) if stated else (self.least_keras, self.most_keras)
        if least and most and least > most:  # clues that contradict each other tell nothing
            return None, None
        oldest, newest = _oldest(least), self._by_day(_newest(most))
        return (oldest, _newest(most)) if oldest and newest and oldest > newest else (oldest, newest)

    def header(self) -> dict[str, Any]:
        """Return it as the answer's header has it."""
        oldest, newest = self.span()
        return {
            "tensorflow": self.tensorflow,
            "keras": self.keras,
            "evidence": [*self.stated, *(() if self.tensorflow or self.keras else self.clues)],
            "oldest": None if oldest is None else f"{oldest[0]}.{oldest[1]}",
            "newest": None if newest is None else f"{newest[0]}.{newest[1]}",
        }

    def _by_day(self, newest: Minor | None) -> Minor | None:
        """Return the newest TensorFlow that was out on the day the file was saved, if that is older."""
        if self.saved_on is None or self.saved_on < min(RELEASED.values()):
            return newest
        out = max(one for one, day in RELEASED.items() if day <= self.saved_on)
        if out == max(RELEASED):
            return newest
        return out if newest is None else min(newest, out)


def minor(version: str) -> Minor | None:
    """Return a version's first two numbers; a text with anything in it that no version has is none, such as a damaged one."""
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})(?!\d)[\w.+-]{0,30}", version, re.ASCII)
    return (int(found[1]), int(found[2])) if found else None


def _oldest(keras: Minor | None) -> Minor | None:
    """Return the oldest TensorFlow for a Keras that is at least this: of Keras 2 they have the same number."""
    if keras is None or keras < KERAS_3:
        return keras
    return FIRST_WITH_KERAS_3


def _newest(keras: Minor | None) -> Minor | None:
    """Return the newest TensorFlow for a Keras that is at most this."""
    if keras is None or keras < KERAS_3:
        return keras
    beyond = [one for one, least in LEAST_KERAS.items() if least > keras]
    return (2, min(beyond)[1] - 1) if beyond else None
