"""Bring a database to the schema this code speaks, or say why that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from matrix.errors import IncompleteError, StoreError
from matrix.store.faults import MOVE_ASIDE
from matrix.store.tables import HEAD

ANOTHER_DATABASE: Final = "Name a database of tfmatrix's own in TFMATRIX_DATABASE; `createdb NAME` makes one."
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def is_current(engine: Engine, place: str, *, create: bool, update: bool = True) -> bool:
    """Whether the database speaks this code's schema already. One that is newer, or not ours, is an error.

    So is an empty one, unless it may be made, and an older one, unless it may be brought up to date.
    """
    with engine.connect() as connection:
        revision = _revision(connection, place)
    if revision is None and not create:
        raise no_results_yet(f"{place} is empty")
    if revision in {None, HEAD}:
        return revision == HEAD
    if revision not in _known():
        raise StoreError(
            f"{place} was written by a newer tfmatrix (its schema is {revision}, this one knows {HEAD}).",
            next_step="Update this checkout (`git pull`), or name another database.",
        )
    if not update:
        raise StoreError(
            f"{place} was written by an older tfmatrix (its schema is {revision}, this one reads {HEAD}).",
            next_step="Run `tfmatrix report` once: it brings the database up to date, and loses nothing.",
        )
    return False


def no_results_yet(because: str) -> IncompleteError:
    """The error for who only wants to read where nothing was ever written."""
    return IncompleteError(f"There are no results yet: {because}.", next_step="Run `make matrix` first.")


def migrate(engine: Engine) -> None:
    """Run what migrations are missing, in one transaction: all of them or none."""
    from alembic import command  # noqa: PLC0415  (slow to import, and hardly ever needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection, place: str) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" not in tables:
        if tables:
            message = f"{place} holds tables that are not ours: {', '.join(sorted(tables)[:5])}."
            on_server = connection.dialect.name == "postgresql"
            raise StoreError(message, next_step=ANOTHER_DATABASE if on_server else MOVE_ASIDE)
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _known() -> set[str]:
    return {file.name.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")}
