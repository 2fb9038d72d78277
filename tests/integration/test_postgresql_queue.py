"""On PostgreSQL what tests/unit/test_store_queue.py asks of SQLite."""

from tests.unit.test_store_queue import *  # noqa: F403
