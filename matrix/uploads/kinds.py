"""Which kinds of uploads are taken: a setting of whoever runs the site; only who looked into a file knows its kind. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from matrix.config import UPLOAD_KINDS
from matrix.uploads.case import Inspect
from matrix.uploads.model import Parts


def of_these(inspect: Inspect, taken: Collection[str]) -> Inspect:
    """Return what inspects as ``inspect`` does, and refuses what is of another kind than those."""

    def inspected(parts: Parts) -> dict[str, Any]:
        found = inspect(parts)
        if found["refused"] is not None or found["kind"] in taken or found["kind"] not in UPLOAD_KINDS:
            return found
        return {**found, "refused": _refusal(found["kind"], taken)}

    return inspected


def _refusal(kind: str, taken: Collection[str]) -> dict[str, str]:
    listed = ", ".join(one for one in UPLOAD_KINDS if one in taken) or "none"
    return {
        "code": "kind-not-taken",
        "message": f"It is of the kind {kind}, which is not taken here.",
        "next_step": f"Kinds that are: {listed}. Whoever runs this site sets TFMATRIX_UPLOAD_KINDS; elsewhere all are taken.",
    }
