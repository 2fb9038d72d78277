"""On PostgreSQL what tests/unit/test_store_matrix.py asks of SQLite."""

from tests.unit.test_store_matrix import *  # noqa: F403
