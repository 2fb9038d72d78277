"""Bytes between host, zygote and child: frames, and raw arrays inside them. Never pickle.

A frame is ``magic, header length, body length, header (JSON), body``. Arrays travel as C-ordered little-endian bytes
described by specs in the header; strings as length-prefixed UTF-8. Runs on the host too (matrix/protocol.py), so that
there is one codec; decoding trusts nothing it is given.
"""

import json
import math
import struct
from typing import Any, Dict, Iterable, List, Tuple

import numpy as np

FRAME = struct.Struct("<4sII")
MAGIC = b"TFM1"
MAX_HEADER = 1 << 20
MAX_BODY = 256 << 20
NUMERIC = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
)
STRING = "string"
_LENGTH = struct.Struct("<I")


class WireError(ValueError):
    """Bytes that are not what the wire format allows."""


def pack(header: Dict[str, Any], body: bytes = b"") -> bytes:
    """Return the frame of a JSON-able header and a body."""
    text = json.dumps(header).encode()
    if len(text) > MAX_HEADER or len(body) > MAX_BODY:
        raise WireError("frame of %d + %d bytes is over the limit" % (len(text), len(body)))
    return FRAME.pack(MAGIC, len(text), len(body)) + text + body


def lengths(prefix: bytes, max_body: int = MAX_BODY) -> Tuple[int, int]:
    """Return (header length, body length) announced by the first ``FRAME.size`` bytes of a frame."""
    magic, header, body = FRAME.unpack(prefix)
    if magic != MAGIC:
        raise WireError("not a frame: it begins with %r" % prefix[:4])
    if header > MAX_HEADER or body > max_body:
        raise WireError("frame announces %d + %d bytes, over the limit" % (header, body))
    return header, body


def unpack(frame: bytes, max_body: int = MAX_BODY) -> Tuple[Dict[str, Any], bytes]:
    """Return (header, body) of one whole frame."""
    if len(frame) < FRAME.size:
        raise WireError("frame cut short at %d bytes" % len(frame))
    header, body = lengths(frame[: FRAME.size], max_body)
    if len(frame) != FRAME.size + header + body:
        raise WireError("frame of %d bytes announces %d" % (len(frame), FRAME.size + header + body))
    try:
        fields = json.loads(frame[FRAME.size : FRAME.size + header].decode())
    except (ValueError, RecursionError) as error:
        raise WireError("frame header is not JSON: %s" % error) from error
    if not isinstance(fields, dict):
        raise WireError("frame header is not an object")
    return fields, frame[FRAME.size + header :]


def encode_arrays(named: Iterable[Tuple[str, Any]]) -> Tuple[List[Dict[str, Any]], bytes]:
    """Return (specs, bytes) of ``[(name, array), ...]``; object and text arrays become strings."""
    specs, chunks = [], []
    for name, value in named:
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            dtype, raw = STRING, _encode_strings(array)
        elif array.dtype.name in NUMERIC:
            dtype, raw = array.dtype.name, np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        else:
            raise WireError("array %r has dtype %s, which does not travel" % (name, array.dtype))
        specs.append({"name": str(name), "dtype": dtype, "shape": list(array.shape), "bytes": len(raw)})
        chunks.append(raw)
    return specs, b"".join(chunks)


def decode_arrays(specs: Any, data: bytes) -> List[Tuple[str, Any]]:
    """Return ``[(name, array), ...]``; strings come back as object arrays of bytes."""
    if not isinstance(specs, list):
        raise WireError("array specs are not a list")
    named, offset = [], 0
    for spec in specs:
        name, dtype, shape, size = _checked(spec)
        raw = bytes(data[offset : offset + size])
        if len(raw) != size:
            raise WireError("array %r is cut short" % name)
        offset += size
        named.append((name, _decode(dtype, shape, raw)))
    if offset != len(data):
        raise WireError("%d bytes belong to no array" % (len(data) - offset))
    return named


def _checked(spec: Any) -> Tuple[str, str, Tuple[int, ...], int]:
    try:
        name, dtype, shape, size = spec["name"], spec["dtype"], spec["shape"], spec["bytes"]
    except (TypeError, KeyError) as error:
        raise WireError("array spec lacks %s" % error) from error
    if not isinstance(dtype, str) or (dtype not in NUMERIC and dtype != STRING):
        raise WireError("array dtype %r is not allowed" % (dtype,))
    plain = isinstance(name, str) and isinstance(shape, list) and len(shape) <= 32
    if not plain or not all(type(n) is int and n >= 0 for n in [*shape, size]):
        raise WireError("array spec is malformed: %r" % (spec,))
    return name, dtype, tuple(shape), size


def _decode(dtype: str, shape: Tuple[int, ...], raw: bytes) -> Any:
    count = math.prod(shape)
    if dtype == STRING:
        return _shaped(_decode_strings(raw, count), shape)
    kind = np.dtype(dtype).newbyteorder("<")
    if count * kind.itemsize != len(raw):
        raise WireError("%d bytes do not make an array of %s %s" % (len(raw), shape, dtype))
    return _shaped(np.frombuffer(raw, kind).astype(dtype, copy=False), shape)


def _shaped(array: Any, shape: Tuple[int, ...]) -> Any:
    try:
        return array.reshape(shape)
    except (ValueError, OverflowError) as error:  # such as (0, 2**62): no bytes, and yet too large
        raise WireError("no array has the shape %s: %s" % (shape, error)) from error


def _encode_strings(array: Any) -> bytes:
    items = [item if isinstance(item, bytes) else str(item).encode() for item in array.ravel()]
    return b"".join(_LENGTH.pack(len(item)) + item for item in items)


def _decode_strings(raw: bytes, count: int) -> Any:
    if count * _LENGTH.size > len(raw):
        raise WireError("%d strings do not fit into %d bytes" % (count, len(raw)))
    items, offset = np.empty(count, object), 0
    for index in range(count):
        if offset + _LENGTH.size > len(raw):
            raise WireError("string array is cut short")
        (size,) = _LENGTH.unpack_from(raw, offset)
        offset += _LENGTH.size
        items[index] = raw[offset : offset + size]
        offset += size
    if offset != len(raw):
        raise WireError("string array is cut short or too long")
    return items
