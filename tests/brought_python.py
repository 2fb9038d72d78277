"""Python as somebody brings it beside a model, put where the probe looks for it; what it builds needs no framework."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.probe_code import probe

brought = probe("brought")


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the probe takes for /in; what it imported is forgotten afterwards."""
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.setattr(brought, "INBOX", str(folder))
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "work").mkdir()
    yield folder
    for name in ("builder", "custom_objects"):
        sys.modules.pop(name, None)


def what(**parts: str) -> dict[str, Any]:
    """What came with a model."""
    nothing = {"packing": "file", "root": "", "architecture": None, "custom_objects": None, "builder": None}
    return nothing | parts


class Keras:
    """What tells a Keras model, with what it states."""

    def __init__(self, **stated: Any) -> None:
        vars(self).update(stated)

    def train_on_batch(self) -> None:
        """Tell it from a module."""


def built(inbox: Path, tmp_path: Path, source: str) -> Any:
    """Build what a builder builds; ``Keras`` is at hand there."""
    (inbox / "b").write_text(f"from {__name__} import Keras\nimport numpy as np\n{source}")
    sys.modules[__name__] = sys.modules.get(__name__) or SimpleNamespace(Keras=Keras)  # type: ignore[assignment]
    return brought.recipe(what(builder="b"), str(tmp_path / "work")).build(None)
