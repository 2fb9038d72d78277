"""Databases as tests reach them past our own code. A test takes the fixture ``place`` and runs on either kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

Place = Path | str
"""What ``open_store`` takes: an SQLite file, or the URL of a PostgreSQL database."""


@contextmanager
def connected(place: Place) -> Iterator[Connection]:
    """A transaction of no code of ours."""
    engine = create_engine(f"sqlite:///{place}" if isinstance(place, Path) else place, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def execute(place: Place, statement: str) -> None:
    """One statement, as somebody else would."""
    with connected(place) as connection:
        connection.exec_driver_sql(statement)
