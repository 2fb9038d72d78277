"""On PostgreSQL what tests/unit/test_store_open.py asks of SQLite."""

from tests.unit.test_store_open import *  # noqa: F403
