"""What is refused of what could be read: kinds that are not taken here, and what no container has room for. Pure.

Both are settings of whoever runs the site; only who looked into a file knows its kind and its size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from matrix.config import UPLOAD_KINDS
from matrix.uploads.model import Part

SCRIPTS: Final = (Part.BUILDER, Part.CUSTOM_OBJECTS)
"""Parts that are a kind of their own, whatever they stand beside."""


def script_not_taken(parts: Collection[Part], taken: Collection[str]) -> Part | None:
    """Return a script among these parts that is not taken here."""
    return next((one for one in SCRIPTS if one in parts and one.value not in taken), None)


def of_these(found: Mapping[str, Any], parts: Collection[Part], taken: Collection[str]) -> dict[str, Any]:
    """Return what an inspector found; it is refused where it, or a script beside it, is of a kind that is not taken."""
    if found["refused"] is not None:
        return dict(found)
    if found["kind"] in UPLOAD_KINDS and found["kind"] not in taken:
        return {**found, "refused": _refusal(f"It is of the kind {found['kind']}, which is not taken here.", taken)}
    if script := script_not_taken(parts, taken):
        return {**found, "refused": _refusal(f"A script came beside it ({script}), and none is taken here.", taken)}
    return dict(found)


def fitting(found: dict[str, Any], most_bytes: int) -> dict[str, Any]:
    """Return what an inspector found; it is refused where no container has room for a single copy of it."""
    if found.get("refused") is not None or int(found.get("unpacked") or 0) <= most_bytes:
        return found
    sizes = f"{found['unpacked'] >> 20:,} MiB", f"{most_bytes >> 20:,} MiB"
    refused = {
        "code": "unpacks-too-large",
        "message": f"It unpacks to {sizes[0]}, and a container here has room for {sizes[1]}.",
        "next_step": "Hand it in without what is not needed to load it; or whoever runs this site raises TFMATRIX_MEMORY.",
    }
    return {**found, "refused": refused}


def _refusal(message: str, taken: Collection[str]) -> dict[str, str]:
    listed = ", ".join(one for one in UPLOAD_KINDS if one in taken) or "none"
    return {
        "code": "kind-not-taken",
        "message": message,
        "next_step": f"Kinds that are: {listed}. Whoever runs this site sets TFMATRIX_UPLOAD_KINDS; elsewhere all are taken.",
    }
