"""Unit tests cannot reach the world: a process or a connection of theirs fails the test that wanted it."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from tests.databases import Place


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break everything that starts a process or connects a socket, for every unit test."""
    monkeypatch.setattr(subprocess.Popen, "__init__", _refuse_process)
    monkeypatch.setattr(os, "system", _refuse_process)
    monkeypatch.setattr(socket.socket, "connect", _refuse_connection)
    monkeypatch.setattr(socket.socket, "connect_ex", _refuse_connection)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder for commands, and a wide terminal."""
    monkeypatch.setenv("TFMATRIX_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("TFMATRIX_DATABASE", raising=False)
    return tmp_path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where a test's database goes: an SQLite file here, a PostgreSQL database in tests/integration."""
    return tmp_path / "matrix.db"


@pytest.fixture(scope="module")
def lasting_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where the database of a module's tests goes."""
    return tmp_path_factory.mktemp("database") / "matrix.db"


def _refuse_process(*words: object, **_options: object) -> NoReturn:
    pytest.fail(f"a unit test started a process: {words[1:]}. Its place is tests/integration or tests/containers.")


def _refuse_connection(_socket: object, address: object) -> NoReturn:
    pytest.fail(f"a unit test connected to {address!r}. Its place is tests/integration or tests/containers.")
