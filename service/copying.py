"""``tfmatrix copy``: results move from one database to another, say from the file to PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from matrix.config import Settings
from matrix.store import open_store
from service import wiring


def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="The file or URL of the database that has the results.")
    ],
) -> None:
    """Copy all results into the database that is set, which must be empty; artifacts stay where they are."""
    with open_store(source, create=False) as old, wiring.store(Settings(), create=True) as new:
        rows = new.write.take(old.read.everything())
    Console(highlight=False).print(f"{rows} rows copied.")
