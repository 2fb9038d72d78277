"""What an upload's row says to a script that asked for some versions: an exit code, and what is lacking. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from matrix.catalog import load_environments
from matrix.errors import ExitCode, IncompleteError
from matrix.selection import ALL, BASE, select_environments
from matrix.uploads.ways import BUILDER
from reports.lines import in_order
from reports.ranges import label, spans

FINE: Final = frozenset({"pass"})
UNAVAILABLE: Final = "unavailable"
UNKNOWN: Final = frozenset({"loads", "harness-broken", "not-measured", UNAVAILABLE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The versions that have to load a model, by id. ``words`` are those they were named with: empty where nobody did."""

    environments: tuple[str, ...]
    words: str = ""
    server: str = ""


def asked_for(words: str, server: str, *, overlays: bool) -> Asked:
    """Return what somebody asks for: every TensorFlow by default, and with ``overlays`` every Keras as well.

    Raises:
        UsageError: The words name what does not exist.
    """
    chosen = select_environments(words or (ALL if overlays else BASE), load_environments())
    return Asked(environments=tuple(one.id for one in chosen), words=words, server=server)


def exit_code(document: Mapping[str, Any], asked: Asked) -> ExitCode:
    """Return what an upload comes to; where nobody named versions, all that was tried beside counts as well."""
    if document["state"] == "refused":
        return ExitCode.FINDINGS
    outcomes = _outcomes(document, asked).values()
    if any(outcome not in FINE | UNKNOWN for outcome in outcomes):
        return ExitCode.FINDINGS
    is_whole = document["finished"] and document["state"] != "failed"
    return ExitCode.FINE if is_whole and all(outcome in FINE for outcome in outcomes) else ExitCode.INCOMPLETE


def incomplete(document: Mapping[str, Any], asked: Asked) -> IncompleteError:
    """Return what is said where an upload comes to no answer: what is not known, why, and what helps."""
    if document["message"]:
        return IncompleteError(document["message"], next_step=document["next_step"])
    outcomes = _outcomes(document, asked)
    found = [
        said(members, document, asked)
        for outcome, said in ((UNAVAILABLE, _absent), ("harness-broken", _broken), ("loads", _uncompared))
        if (members := [name for name, one in outcomes.items() if one == outcome])
    ]
    if not found:
        return IncompleteError("Not everything that was asked for is known.", next_step="Ask again in a moment.")
    return IncompleteError(" ".join(message for message, _ in found), next_step=found[0][1])


def _outcomes(document: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    """What came of each version that counts."""
    found = {place["environment"]: str(place["outcome"]) for place in document["row"]["places"]}
    wanted = {name: found.get(name, UNAVAILABLE) for name in asked.environments}
    return wanted if asked.words else found | wanted


def _absent(members: Collection[str], _document: Mapping[str, Any], asked: Asked) -> tuple[str, str]:
    is_not, them = ("is not", "it") if len(members) == 1 else ("are not", "them")
    message = f"{_named(members)} {is_not} built {_at(asked)}, so nothing is known of {them}."
    if asked.server:
        return message, f"Whoever runs {asked.server} can build {them}; or name with --serve-with what is there."
    words = f" --environments {shlex.quote(asked.words)}" if asked.words else ""
    if not words and any("+" in name for name in members):
        words = f" --environments {ALL}"
    return message, f"`tfmatrix setup{words}` builds what is missing; then ask again."


def _broken(members: Collection[str], _document: Mapping[str, Any], asked: Asked) -> tuple[str, str]:
    themselves, them = ("itself", "it") if len(members) == 1 else ("themselves", "them")
    message = f"{_named(members)} did not prove {themselves}, so nothing is known of {them}."
    if asked.server:
        return message, f"Whoever runs {asked.server} rebuilds {them}."
    words = ",".join(map(label, members))
    return message, f"`tfmatrix images build --environments {words} --again` rebuilds {them}; then ask again."


def _uncompared(members: Collection[str], document: Mapping[str, Any], _asked: Asked) -> tuple[str, str]:
    note = document["note"]
    message = f"It loads in {_named(members)}, and its answers are compared with nothing."
    if (document["identity"] or {}).get("kind") == BUILDER:
        step = "Check a file that one version saved; or see with --save-again what one saves and another loads."
        return f"{message} {note}", step
    if note:
        return f"{message} {note}", "Make it answer the same each time, without anything random; then ask again."
    step = "Give it what it takes with --inputs FILE.npz: one array for each input, by its name."
    return f"It loads in {_named(members)} and was not called: nobody knows what it takes.", step


def _at(asked: Asked) -> str:
    return f"at {asked.server}" if asked.server else "here"


def _named(members: Collection[str]) -> str:
    return spans(members, [one.id for one in in_order(load_environments())])
