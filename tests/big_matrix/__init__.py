"""A matrix as a year of nights leaves it, made up from a seed: what speed is measured at and pages are tried on.

``python -m tests.big_matrix --database PATH`` fills a new database; ``fill`` does it for a test, with a small ``Size``.
"""

from __future__ import annotations

from tests.big_matrix.fill import fill
from tests.big_matrix.size import Size

__all__ = ["Size", "fill"]
