"""A site takes the kinds that are set, whatever a file is called; the first answer is told all the same."""

from __future__ import annotations

from typing import Any

import pytest

from matrix.uploads.admission import of_these
from matrix.uploads.model import Part
from tests.upload_samples import INSPECTION


def found(kind: str | None, taken: set[str], refused: object = None, *beside: Part) -> dict[str, Any]:
    """What is said of a file of a kind, and of what stands beside it."""
    return of_these({**INSPECTION, "kind": kind, "refused": refused}, {Part.MODEL, *beside}, taken)


def test_what_is_taken_passes() -> None:
    """Unchanged."""
    assert found("h5", {"h5", "keras"}) == {**INSPECTION, "kind": "h5"}


def test_what_is_not_is_refused_with_what_is_known() -> None:
    """A sentence, what is taken, and the first answer."""
    said = found("h5", {"keras"})
    assert (said["refused"]["code"], "h5" in said["refused"]["message"]) == ("kind-not-taken", True)
    assert "Kinds that are: keras." in said["refused"]["next_step"]
    assert said["saved_with"] == INSPECTION["saved_with"]


def test_what_is_refused_already_keeps_its_reason() -> None:
    """The inspector knows best."""
    assert found(None, {"keras"}, {"code": "empty", "message": "It is empty."})["refused"]["code"] == "empty"


@pytest.mark.parametrize("part", [Part.BUILDER, Part.CUSTOM_OBJECTS])
def test_a_script_beside_a_model_is_a_kind_of_its_own(part: Part) -> None:
    """Whatever way it came: web looks at it as well, and is not the only door."""
    assert found("h5", {"h5", part.value}, None, part)["refused"] is None
    said = found("h5", {"h5"}, None, part)["refused"]
    assert (said["code"], part.value in said["message"]) == ("kind-not-taken", True)
    assert found("h5", {"h5"}, None, Part.INPUTS, Part.ARCHITECTURE)["refused"] is None
