"""Makes inputs for a model from nothing but what it states that it takes: the same arrays for the same statement.

One set of rules for whoever knows a signature: the inspector, which reads it in a file (images/inspector), and a child, which
has it of a loaded model. Names play no part in what is drawn, since versions name the same input differently.
"""

import hashlib
import json
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

MAX_BYTES = 64 << 20
MAX_TENSORS = 256
MAX_RANK = 32
LARGEST_BATCH = 1024
LENGTH = 16
SIDE = 64
DRAWN_BYTES = 8  # a value is drawn as a double, whatever it becomes
TEXT_BYTES = 1 << 10  # as much as a text may have, and as many as can be made in a moment
FLOATS = {"float16": "float16", "float32": "float32", "float64": "float64", "bfloat16": "float32"}
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
WORDS = ("a", "red", "bird", "sang", "over", "seven", "old", "houses", "while", "rain", "fell", "quietly")


class CannotInvent(Exception):
    """What a model takes cannot be made up; the message is a sentence."""


def invent(
    tensors: Sequence[Dict[str, Any]], ranges: Optional[Dict[str, Any]] = None, batch: int = 2
) -> Tuple[List[Tuple[str, Any]], List[str]]:
    """Return (list of (name, array), notes) for tensors, each a dictionary with ``name``, ``shape`` and ``dtype``.

    ``ranges`` says by name what an input may hold: ``(low, high)``, high not included, or a list of texts. An unknown
    first dimension becomes ``batch``, or what the other inputs fix it to. All that was assumed is said in ``notes``, as
    sentences. Where one input cannot be made there are none at all, and the notes say why.
    """
    notes: List[str] = []
    try:
        if len(tensors) > MAX_TENSORS:
            raise CannotInvent("The model takes %d inputs; more than %d are not made." % (len(tensors), MAX_TENSORS))
        wanted = [_wanted(tensor, (ranges or {}).get(tensor.get("name", "")), notes) for tensor in tensors]
        shapes = _shapes(wanted, batch, notes)
        return [(one["name"], _filled(one, shapes[at], at)) for at, one in enumerate(wanted)], notes
    except CannotInvent as error:
        return [], [str(error)]


def _wanted(tensor: Dict[str, Any], held: Any, notes: List[str]) -> Dict[str, Any]:
    """Return an input with its shape as a list, its dtype as one that travels, and the range that it may take."""
    name, dtype = str(tensor.get("name", ""))[:256], str(tensor.get("dtype", ""))
    if dtype in ("str", "object", "bytes"):
        dtype = "string"
    if dtype not in FLOATS and dtype not in INTEGERS and dtype not in ("bool", "string"):
        raise CannotInvent("The input '%s' is of the type '%s', which cannot be made up." % (name, dtype[:40]))
    if dtype == "bfloat16":
        notes.append("The input '%s' is bfloat16; it was made as float32." % name)
    shape = _known(tensor.get("shape"), name, dtype, notes)
    if held is None:
        _say_what_is_assumed(name, dtype, shape, notes)
    return {"name": name, "dtype": FLOATS.get(dtype, dtype), "shape": shape, "held": held}


def _known(shape: Any, name: str, dtype: str, notes: List[str]) -> List[Optional[int]]:
    """Return the shape with ``None`` for each dimension left open, and one made up where not even the rank is known."""
    if not isinstance(shape, (list, tuple)):
        notes.append("The input '%s' states no shape; a batch of %s was assumed." % (name, _row(dtype)))
        return [None] if dtype == "string" else [None, LENGTH]
    if len(shape) > MAX_RANK:
        raise CannotInvent("The input '%s' has %d dimensions; no array has so many." % (name, len(shape)))
    return [int(n) if isinstance(n, int) and not isinstance(n, bool) and n >= 0 else None for n in shape]


def _row(dtype: str) -> str:
    return "single texts" if dtype == "string" else "rows of %d" % LENGTH


def _say_what_is_assumed(name: str, dtype: str, shape: List[Optional[int]], notes: List[str]) -> None:
    if dtype == "string":
        notes.append(
            "The input '%s' takes text; everyday words were made. If it wants encoded images or records, give inputs "
            "of your own as .npz." % name
        )
    elif dtype in INTEGERS and not _pixels(dtype, shape):
        notes.append("How large the integers of the input '%s' may be is not known; 0 and 1 were made." % name)


