"""On PostgreSQL what tests/unit/test_store_copying.py asks of SQLite."""

from tests.unit.test_store_copying import *  # noqa: F403
