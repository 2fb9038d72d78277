"""On PostgreSQL what tests/unit/test_store_migrations.py asks of SQLite."""

from tests.unit.test_store_migrations import *  # noqa: F403
