"""On PostgreSQL what tests/unit/test_store_results.py asks of SQLite."""

from tests.unit.test_store_results import *  # noqa: F403
