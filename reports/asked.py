"""What was asked of a run or a request, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matrix.selection import DEFAULTS
from reports.known import Known
from reports.ranges import spans

_FEW: Final = 4


def of_run(known: Known, selection: Mapping[str, Any]) -> str:
    """Return the selection that a run noted, such as ``2.4-2.21, 40 models, 7 formats``."""
    ids = [one.id for one in known.cube.environments]
    environments = _names(selection.get("environments"))
    parts = [spans(set(environments), ids) or f"{len(environments)} environments"] if environments else []
    for name in ("models", "formats", "methods"):
        words = _names(selection.get(name))
        parts += [_few(words, name)] if words else []
    return ", ".join(parts) or "everything"


def of_request(body: Mapping[str, Any]) -> str:
    """Return the words of a request, without what everybody gets by themselves."""
    said = [
        f"{name} {','.join(_names(body[name])) or 'in words that nobody understands'}"
        for name, default in DEFAULTS.items()
        if body.get(name, default) not in (default, [default])
    ]
    return "; ".join([*(said or ["everything"]), *(["again"] if body.get("again") else [])])


def _names(words: object) -> Sequence[str]:
    match words:
        case str():
            return [words]
        case list() | tuple():
            return [str(word) for word in words]
        case _:
            return []


def _few(words: Sequence[str], name: str) -> str:
    return " and ".join(words) if len(words) <= _FEW // 2 else f"{len(words)} {name}"
