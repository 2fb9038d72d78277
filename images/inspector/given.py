"""Inputs for a model: those that somebody gave, held against what the model takes; else made from what it takes."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from images.inspector.archive import listed_zip
from images.inspector.findings import NAME_LENGTH, Findings
from images.inspector.refusal import Refused, shown, size
from images.probe import invent, wire

MAX_BYTES = 64 << 20
MAX_ARRAYS = 256
MAX_ROWS = 4096
NEXT = "Save them with numpy.savez('inputs.npz', name=array, ...), one array for each input of the model."
Named = list[tuple[str, Any]]


def made(found: Findings) -> tuple[Named, str, str | None]:
    """Return inputs from the signature, where they come from, and what is to be said of them."""
    stated = (found.signature or {}).get("inputs") or []
    if not stated:
        return [], "none", None
    named, notes = invent.invent(stated, found.ranges)
    return named, "signature" if named else "none", " ".join(notes) or None


def given(path: Path, found: Findings) -> tuple[Named, str, str | None]:
    """Return the inputs that somebody gave, as the model takes them.

    Raises:
        Refused: They cannot be read, or do not fit the model.
    """
    named = _read(path)
    notes: list[str] = []
    stated = (found.signature or {}).get("inputs") or []
    if stated:
        named = _fitted(named, stated, notes)
    else:
        positions = all(name.startswith("arr_") for name, _ in named)
        found.structure = "single" if len(named) == 1 else "list" if positions else "dict"
    return named, "given", " ".join(notes) or None


def _read(path: Path) -> Named:
    with path.open("rb") as file:
        head = file.read(8)
    if path.stat().st_size > MAX_BYTES:
        raise Refused(
            "inputs-too-large", f"The inputs have more than {size(MAX_BYTES)}.", "A batch of a few rows is enough."
        )
    if head.startswith(b"\x93NUMPY"):
        with path.open("rb") as file:
            return [("input_0", _array(file.read(), "the array"))]
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        raise Refused("inputs-damaged", "The inputs are no .npz file.", NEXT)
    return _read_npz(path)


def _read_npz(path: Path) -> Named:
    try:
        archive = listed_zip(path)
    except Refused as error:
        raise Refused("inputs-damaged", f"The inputs cannot be used. {error.message}", NEXT) from error
    if not 0 < len(archive.sizes) <= MAX_ARRAYS or archive.unpacked > MAX_BYTES:
        raise Refused(
            "inputs-too-large",
            f"The inputs are {len(archive.sizes)} arrays of {size(archive.unpacked)}; 1 to {MAX_ARRAYS} of {size(MAX_BYTES)} "
            "together are taken.",
            "A batch of a few rows is enough.",
        )
    named = []
    for name in archive.sizes:
        if not name.endswith(".npy"):
            raise Refused("inputs-damaged", f"The inputs hold {shown(name)}, which is no array.", NEXT)
        named.append(
            (shown(name.removesuffix(".npy"), NAME_LENGTH), _array(archive.read(name, MAX_BYTES) or b"", name))
        )
    return named


def _array(raw: bytes, name: str) -> Any:  # noqa: ANN401
    """Return an array; one of Python objects is never opened, since that runs what it says."""
    try:
        _look_at_header(raw)
        array = np.load(io.BytesIO(raw), allow_pickle=False)
    except Exception as error:
        if "allow_pickle" in str(error):
            raise Refused(
                "inputs-pickled",
                f"{shown(name)} holds Python objects, which run code when they are read; they are never opened here.",
                "Save plain arrays of numbers, or of fixed-length text: array.astype('S').",
            ) from error
        raise Refused("inputs-damaged", f"{shown(name)} cannot be read: {shown(error, 200)}.", NEXT) from error
    if not isinstance(array, np.ndarray) or (array.dtype.name not in wire.NUMERIC and array.dtype.kind not in "SU"):
        raise Refused("inputs-damaged", f"{shown(name)} is of a type that no model takes: {shown(array.dtype)}.", NEXT)
    return array


def _look_at_header(raw: bytes) -> None:
    """Refuse an array that declares another size than it has, before room is made for it."""
    file = io.BytesIO(raw)
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version} of the format is not read")
    shape, _, dtype = readers[version](file)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize != len(raw) - file.tell():
        raise ValueError(f"it declares the shape {shape} and holds {len(raw) - file.tell()} bytes")


def _fitted(named: Named, stated: list[dict[str, Any]], notes: list[str]) -> Named:
    """Return the arrays in the order and under the names of the model's inputs."""
    if len(named) != len(stated):
        raise _unfit(f"There are {len(named)} arrays, and the model takes {len(stated)} inputs: {_listed(stated)}.")
    by_name = dict(named)
    wanted = [one["name"] for one in stated]
    if set(by_name) == set(wanted):
        pairs = [(one, by_name[one["name"]]) for one in stated]
    else:
        if len(stated) > 1:
            notes.append(
                f"The arrays have other names than the model's inputs ({_listed(stated)}); their order counted."
            )
        pairs = [(one, array) for one, (_, array) in zip(stated, named, strict=True)]
    return [(one["name"], _as_stated(one, array, notes)) for one, array in pairs]


def _as_stated(one: dict[str, Any], array: Any, notes: list[str]) -> Any:  # noqa: ANN401
    shape, dtype, name = one["shape"], one["dtype"], shown(one["name"])
    if shape is not None:
        fits = len(shape) == array.ndim and all(n is None or n == m for n, m in zip(shape, array.shape, strict=True))
        if not fits:
            raise _unfit(
                f"The array for {name} has the shape {list(array.shape)}, and the model takes {_shape(shape)}."
            )
    if array.ndim and array.shape[0] > MAX_ROWS:
        raise _unfit(f"The array for {name} has {array.shape[0]} rows; {MAX_ROWS} are the most.")
    is_text = array.dtype.kind in "SU"
    if is_text != (dtype == "string") and dtype:
        raise _unfit(f"The array for {name} holds {'text' if is_text else 'numbers'}, and the model takes {dtype}.")
    if not is_text and dtype in wire.NUMERIC and array.dtype.name != dtype:
        notes.append(f"The array for {name} was {array.dtype.name}, and was made {dtype}, as the model takes it.")
        with np.errstate(all="ignore"):
            return array.astype(dtype)
    return array


def _unfit(message: str) -> Refused:
    return Refused("inputs-do-not-fit", message, "Change the arrays, or leave the inputs out: they are then made up.")


def _listed(stated: list[dict[str, Any]]) -> str:
    told = ", ".join(f"{shown(one['name'], 40)} {one['dtype']} {_shape(one['shape'])}" for one in stated[:6])
    return told + (", ..." if len(stated) > 6 else "")  # noqa: PLR2004


def _shape(shape: list[int | None] | None) -> str:
    return "of any shape" if shape is None else f"[{', '.join('any' if n is None else str(n) for n in shape)}]"
