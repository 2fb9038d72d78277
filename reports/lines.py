"""Lines of versions: environments that follow each other. No range, step or stretch goes from one line into another. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from string import ascii_lowercase

from matrix.model import Environment, natural_key


class Line(StrEnum):
    """What makes environments follow each other, in the order in which documents have them.

    The value is what stands before a version in words: a bare number is a TensorFlow, with the Keras of its own time.
    """

    TENSORFLOW = ""
    KERAS_3 = "Keras "
    TF_KERAS = "tf_keras "


def line_of(environment_id: str) -> Line:
    """The line on which an environment stands: that of TensorFlow, or for an overlay that of its Keras."""
    overlay = environment_id.partition("+")[2]
    if not overlay:
        return Line.TENSORFLOW
    return Line.TF_KERAS if overlay.startswith("tf_keras") else Line.KERAS_3


def version_of(environment_id: str) -> str:
    """The version that counts on its line: ``2.12`` for ``tf2.12``, ``3.5`` for ``tf2.17+keras3.5``."""
    return environment_id.rpartition("+")[2].lstrip(f"{ascii_lowercase}_")


def in_order(environments: Iterable[Environment]) -> tuple[Environment, ...]:
    """The TensorFlows, oldest first; then the overlays with Keras 3 and those with tf_keras, by their Keras."""
    lines = list(Line)
    return tuple(
        sorted(
            environments,
            key=lambda env: (lines.index(line_of(env.id)), natural_key(version_of(env.id)), natural_key(env.id)),
        )
    )
