"""What may be wrong with the tables of environments.toml. Pure: a document and its lines in, complaints out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

ENVIRONMENT: Final = "environment"
OVERLAY: Final = "overlay"
REQUIRED: Final = {
    ENVIRONMENT: ("id", "tensorflow", "python", "keras", "cut_off"),
    OVERLAY: ("id", "base", "cut_off"),
}
OPTIONAL: Final = {ENVIRONMENT: ("also",), OVERLAY: ("keras", "tf_keras", "also")}
_BASE_ID: Final = (re.compile(r"tf\d+\.\d+"), "tf and a minor, such as tf2.15")
_VERSION: Final = (re.compile(r"\d+\.\d+\.\d+"), "a full version, such as 2.15.1")
SHAPES: Final = {
    (ENVIRONMENT, "id"): _BASE_ID,
    (ENVIRONMENT, "tensorflow"): _VERSION,
    (ENVIRONMENT, "python"): (re.compile(r"3\.\d+"), "a CPython minor, such as 3.11"),
    (ENVIRONMENT, "keras"): (re.compile(r"\d+\.\d+\.\d+(-tf)?"), "a full version, such as 2.15.0"),
    (OVERLAY, "id"): (
        re.compile(r"tf\d+\.\d+\+(tf_)?keras\d+\.\d+"),
        "a base, a plus and a Keras, such as tf2.18+keras3.8",
    ),
    (OVERLAY, "base"): _BASE_ID,
    (OVERLAY, "keras"): (re.compile(r"3\.\d+\.\d+"), "a full version of Keras 3, such as 3.8.0"),
    (OVERLAY, "tf_keras"): _VERSION,
}
FIRST_WITH_KERAS_3: Final = (2, 16)
"""From here on tf.keras is whatever Keras 3 is installed, or tf_keras where TensorFlow is told so."""
LOWEST_PYTHON: Final = {(3, 13): (3, 11), (3, 11): (3, 10), (3, 0): (3, 9)}
"""From which Keras on which Python is needed, newest first."""

Table = dict[str, Any]
Places = list[dict[str, int]]
"""Where each table and each of its keys stands: one mapping per table, the empty key being the header's line."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Complaint:
    """One thing wrong with a file, and where."""

    line: int
    text: str


def places(text: str, header: str) -> Places:
    """Find the lines of every table that begins with ``header``."""
    found: Places = []
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if begins := re.match(r"\s*\[\[?\s*([\w-]+)\s*\]\]?", line):
            inside = begins.group(1) == header
            if inside:
                found.append({"": number})
        elif inside and (key := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line)):
            found[-1].setdefault(key.group(1), number)
    return found


def complaints(document: Table, text: str) -> Iterator[Complaint]:
    """Everything wrong with the document, in no order."""
    for key in document:
        if key not in REQUIRED:
            yield Complaint(
                line=1, text=f"does not know {key!r}: rows begin with {' or '.join(map(_header, REQUIRED))}"
            )
    where = {header: places(text, header) for header in REQUIRED}
    for header in REQUIRED:
        tables = document.get(header, None if header == ENVIRONMENT else [])
        if not _are_tables(tables, where[header]) or (header == ENVIRONMENT and not tables):
            yield Complaint(line=1, text=f"has no rows: each begins with {_header(header)} on a line of its own")
            return
    rows = [(header, one) for header in REQUIRED for one in zip(document.get(header, []), where[header], strict=True)]
    for header, (table, place) in rows:
        yield from _shape_complaints(header, table, place)
    bases = {table.get("id"): table for table in document[ENVIRONMENT]}
    for header, (table, place) in rows:
        if header == ENVIRONMENT:
            yield from _misfits(table, place)
        elif _is_well_shaped(header, table):
            yield from _overlay_misfits(table, place, bases)
    yield from _doubles([one for _, one in rows])


def _header(name: str) -> str:
    return f"[[{name}]]"


def _are_tables(tables: object, where: Places) -> bool:
    fine = isinstance(tables, list) and all(isinstance(one, dict) for one in tables)
    return fine and isinstance(tables, list) and len(tables) == len(where)


