"""PostgreSQL comes from the distribution where it may, and leaves no server behind that nobody asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from images.bootstrap import postgresql
from matrix.errors import BuildError, ExitCode


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Root on a Debian without PostgreSQL."""
    monkeypatch.setattr(postgresql, "VERSIONS", tmp_path / "versions")
    monkeypatch.setattr(postgresql, "CLUSTER_SETTINGS", tmp_path / "etc" / "createcluster.d")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)


def test_the_package_makes_no_server_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While it is installed a setting forbids it; afterwards the machine's settings are what they were."""
    seen: list[str] = []

    def install(packages: list[str], _say: object) -> None:
        seen.extend([*packages, *(one.read_text() for one in (tmp_path / "etc" / "createcluster.d").iterdir())])

    monkeypatch.setattr(postgresql, "install", install)
    assert postgresql.main() == ExitCode.FINE
    assert seen == ["postgresql", "create_main_cluster = false\n"]
    assert not (tmp_path / "etc" / "createcluster.d").exists()


def test_an_install_that_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its exit code; other people's settings stay."""
    others = tmp_path / "etc" / "createcluster.d" / "site.conf"
    others.parent.mkdir(parents=True)
    others.touch()

    def install(_packages: list[str], _say: object) -> None:
        raise BuildError("apt-get update failed: no mirror", next_step="Its log: apt.log")

    monkeypatch.setattr(postgresql, "install", install)
    assert postgresql.main() == ExitCode.BUILD
    assert capsys.readouterr().err == "error: apt-get update failed: no mirror\nnext: Its log: apt.log\n"
    assert list(others.parent.iterdir()) == [others]


def test_who_may_not_install_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not root: nothing is tried."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert postgresql.main() == ExitCode.INCOMPLETE
    assert "install PostgreSQL" in capsys.readouterr().err


def test_the_newest_version_is_used(tmp_path: Path) -> None:
    """By number; what is left of one that was removed is none."""
    for version, program in (("9", "initdb"), ("15", "initdb"), ("17", "psql")):
        folder = tmp_path / "versions" / version / "bin"
        folder.mkdir(parents=True)
        (folder / program).touch()
    assert postgresql.programs() == tmp_path / "versions" / "15" / "bin"
    assert postgresql.main() == ExitCode.FINE
