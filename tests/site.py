"""A site to visit in tests: the whole app in this process, on a small made-up matrix.

    def test_home(visitor: Visitor) -> None:
        assert "2.21" in visitor.get("/").text

``visitor`` and ``empty_visitor`` are fixtures: ``from tests.site import visitor  # noqa: F401`` brings one to a module. Who
wants a home of its own calls ``visiting``:

    with visiting(tmp_path) as visitor: ...                  # whatever is in that folder; nothing makes a database
    with visiting(tmp_path, filled=True) as visitor: ...     # a copy of the made-up matrix, to change as one likes

No test changes the shared home. ``visitor.get`` follows no redirect, and a fault of the app is an answer with status 500,
as it is to people; ``visitor.app.state.service`` is what the app holds.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from matrix.config import Settings
from matrix.store import open_store
from service.app import create_app
from tests import upload_samples
from tests.big_matrix import Size, fill

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette wants another client by now; ours does for tests
    from starlette.testclient import TestClient

Visitor = TestClient
HERE: Final = "http://127.0.0.1:8321"
"""How somebody on this machine calls a site."""
SIZE: Final = Size(cells=4_000, nights=6, changes=0.01, environments="base")


@contextmanager
def visiting(
    home: Path, *, filled: bool = False, base_url: str = "http://testserver", **settings: Any
) -> Iterator[Visitor]:
    """An app on the database of this home, started and in the end closed, visited by the name that ``base_url`` has."""
    if filled:
        shutil.copy(shared_home() / "matrix.db", home / "matrix.db")
    app = create_app(Settings(home=home, **settings))
    with TestClient(app, base_url, follow_redirects=False, raise_server_exceptions=False) as visitor:
        yield visitor


@cache
def shared_home() -> Path:
    """A home with the made-up matrix and some uploads, made once for all tests of a session."""
    home = Path(tempfile.mkdtemp(prefix="tfmatrix-site-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    fill(home / "matrix.db", SIZE)
    with open_store(home / "matrix.db") as store:
        upload_samples.fill(store)
    return home


@pytest.fixture(scope="session")
def visitor() -> Iterator[Visitor]:
    """A visitor of the made-up matrix."""
    with visiting(shared_home()) as one:
        yield one


@pytest.fixture
def empty_visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of a matrix in which nothing was measured yet."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path) as one:
        yield one
