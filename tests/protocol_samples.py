"""What an honest probe says of each kind, and ways to read and to damage it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from images.probe import wire
from matrix import protocol

ENDING: dict[str, Any] = {
    "job": 7,
    "lane": "fork",
    "end": {"kind": "exit", "code": 0},
    "wall_seconds": 0.5,
    "peak_memory": 1 << 20,
    "noise": "",
    "tampered": False,
    "clean": True,
}
RAISED: dict[str, Any] = {
    "class": "builtins.ValueError",
    "message": "bad",
    "traceback": "trace",
    "frames": ["keras:load"],
}
LOADED: dict[str, Any] = {
    "reached": "called",
    "steps": {"opened": 0.1},
    "signature": {"inputs": [{"name": "x", "shape": [None, 2], "dtype": "float32"}], "outputs": []},
    "outputs": [{"name": "y", "dtype": "int8", "shape": [2], "bytes": 2}],
    "exception": RAISED,
    "warnings": ["old"],
    "unsupported": None,
    "length": 2,
}
MARKED: dict[str, Any] = {
    "reached": "called",
    "outputs": [{"name": "y", "dtype": "int8", "shape": [1], "bytes": 1}],
    "length": 1,
    "marks": {
        "saved_again": {"ok": True, "why": None},
        "optimizer": {"iterations": 3, "slots": 4, "filled": 2},
        "trained_step": {"ok": False, "why": "ValueError: no loss"},
    },
}
SAVED: dict[str, Any] = {
    "inputs": [{"name": "x", "dtype": "int8", "shape": [1], "bytes": 1}],
    "outputs": [{"name": "y", "dtype": "int8", "shape": [2], "bytes": 2}],
    "structure": "dict",
    "signature": LOADED["signature"],
    "steps": {"build": 1.5},
    "saves": [
        {"format": "h5", "outcome": "saved", "length": 3, "is_tar": False, "steps": {"save": 0.1}, "warnings": []},
        {"format": "keras", "outcome": "unsupported", "reason": "too old", "length": 0},
    ],
}
Reader = Callable[[bytes], object]
READERS: dict[str, tuple[Reader, dict[str, Any], bytes]] = {
    "hello": (protocol.hello, {"hello": {"versions": {"tensorflow": "2.9.3"}, "facts": {"cpus": 2}}}, b""),
    "answer": (lambda frame: protocol.answer(frame, 7), ENDING, b""),
    "load_report": (protocol.load_report, {"cells": [LOADED]}, b"\1\2"),
    "load_reports": (lambda said: protocol.load_reports(said, 2), {"cells": [LOADED, MARKED]}, b"\1\2\3"),
    "save_report": (protocol.save_report, SAVED, b"\1\2\3abc"),
    "arrays": (protocol.arrays, {"arrays": LOADED["outputs"]}, b"\1\2"),
}


def read(name: str, fields: dict[str, Any], body: bytes | None = None) -> object:
    """Give a reader a frame with these fields."""
    reader, _, good_body = READERS[name]
    return reader(wire.pack(fields, good_body if body is None else body))


def put(fields: dict[str, Any], place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """A copy of a JSON object with another value at one place."""
    copy: dict[str, Any] = json.loads(json.dumps(fields))
    target: Any = copy
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    return copy