def _shape_complaints(header: str, table: Table, place: dict[str, int]) -> Iterator[Complaint]:
    here, name = place[""], table.get("id", "this row")
    known = (*REQUIRED[header], *OPTIONAL[header])
    for key in REQUIRED[header]:
        if key not in table:
            yield Complaint(line=here, text=f"{name} lacks {key!r}")
    for key, value in table.items():
        line = place.get(key, here)
        if key not in known:
            yield Complaint(line=line, text=f"{name} has {key!r}; known are {', '.join(known)}")
        elif wrong := _wrong(header, key, value):
            yield Complaint(line=line, text=f"{name}: {key} is {value!r}, expected {wrong}")


def _wrong(header: str, key: str, value: object) -> str:
    """What was expected of a value, or nothing if it is as expected."""
    if (header, key) in SHAPES:
        shape, words = SHAPES[header, key]
        return "" if isinstance(value, str) and shape.fullmatch(value) else words
    if key == "cut_off":
        return "" if isinstance(value, date) and not isinstance(value, datetime) else "a day, such as 2024-03-21"
    fine = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return "" if fine else "a list of requirements"


def _is_well_shaped(header: str, table: Table) -> bool:
    return not any(_wrong(header, key, table.get(key)) for key in REQUIRED[header])


def _misfits(table: Table, place: dict[str, int]) -> Iterator[Complaint]:
    if any(_wrong(ENVIRONMENT, key, table.get(key)) for key in ("id", "tensorflow")):
        return
    expected = "tf" + minor_of(table["tensorflow"])
    if table["id"] != expected:
        yield Complaint(
            line=place.get("id", place[""]), text=f"TensorFlow {table['tensorflow']} is {expected}, not {table['id']}"
        )


def _overlay_misfits(table: Table, place: dict[str, int], bases: Mapping[Any, Table]) -> Iterator[Complaint]:
    here, name = place[""], table["id"]
    kinds = [kind for kind in ("keras", "tf_keras") if kind in table and not _wrong(OVERLAY, kind, table[kind])]
    if len(kinds) != 1:
        if not {"keras", "tf_keras"} & table.keys() or len(kinds) > 1:
            yield Complaint(line=here, text=f"{name} needs one of 'keras' and 'tf_keras'")
        return
    kind, version = kinds[0], table[kinds[0]]
    expected = f"{table['base']}+{kind}{minor_of(version)}"
    if name != expected:
        yield Complaint(
            line=place.get("id", here), text=f"{kind} {version} on {table['base']} is {expected}, not {name}"
        )
    base = bases.get(table["base"])
    if base is None:
        yield Complaint(line=place.get("base", here), text=f"{name}: there is no {table['base']}")
    elif _is_well_shaped(ENVIRONMENT, base):
        yield from (
            Complaint(line=place.get(key, here), text=f"{name}: {text}")
            for key, text in _base_misfits(table, base, kind, version)
        )


def _base_misfits(table: Table, base: Table, kind: str, version: str) -> Iterator[tuple[str, str]]:
    """Why this Keras cannot stand on this base, each with the key at fault."""
    tensorflow, python = base["tensorflow"], base["python"]
    if kind == "tf_keras" and minor_of(version) != minor_of(tensorflow):
        yield kind, f"tf_keras {version} is for TensorFlow {minor_of(version)}, the base has {tensorflow}"
    if _numbers(tensorflow)[:2] < FIRST_WITH_KERAS_3:
        yield "base", f"TensorFlow {tensorflow} has a Keras of its own; overlays begin with 2.16"
    needed = next((low for first, low in LOWEST_PYTHON.items() if _numbers(version) >= first), None)
    if kind == "keras" and needed and _numbers(python) < needed:
        yield "base", f"Keras {version} needs Python {needed[0]}.{needed[1]}, the base has {python}"
    if table["cut_off"] < base["cut_off"]:
        yield (
            "cut_off",
            f"{table['cut_off']} is before {base['cut_off']}, the day of the base whose packages it must see",
        )


def _doubles(rows: list[tuple[Table, dict[str, int]]]) -> Iterator[Complaint]:
    seen: dict[str, int] = {}
    for table, place in rows:
        identity = str(table.get("id", ""))
        line = place.get("id", place[""])
        if identity and identity in seen:
            yield Complaint(line=line, text=f"{identity} stands twice, first in line {seen[identity]}")
        seen.setdefault(identity, line)


def minor_of(version: str) -> str:
    """The minor of a full version: 3.5 of 3.5.0."""
    return ".".join(version.split(".")[:2])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
