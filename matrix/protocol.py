"""What host and probe say to each other. Pure: bytes in, values out, and back.

What comes from a container was written by a process that ran somebody's model: every field is checked, bounded and
cleaned here, and nothing behind this module looks at raw bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from images.probe import wire
from matrix.messages import (
    AgainJob,
    Arrays,
    Ending,
    EndKind,
    Job,
    Limits,
    LoadJob,
    LoadReport,
    Raised,
    SavedFormat,
    SaveJob,
    SaveReport,
    Tried,
)
from matrix.model import Format, Rung, SaveOutcome
from matrix.results import Identity, Signature, Tensor

MESSAGE_LIMIT = 8 << 10
TRACEBACK_LIMIT = 32 << 10
WARNINGS_LIMIT = 20
SOURCES = ("model", "sample_inputs")
"""Where a child has inputs from that nobody gave: what the loaded model states, or the builder script's function."""

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class ProtocolError(Exception):
    """A frame that no honest probe sends."""


def line(job_id: int, job: Job, limits: Limits, *, fresh: bool = False) -> bytes:
    """Return the JSON line that asks for a job."""
    fields: dict[str, Any] = {"job": job_id, "fresh": fresh}
    fields["limits"] = asdict(limits)
    match job:
        case SaveJob():
            fields |= {"kind": "save", **asdict(job)}
        case LoadJob():
            fields |= {"kind": "load", "cells": [asdict(cell) for cell in job.cells]}
        case AgainJob():
            fields |= {"kind": "again", **asdict(job)}
    return json.dumps(fields).encode() + b"\n"


@contextmanager
def _suspicion(what: str) -> Iterator[None]:
    """Whatever goes wrong in reading what a container said is the container's fault."""
    try:
        yield
    except ProtocolError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise ProtocolError(f"{what} is malformed: {error!r}") from error


@_suspicion("the probe's introduction")
def hello(frame: bytes) -> Identity:
    """Read the zygote's first frame."""
    fields = _unpack(frame)[0].get("hello")
    if not isinstance(fields, dict) or not isinstance(fields.get("versions"), dict):
        raise ProtocolError("the probe did not introduce itself")
    return Identity(versions={k: str(v) for k, v in fields["versions"].items()}, facts=dict(fields.get("facts") or {}))


@_suspicion("the probe's answer")
def answer(frame: bytes, job_id: int) -> tuple[Ending, bytes]:
    """Split the zygote's answer into what it saw and what the child said."""
    fields, body = _unpack(frame)
    if fields.get("job") != job_id:
        raise ProtocolError(f"the probe answered job {fields.get('job')!r}, not {job_id}")
    ending = Ending(
        kind=EndKind(fields["end"]["kind"]),
        code=int(fields["end"]["code"]),
        wall_seconds=float(fields["wall_seconds"]),
        peak_memory=int(fields["peak_memory"]),
        lane=str(fields["lane"]),
        noise=clean(fields["noise"], wire.MAX_HEADER),
        tampered=bool(fields["tampered"]),
        clean=bool(fields["clean"]),
    )
    return ending, body


@_suspicion("a load's report")
def load_reports(said: bytes, cells: int) -> tuple[LoadReport, ...]:
    """Read what a loading child said of each of its cells, of which there were so many."""
    fields, body = _unpack(said)
    entries = fields["cells"]
    if not isinstance(entries, list) or len(entries) != cells:
        raise ProtocolError(f"it was asked for {cells} cells and reports others")
    reports, offset = [], 0
    for entry in entries:
        length = int(entry.get("length", 0))
        if length < 0:
            raise ProtocolError(f"a cell's outputs have the length {length}")
        reports.append(_load_report(entry, body[offset : offset + length]))
        offset += length
    if offset != len(body):
        raise ProtocolError(f"{len(body) - offset} bytes belong to no cell")
    return tuple(reports)


def load_report(said: bytes) -> LoadReport:
    """Read what a child said that loaded one cell."""
    return load_reports(said, 1)[0]


def _load_report(fields: dict[str, Any], body: bytes) -> LoadReport:
    reached = str(fields.get("reached", "nothing")).upper()
    if reached not in Rung.__members__:
        raise ProtocolError(f"unknown rung {reached!r}")
    made = fields.get("made") or {}
    inputs, outputs = _parted(made.get("arrays"), body)
    return LoadReport(
        reached=Rung[reached],
        steps=_steps(fields.get("steps")),
        signature=_signature(fields.get("signature")),
        outputs=_arrays(fields.get("outputs") or [], outputs),
        raised=_raised(fields.get("exception")),
        warnings=_warnings(fields.get("warnings")),
        unsupported=_text_or_none(fields.get("unsupported")),
        tried=_tried(fields.get("marks")),
        inputs=_frame(made["arrays"], made.get("structure", "single"), inputs) if made.get("arrays") else None,
        source=_source(made),
        notes=_warnings(made.get("notes")),
        remarks=_warnings(fields.get("notes")),
    )


def _source(made: dict[str, Any]) -> str:
    """Return where a child says that it has inputs from; of itself alone it knows none but these."""
    return next((one for one in SOURCES if made.get("from") == one), "")


def _parted(specs: object, body: bytes) -> tuple[bytes, bytes]:
    """Cut off what these arrays need, and check that it is these arrays."""
    size = _size(specs or [])
    if not 0 <= size <= len(body):
        raise ProtocolError(f"it announces {size} bytes of arrays and has {len(body)}")
    _arrays(specs or [], body[:size])
    return body[:size], body[size:]


