"""The probe is handed to the engine through the home folder, which is the one place that both see."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.engines.docker import PROBE
from matrix.engines.handover import handed_over
from matrix.errors import UsageError


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_probe_is_copied_once_and_whole(tmp_path: Path) -> None:
    """All of its code is there, no bytecode, nothing half made; the second time nothing is written."""
    copy = handed_over(PROBE, tmp_path)
    assert copy.parent == tmp_path / "probe"
    assert files(copy) == {name: content for name, content in files(PROBE).items() if not name.endswith(".pyc")}
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert handed_over(PROBE, tmp_path) == copy
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


def test_another_probe_has_another_place(tmp_path: Path) -> None:
    """A run of older code that still goes on keeps the probe it began with."""
    probe = tmp_path / "code"
    probe.mkdir()
    (probe / "zygote.py").write_text("1")
    before = handed_over(probe, tmp_path)
    (probe / "zygote.py").write_text("2")
    after = handed_over(probe, tmp_path)
    assert [(one / "zygote.py").read_text() for one in (before, after)] == ["1", "2"]
    assert sorted(path.name for path in (tmp_path / "probe").iterdir()) == sorted([before.name, after.name])


def test_a_home_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    """A sentence and a next step, no traceback."""
    home = tmp_path / "home"
    home.write_text("a file in the way")
    with pytest.raises(UsageError, match="cannot be written") as caught:
        handed_over(PROBE, home)
    assert "TFMATRIX_HOME" in caught.value.next_step
