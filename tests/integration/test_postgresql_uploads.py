"""On PostgreSQL what tests/unit/test_store_uploads.py asks of SQLite."""

from tests.unit.test_store_uploads import *  # noqa: F403