def _frame(specs: object, structure: object, body: bytes) -> bytes:
    """Make the frame that a later job can be given of inputs that a child had, and nothing else that it said of them."""
    plain, data = wire.encode_arrays(_arrays(specs, body))
    return wire.pack({"arrays": plain, "structure": clean(structure, 20)}, data)


@_suspicion("a save's report")
def save_report(said: bytes) -> SaveReport:
    """Read what a saving child said."""
    fields, body = _unpack(said)
    made = fields.get("made") or {}
    specs = [fields.get("inputs") or [], fields.get("outputs") or []]
    inputs, rest = _parted(specs[0], body)
    outputs, rest = _parted(specs[1], rest)
    return SaveReport(
        saves=tuple(_saved(fields.get("saves") or [], rest)),
        inputs=_frame(specs[0], fields.get("structure", "single"), inputs),
        outputs=wire.pack({"arrays": specs[1]}, outputs),
        signature=_signature(fields.get("signature")),
        steps=_steps(fields.get("steps")),
        raised=_raised(fields.get("exception")),
        unsupported=_text_or_none(fields.get("unsupported")),
        source=_source(made),
        notes=_warnings(made.get("notes")),
        remarks=_warnings(fields.get("notes")),
    )


@_suspicion("a frame of arrays")
def arrays(frame: bytes) -> Arrays:
    """Read a stored frame of arrays, such as a saver's outputs."""
    fields, body = _unpack(frame)
    return _arrays(fields.get("arrays"), body)


def clean(text: object, limit: int) -> str:
    """Return text without control or direction characters, cut at ``limit`` characters."""
    cleaned = _CONTROL.sub("", str(text))[:limit]
    return cleaned.encode("utf-8", "replace").decode()  # half a surrogate pair can be read, but not written down


def _unpack(frame: bytes) -> tuple[dict[str, Any], bytes]:
    return wire.unpack(frame)


def _arrays(specs: object, body: bytes) -> Arrays:
    return tuple(wire.decode_arrays(specs, body))


def _size(specs: Any) -> int:  # noqa: ANN401  what a child wrote
    return sum(int(spec["bytes"]) for spec in specs)


def _saved(entries: Sequence[Any], data: bytes) -> list[SavedFormat]:
    saves, offset = [], 0
    for entry in entries:
        length = int(entry.get("length", 0))
        if length < 0:
            raise ProtocolError(f"a save has the length {length}")
        end = offset + length
        saves.append(_saved_format(entry, data[offset:end]))
        offset = end
    if offset != len(data):
        raise ProtocolError(f"{len(data) - offset} bytes belong to no save")
    return saves


def _saved_format(entry: dict[str, Any], data: bytes) -> SavedFormat:
    return SavedFormat(
        format=Format(entry["format"]),
        outcome=SaveOutcome(entry["outcome"]),
        reason=_text_or_none(entry.get("reason")),
        raised=_raised(entry.get("exception")),
        warnings=_warnings(entry.get("warnings")),
        steps=_steps(entry.get("steps")),
        is_tar=bool(entry.get("is_tar", False)),
        data=data,
    )


def _raised(fields: object) -> Raised | None:
    if not isinstance(fields, dict):
        return None
    frames = fields.get("frames") or []
    return Raised(
        exception=clean(fields.get("class", "?"), 200),
        message=clean(fields.get("message", ""), MESSAGE_LIMIT),
        traceback=clean(fields.get("traceback", ""), TRACEBACK_LIMIT),
        frames=tuple(clean(frame, 200) for frame in frames[-5:]),
    )


def _tried(fields: object) -> Tried | None:
    if not isinstance(fields, dict):
        return None
    optimizer = fields["optimizer"] or {"iterations": None, "slots": 0, "filled": 0}
    iterations = optimizer["iterations"]
    return Tried(
        save_failure=_why(fields["saved_again"]),
        step_failure=_why(fields["trained_step"]),
        iterations=None if iterations is None else int(iterations),
        slots=int(optimizer["slots"]),
        filled=int(optimizer["filled"]),
    )


def _why(attempt: dict[str, Any]) -> str | None:
    return None if attempt["ok"] else clean(attempt["why"], 1000)


def _signature(fields: object) -> Signature | None:
    if not isinstance(fields, dict):
        return None
    return Signature(inputs=_tensors(fields.get("inputs")), outputs=_tensors(fields.get("outputs")))


def _tensors(entries: object) -> tuple[Tensor, ...]:
    if not isinstance(entries, list):
        return ()
    return tuple(_tensor(entry) for entry in entries[:1000] if isinstance(entry, dict))


def _tensor(entry: dict[str, Any]) -> Tensor:
    shape = entry.get("shape")
    sizes = tuple(n if type(n) is int else None for n in shape) if isinstance(shape, list) else None
    return Tensor(name=clean(entry.get("name", ""), 200), shape=sizes, dtype=clean(entry.get("dtype", ""), 40))


def _steps(fields: object) -> dict[str, float]:
    if not isinstance(fields, dict):
        return {}
    return {
        clean(key, 40): float(value)
        for key, value in list(fields.items())[:20]
        if isinstance(value, int | float) and np.isfinite(value)
    }


def _warnings(entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list):
        return ()
    return tuple(clean(entry, 2000) for entry in entries[:WARNINGS_LIMIT])


def _text_or_none(value: object) -> str | None:
    return None if value is None else clean(value, 2000)
