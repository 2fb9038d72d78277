"""Reads the rows of environments.toml and complains about everything wrong with them at once, by line.

Knows the file only: neither locks nor images. `matrix.catalog` turns rows into environments.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from matrix.errors import CatalogError
from matrix.model import natural_key
from matrix.row_checks import ENVIRONMENT, OVERLAY, Complaint, complaints, places


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One environment of its own, as it stands in the file."""

    id: str
    tensorflow: str
    python: str
    keras: str
    cut_off: date
    also: tuple[str, ...] = ()
    line: int = 0

    @property
    def requirements(self) -> tuple[str, ...]:
        """What the resolver is asked for."""
        return (f"tensorflow-cpu=={self.tensorflow}", *self.also)

    @property
    def minor(self) -> tuple[int, int]:
        """The TensorFlow minor as numbers."""
        major, minor = self.tensorflow.split(".")[:2]
        return int(major), int(minor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """Another Keras on an environment, as it stands in the file. ``base`` is the row it stands on."""

    id: str
    base: Row
    keras: str
    legacy: bool
    cut_off: date
    also: tuple[str, ...] = ()
    line: int = 0

    @property
    def package(self) -> str:
        """The Keras as an index names it: ``keras``, or ``tf-keras`` for the Keras 2 that lives on beside Keras 3."""
        return "tf-keras" if self.legacy else "keras"

    @property
    def requirements(self) -> tuple[str, ...]:
        """What the resolver is asked for, on top of the base's lock."""
        return (f"{self.package}=={self.keras}", *self.also)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read all rows, oldest TensorFlow first, or raise one CatalogError that carries every complaint."""
    text = _text(path)
    where = places(text, ENVIRONMENT)
    rows = [_row(table, where[index][""]) for index, table in enumerate(_document(path, text)[ENVIRONMENT])]
    return tuple(sorted(rows, key=lambda row: row.minor))


def read_overlays(path: Path) -> tuple[Overlay, ...]:
    """Read all overlays, in the order of their bases and then of their Keras, or complain as ``read_rows`` does."""
    text = _text(path)
    where = places(text, OVERLAY)
    bases = {row.id: row for row in read_rows(path)}
    tables = _document(path, text).get(OVERLAY, [])
    overlays = [_overlay(table, bases[table["base"]], where[index][""]) for index, table in enumerate(tables)]
    return tuple(sorted(overlays, key=lambda one: (one.base.minor, natural_key(one.id))))


def catalog_error(path: Path, complaints: list[Complaint], *, next_step: str = "") -> CatalogError:
    """One error that lists every complaint as ``file:line: text``."""
    lines = [f"{path}:{complaint.line}: {complaint.text}" for complaint in sorted(complaints)]
    count = f"{len(lines)} complaint{'s' if len(lines) > 1 else ''} about {path.name}:"
    return CatalogError("\n".join((count, *lines)), next_step=next_step or f"Correct {path} at the lines named.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise catalog_error(path, [Complaint(line=1, text=f"cannot be read: {error}")]) from error


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        found = int(line.group(1)) if line else len(text.splitlines())
        raise catalog_error(path, [Complaint(line=found, text=f"is not TOML: {error}")]) from error
    found_wrong = list(complaints(document, text))
    if found_wrong:
        raise catalog_error(path, found_wrong)
    return document


def _row(table: dict[str, Any], line: int) -> Row:
    return Row(**{**table, "also": tuple(table.get("also", ()))}, line=line)


def _overlay(table: dict[str, Any], base: Row, line: int) -> Overlay:
    legacy = "tf_keras" in table
    return Overlay(
        id=table["id"],
        base=base,
        keras=table["tf_keras" if legacy else "keras"],
        legacy=legacy,
        cut_off=table["cut_off"],
        also=tuple(table.get("also", ())),
        line=line,
    )
