"""Where nothing may be installed a person is told in three lines what to do."""

from __future__ import annotations

import os
import shutil

import pytest

from images.bootstrap import engine
from matrix.errors import EngineError, ExitCode


@pytest.fixture(autouse=True)
def nothing_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of the machine that runs the tests are left alone."""
    monkeypatch.setattr(engine, "upgrade_parts", lambda _say: None)


@pytest.fixture
def fedora(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose packages are not ours to install."""
    monkeypatch.setattr(engine, "_os_release", lambda: {"ID": "fedora"})


@pytest.mark.usefixtures("fedora")
def test_no_engine_on_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither apt nor a package list is touched; the next step has three lines."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "_answers", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(EngineError, match="No container engine is installed") as caught:
        engine.ensure_engine(lambda _words: None)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert [line[:2] for line in caught.value.next_step.splitlines()] == ["1.", "2.", "3."]


@pytest.mark.usefixtures("fedora")
def test_an_engine_without_buildx_on_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said, not that the engine were."""
    monkeypatch.setattr(engine, "_answers", lambda: True)
    monkeypatch.setattr(engine, "buildx_version", lambda: None)
    with pytest.raises(EngineError, match="An engine answers without buildx") as caught:
        engine.ensure_engine(lambda _words: None)
    assert "buildx" in caught.value.next_step


def test_only_buildx_is_added_to_an_engine_that_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that somebody chose is not replaced by the distribution's."""
    installed: list[str] = []
    versions = iter([None, "0.13.1"])
    monkeypatch.setattr(engine, "_answers", lambda: True)
    monkeypatch.setattr(engine, "buildx_version", lambda: next(versions))
    monkeypatch.setattr(engine, "_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "trixie"})
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _name: "/usr/bin/docker")
    monkeypatch.setattr(engine, "install", lambda packages, _say: installed.extend(packages))
    engine.ensure_engine(lambda _words: None)
    assert installed == ["docker-buildx"]
