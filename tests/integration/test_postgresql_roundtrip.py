"""On PostgreSQL what tests/unit/test_store_roundtrip.py asks of SQLite."""

from tests.unit.test_store_roundtrip import *  # noqa: F403
