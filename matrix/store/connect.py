"""Engines: one that writes, one transaction at a time, and one that can only read."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from matrix.errors import StoreError

# Any number will do, as long as every writer of ours asks for the same one.
_POSTGRESQL_LOCK: Final = 7_467_726_978
_CONNECT_SECONDS: Final = 10


def location(path_or_url: Path | str) -> Path | URL:
    """The file of an SQLite database, or the URL of another."""
    if isinstance(path_or_url, Path) or "://" not in path_or_url:
        return Path(path_or_url).absolute()
    try:
        url = make_url(path_or_url)
    except (ArgumentError, ValueError) as error:
        shown = re.sub("(?<=:)[^:@/]*(?=@)", "***", path_or_url)
        message = f"{shown!r} is not a database URL."
        raise StoreError(
            message, next_step="Give a file, or a URL such as postgresql+psycopg://user@host/name"
        ) from error
    if url.get_backend_name() in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")  # however others write it: this driver is the one we try
    if url.get_backend_name() != "sqlite":
        message = f"{url.drivername} is neither SQLite nor PostgreSQL."
        raise StoreError(
            message, next_step="Results are kept in one of these two: give a file, or postgresql+psycopg://…"
        )
    if not url.database or url.database == ":memory:":
        raise StoreError("A database in memory keeps no results.", next_step="Give the path of a file.")
    return Path(url.database).absolute()


def called(place: Path | URL) -> str:
    """What to call a database where people read it: without a password."""
    if isinstance(place, Path):
        return str(place)
    return place.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)


def writing_engine(place: Path | URL, *, busy_seconds: float, create: bool = True) -> Engine:
    """An engine with one connection, whose transactions take the write lock as they begin."""
    engine = _engine(place, mode="rwc" if create else "rw", busy_seconds=busy_seconds, pool_size=1)
    if isinstance(place, Path):
        event.listen(engine, "connect", lambda connection, _: _prepare(connection, busy_seconds))
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN IMMEDIATE"))
        return engine
    lock = f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})"
    wait = f"SET LOCAL lock_timeout = {max(1, round(busy_seconds * 1000))}"  # 0 would be forever
    event.listen(engine, "begin", lambda connection: _execute(connection, wait, lock))
    return engine


def reading_engine(place: Path | URL, *, busy_seconds: float) -> Engine:
    """An engine whose connections cannot write, and see one moment throughout a transaction."""
    engine = _engine(place, mode="ro", busy_seconds=busy_seconds, pool_size=4)
    if isinstance(place, Path):
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN"))
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _engine(place: Path | URL, *, mode: str, busy_seconds: float, pool_size: int) -> Engine:
    options: dict[str, Any] = {"poolclass": QueuePool, "pool_size": pool_size, "pool_timeout": max(busy_seconds, 1) * 3}
    if pool_size == 1:
        options["max_overflow"] = 0
    if isinstance(place, Path):
        return create_engine("sqlite://", creator=lambda: _connect(place, mode, busy_seconds), **options)
    usual = {"connect_timeout": str(_CONNECT_SECONDS), "application_name": "tfmatrix"}
    options["connect_args"] = {name: value for name, value in usual.items() if name not in place.query}
    try:
        return create_engine(place, pool_pre_ping=True, **options)  # a server may restart between two questions
    except ImportError as error:
        message = f"The driver for {place.drivername} cannot be loaded ({error})."
        raise StoreError(message, next_step="Install it: pip install 'tfmatrix[postgres]'.") from error


def _connect(path: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
    # isolation_level=None: Python's driver would otherwise begin transactions of its own, without the write lock.
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _prepare(connection: Any, busy_seconds: float) -> None:  # noqa: ANN401  (SQLAlchemy's, around sqlite3's)
    """Switch to WAL. SQLite does not wait for the lock that the very first switch needs, so we do."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _execute(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)