def _pixels(dtype: str, shape: Sequence[Any]) -> bool:
    return dtype == "uint8" and len(shape) >= 3


def _shapes(wanted: List[Dict[str, Any]], batch: int, notes: List[str]) -> List[Tuple[int, ...]]:
    """Return a whole shape for each input, as large as there is room for."""
    fixed = {one["shape"][0] for one in wanted if one["shape"] and one["shape"][0] is not None}
    if len(fixed) == 1 and 0 < min(fixed) <= LARGEST_BATCH:
        batch = min(fixed)
    total = 0
    for rows, side, length in ((batch, SIDE, LENGTH), (1, SIDE, LENGTH), (1, 16, 4), (1, 1, 1)):
        shapes = [_whole(one["shape"], rows, side, length) for one in wanted]
        total = sum(_size(one, shape) for one, shape in zip(wanted, shapes))
        if total <= MAX_BYTES:
            _say_what_was_open(wanted, shapes, notes)
            return shapes
    raise CannotInvent(
        "The inputs that the model asks for have %d bytes; more than %d MB are not made." % (total, MAX_BYTES >> 20)
    )


def _whole(shape: List[Optional[int]], rows: int, side: int, length: int) -> Tuple[int, ...]:
    """Return a shape with every open dimension filled in: rows first, then sides of an image or a length."""
    inner = side if len(shape) >= 4 else length
    return tuple((rows if at == 0 else inner) if n is None else n for at, n in enumerate(shape))


def _size(one: Dict[str, Any], shape: Tuple[int, ...]) -> int:
    count = 1
    for n in shape:
        count *= n
    return count * (TEXT_BYTES if one["dtype"] == "string" else DRAWN_BYTES)


def _say_what_was_open(wanted: List[Dict[str, Any]], shapes: List[Tuple[int, ...]], notes: List[str]) -> None:
    for one, shape in zip(wanted, shapes):
        if None in one["shape"][1:]:
            notes.append("The input '%s' leaves sizes open; it was made as %s." % (one["name"], list(shape)))


def _filled(one: Dict[str, Any], shape: Tuple[int, ...], place: int) -> Any:
    """Return the array; its values depend on the place among the inputs, the shape, the dtype and the range alone."""
    seed = hashlib.sha256(json.dumps([place, list(shape), one["dtype"]]).encode()).digest()
    random = np.random.RandomState(np.frombuffer(seed, "<u4"))
    dtype, held = one["dtype"], one["held"]
    try:
        if dtype == "string":
            return _texts(random, shape, held if isinstance(held, list) and held else None)
        drawn = random.random_sample(shape)
    except (ValueError, OverflowError, MemoryError) as error:  # such as (0, 2**62): no bytes, and yet too large
        said = "The input '%s' asks for the shape %s, which no array has." % (one["name"], list(shape))
        raise CannotInvent(said) from error
    if dtype == "bool":
        return drawn < 0.5
    if isinstance(held, tuple):
        return _within(drawn, dtype, held)
    if dtype in INTEGERS:
        return np.floor(drawn * (256 if _pixels(dtype, shape) else 2)).astype(dtype)
    return drawn.astype(dtype)


def _within(drawn: Any, dtype: str, held: Any) -> Any:
    """Return whole numbers of a range, cut to what the dtype can hold."""
    low, high = int(held[0]), int(held[1])
    if dtype in INTEGERS:
        low, high = max(low, np.iinfo(dtype).min), min(high, np.iinfo(dtype).max)
    high = max(min(high, low + (1 << 31)), low + 1)  # doubles count that far, and no model needs more
    return np.floor(low + drawn * (high - low)).astype(dtype)


def _texts(random: Any, shape: Tuple[int, ...], choices: Optional[List[Any]]) -> Any:
    """Return texts: of those that the model knows, else three everyday words each."""
    array = np.empty(shape, object)
    flat = array.reshape(-1)
    draws = random.randint(0, 1 << 30, (flat.size, 3))
    for at, draw in enumerate(draws):
        if choices is None:
            flat[at] = " ".join(WORDS[int(n) % len(WORDS)] for n in draw).encode()
        else:
            text = choices[int(draw[0]) % len(choices)]
            flat[at] = (text if isinstance(text, bytes) else str(text).encode("utf-8", "replace"))[:TEXT_BYTES]
    return array
