"""How pages of uploads are visited: on this machine's own site, with the database as its runner writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from matrix.store import Store, open_store
from matrix.uploads.model import Upload
from service.alive import sign_of
from tests.site import HERE, Visitor, visiting

MODEL: Final = {"model": ("m.h5", b"\x89HDF")}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of this machine's own site, where a runner lives."""
    open_store(tmp_path / "matrix.db").close()
    sign_of(tmp_path).touch()
    with visiting(tmp_path, base_url=HERE) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path, visitor: Visitor) -> Iterator[Store]:  # noqa: ARG001  (it is open by then)
    """The database, as the runner writes it."""
    with open_store(tmp_path / "matrix.db") as opened:
        yield opened


def at(upload: Upload, what: str = "") -> str:
    """An upload's address."""
    return f"/u/{upload.id}{what}"


def text(page: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
