"""All results from one database into another, whichever kind either is. What a row means is not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, insert, select

from matrix.errors import StoreError
from matrix.store.tables import generation, metadata

Rows = tuple[Table, list[dict[str, Any]]]

_AT_ONCE: Final = 1000


def everything(connection: Connection) -> Iterator[Rows]:
    """Every row, some at a time, and what is named before what names it."""
    for table in metadata.sorted_tables:
        found = connection.execute(select(table), execution_options={"yield_per": _AT_ONCE})
        for rows in found.mappings().partitions():
            yield table, [dict(row) for row in rows]


def take(connection: Connection, parts: Iterable[Rows]) -> int:
    """Insert what ``everything`` gives into tables that are empty; return how many rows that was.

    Raises:
        StoreError: They are not empty.
    """
    connection.execute(delete(generation))  # its number comes along, as the rows do that were written under it
    filled = [table.name for table in metadata.sorted_tables if connection.execute(select(table).limit(1)).first()]
    if filled:
        message = f"The database to copy into has results already ({', '.join(filled)}); they would mix."
        raise StoreError(message, next_step="Name an empty one in TFMATRIX_DATABASE.")
    copied = 0
    for table, rows in parts:
        connection.execute(insert(table), rows)
        copied += len(rows)
    if connection.dialect.name == "postgresql":
        _count_on(connection)
    return copied


def _count_on(connection: Connection) -> None:
    """PostgreSQL numbers rows by a sequence, which rows that bring their own number do not move."""
    for table in metadata.sorted_tables:
        number = table.autoincrement_column
        if number is not None:
            sequence = func.pg_get_serial_sequence(table.name, number.name)
            connection.execute(select(func.setval(sequence, func.max(number))))
