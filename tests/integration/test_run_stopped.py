"""Runs that do not get to their end: what was measured is kept, and ``--resume`` finishes without loss or double."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.errors import ExitCode
from tests.containers.command import Home, Proxy, finish

pytestmark = pytest.mark.containers

SELECTION = ("2.4,2.21", "dense,conv,multi-io", "h5")
RUN = ("run", "--environments", SELECTION[0], "--models", SELECTION[1], "--formats", SELECTION[2])


def _assert_resumes(home: Home) -> None:
    """Assert that ``--resume`` measures what is missing, each cell once, and leaves no container."""
    code, said = home.run("run", "--resume")
    assert code == ExitCode.FINE, said
    wanted, known = home.cells(*SELECTION)
    assert known == set(wanted)
    assert home.count("cells") == len(wanted)
    assert home.count("saves") == 6
    assert home.containers() == 0


@pytest.mark.everything
def test_interrupted_run_keeps_what_it_measured(tmp_path: Path) -> None:
    """Ctrl-C: exit code 130, what was measured is kept, no container is left, and ``--resume`` finishes."""
    home = Home(tmp_path)
    process = home.start(*RUN)
    home.wait_for("cells", 1, process)
    seen = home.count("cells")
    os.kill(process.pid, signal.SIGINT)
    code, said = finish(process, seconds=60)
    assert code == ExitCode.INTERRUPTED, said
    assert "--resume" in said
    assert home.count("cells") >= seen
    assert home.containers() == 0
    _assert_resumes(home)


def test_killed_run_is_resumed(tmp_path: Path) -> None:
    """SIGKILL of the orchestrator: ``--resume`` finishes with no cell lost or doubled and no container left."""
    home = Home(tmp_path)
    process = home.start(*RUN)
    home.wait_for("saves", 2, process)
    process.kill()
    process.communicate()
    _assert_resumes(home)


@pytest.mark.everything
def test_engine_that_dies_in_the_middle(tmp_path: Path) -> None:
    """An engine that dies: exit code 4 with a clear message, and ``--resume`` finishes."""
    home = Home(tmp_path)
    proxy = Proxy(Path(tempfile.mkdtemp(prefix="tfm")), os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    process = home.start(*RUN, DOCKER_HOST=proxy.address)
    home.wait_for("saves", 2, process)
    proxy.die()
    code, said = finish(process, seconds=120)
    assert code == ExitCode.ENGINE, said
    assert "engine" in said
    assert "--resume" in said
    _assert_resumes(home)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1.5 MB."""
    if os.geteuid() != 0:
        pytest.fail("Mounting a small disk needs root: run `make test` as root, or in a container.")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", tmp_path], check=True)  # noqa: S603
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)  # noqa: S603


@pytest.mark.everything
def test_full_disk(small_disk: Path) -> None:
    """A full disk: exit code 8 with a clear message; with room again ``--resume`` finishes."""
    home = Home(small_disk)
    code, said = home.run(*RUN)
    assert code == ExitCode.DISK, said
    assert "No room is left" in said
    assert home.containers() == 0
    subprocess.run(["mount", "-o", "remount,size=100m", small_disk], check=True)  # noqa: S603
    _assert_resumes(home)
