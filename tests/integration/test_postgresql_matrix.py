"""On PostgreSQL what tests/unit/test_store_matrix.py asks of SQLite."""

import pytest

from tests.unit.test_store_matrix import *  # noqa: F403

pytestmark = pytest.mark.everything  # what `make test` asks of PostgreSQL are results, uploads, migrations and commands
