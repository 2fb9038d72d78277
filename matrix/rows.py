"""Reads the rows of environments.toml and complains about everything wrong with them at once, by line.

Knows the file only: neither locks nor images. `matrix.catalog` turns rows into environments.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from matrix.errors import CatalogError

HEADER: Final = "environment"
REQUIRED: Final = ("id", "tensorflow", "python", "keras", "cut_off")
OPTIONAL: Final = ("also",)
SHAPES: Final = {
    "id": (re.compile(r"tf\d+\.\d+"), "tf and a minor, such as tf2.15"),
    "tensorflow": (re.compile(r"\d+\.\d+\.\d+"), "a full version, such as 2.15.1"),
    "python": (re.compile(r"3\.\d+"), "a CPython minor, such as 3.11"),
    "keras": (re.compile(r"\d+\.\d+\.\d+(-tf)?"), "a full version, such as 2.15.0"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row as it stands in the file."""

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


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Complaint:
    """One thing wrong with a file, and where."""

    line: int
    text: str


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read all rows, oldest TensorFlow first, or raise one CatalogError that carries every complaint."""
    text = _text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        found = int(line.group(1)) if line else len(text.splitlines())
        raise _error(path, [Complaint(line=found, text=f"is not TOML: {error}")]) from error
    places = _places(text)
    complaints = list(_complaints(document, places))
    if complaints:
        raise _error(path, complaints)
    rows = [_row(table, places[index][""]) for index, table in enumerate(document[HEADER])]
    return tuple(sorted(rows, key=lambda row: row.minor))


def catalog_error(path: Path, complaints: list[Complaint], *, next_step: str = "") -> CatalogError:
    """One error that lists every complaint as ``file:line: text``."""
    lines = [f"{path}:{complaint.line}: {complaint.text}" for complaint in sorted(complaints)]
    count = f"{len(lines)} complaint{'s' if len(lines) > 1 else ''} about {path.name}:"
    return CatalogError("\n".join((count, *lines)), next_step=next_step or f"Correct {path} at the lines named.")


_error = catalog_error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _error(path, [Complaint(line=1, text=f"cannot be read: {error}")]) from error


def _places(text: str) -> list[dict[str, int]]:
    """Where each row and each of its keys stands: one mapping per row, the empty key being the header's line."""
    places: list[dict[str, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*\[\[\s*{HEADER}\s*\]\]", line):
            places.append({"": number})
        elif places and (key := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line)):
            places[-1].setdefault(key.group(1), number)
    return places


def _complaints(document: dict[str, Any], places: list[dict[str, int]]) -> Iterator[Complaint]:
    for key in document:
        if key != HEADER:
            yield Complaint(line=1, text=f"does not know {key!r}: rows begin with [[{HEADER}]]")
    tables = document.get(HEADER)
    if not isinstance(tables, list) or not tables or len(places) != len(tables):
        yield Complaint(line=1, text=f"has no rows: each begins with [[{HEADER}]] on a line of its own")
        return
    for table, place in zip(tables, places, strict=True):
        yield from _row_complaints(table, place)
    yield from _doubles(tables, places)


def _row_complaints(table: dict[str, Any], place: dict[str, int]) -> Iterator[Complaint]:
    here = place[""]
    name = table.get("id", "this row")
    for key in REQUIRED:
        if key not in table:
            yield Complaint(line=here, text=f"{name} lacks {key!r}")
    for key, value in table.items():
        line = place.get(key, here)
        if key not in (*REQUIRED, *OPTIONAL):
            yield Complaint(line=line, text=f"{name} has {key!r}; known are {', '.join((*REQUIRED, *OPTIONAL))}")
        elif wrong := _wrong(key, value):
            yield Complaint(line=line, text=f"{name}: {key} is {value!r}, expected {wrong}")
    identity, version = table.get("id"), table.get("tensorflow")
    if isinstance(identity, str) and isinstance(version, str) and not _wrong("tensorflow", version):
        expected = "tf" + version.rpartition(".")[0]
        if not _wrong("id", identity) and identity != expected:
            yield Complaint(line=place.get("id", here), text=f"TensorFlow {version} is {expected}, not {identity}")


def _wrong(key: str, value: object) -> str:
    """What was expected of a value, or nothing if it is as expected."""
    if key in SHAPES:
        shape, words = SHAPES[key]
        return "" if isinstance(value, str) and shape.fullmatch(value) else words
    if key == "cut_off":
        return "" if isinstance(value, date) and not isinstance(value, datetime) else "a day, such as 2024-03-21"
    fine = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return "" if fine else "a list of requirements"


def _doubles(tables: list[dict[str, Any]], places: list[dict[str, int]]) -> Iterator[Complaint]:
    seen: dict[str, int] = {}
    for table, place in zip(tables, places, strict=True):
        identity = str(table.get("id", ""))
        line = place.get("id", place[""])
        if identity and identity in seen:
            yield Complaint(line=line, text=f"{identity} stands twice, first in line {seen[identity]}")
        seen.setdefault(identity, line)


def _row(table: dict[str, Any], line: int) -> Row:
    return Row(**{**table, "also": tuple(table.get("also", ()))}, line=line)
