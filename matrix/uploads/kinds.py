"""Which kinds of uploads are taken: a setting of whoever runs the site; only who looked into a file knows its kind. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from matrix.config import UPLOAD_KINDS


def of_these(found: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """Return what an inspector found; it is refused where it is of another kind than those that are taken."""
    if found["refused"] is not None or found["kind"] in taken or found["kind"] not in UPLOAD_KINDS:
        return dict(found)
    return {**found, "refused": _refusal(found["kind"], taken)}


def _refusal(kind: str, taken: Collection[str]) -> dict[str, str]:
    listed = ", ".join(one for one in UPLOAD_KINDS if one in taken) or "none"
    return {
        "code": "kind-not-taken",
        "message": f"It is of the kind {kind}, which is not taken here.",
        "next_step": f"Kinds that are: {listed}. Whoever runs this site sets TFMATRIX_UPLOAD_KINDS; elsewhere all are taken.",
    }
