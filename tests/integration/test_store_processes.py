"""Several processes, one of them killed, and a disk that is full: nothing recorded is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.blobs import Blobs
from matrix.errors import DiskFullError, ExitCode
from matrix.store import open_store
from tests.databases import Place, connected
from tests.store_samples import NOON, artifact, cell, failed_cell, failure, save

ROOT = Path(__file__).parents[2]
BATCH = 5

WRITER = """
import sys
from matrix.store import open_store
from tests.store_samples import NOON, artifact, cell, save

place, name, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_store(place, busy_seconds=60) as store:
    run = store.write.begin_run({"name": name}, {}, NOON)
    store.write.record_save(run, save(name), NOON)
    for number in range(batches):
        loaders = [f"{number}-{i}" for i in range(5)]
        store.write.record_cells(run, [cell(loader, of=artifact(name, "dense")) for loader in loaders], NOON)
        print(number, flush=True)
"""


def writer(place: Place, name: str, batches: int) -> subprocess.Popen[str]:
    """Another process that records batches of five cells and prints each batch's number once it is recorded."""
    command = [sys.executable, "-c", WRITER, str(place), name, str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: S603


def recorded(place: Place, name: str, batches: int) -> int:
    """How many cells of a writer are known."""
    made = artifact(name, "dense")
    with open_store(place, create=False) as store:
        keys = [cell(f"{number}-{i}", of=made).key for number in range(batches) for i in range(BATCH)]
        return len(store.read.known_cells(keys))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A database of either kind that is not there, or empty."""
    if request.param == "sqlite":
        yield tmp_path / "matrix.db"
        return
    with request.getfixturevalue("cluster").database() as url:
        yield url


def test_processes_make_and_write_one_database_together(place: Place) -> None:
    """Both make it if it is not there, both wait for each other, and every cell arrives."""
    names = ("a", "b", "c")
    writers = [writer(place, name, 20) for name in names]
    for process in writers:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert [recorded(place, name, 20) for name in names] == [20 * BATCH] * 3
    with open_store(place) as store:
        assert len(store.read.runs(10)) == 3


def test_a_writer_killed_in_the_middle_leaves_all_it_recorded(place: Place) -> None:
    """The database opens, is sound, holds what was said to be recorded, and whole batches only."""
    process = writer(place, "killed", 100_000)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 20:
            break
    os.kill(process.pid, signal.SIGKILL)
    said = [int(line) for line in process.communicate()[0].split()]
    last = max(said, default=20)
    found = recorded(place, "killed", last + 50)
    assert found >= (last + 1) * BATCH
    assert found % BATCH == 0
    with open_store(place) as store:
        unfinished = store.read.last_unfinished_run()
        assert unfinished is not None
        assert unfinished.selection == {"name": "killed"}
        store.write.record_cell(unfinished.id, cell(of=artifact("killed", "dense")), NOON)
    if isinstance(place, Path):
        with connected(place) as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted, which takes root: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S603


def test_a_full_disk_is_told_and_nothing_recorded_is_lost(small_disk: Path) -> None:
    """What was recorded before stays readable; once there is room, recording goes on."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    kept = []
    with open_store(small_disk / "matrix.db") as store:
        run = store.write.begin_run({}, {}, NOON)
        store.write.record_save(run, save(), NOON)
        with pytest.raises(DiskFullError) as caught:  # noqa: PT012  (which of them fails is the disk's affair)
            for number in range(1000):
                long = replace(failure(f"kind {number}"), traceback="x" * 20_000)
                store.write.record_cell(run, failed_cell(loader=str(number), failure=long), NOON)
                kept.append(failed_cell(loader=str(number), failure=long))
        assert caught.value.exit_code is ExitCode.DISK
        assert "resume" in caught.value.next_step
        assert store.read.cells([one.key for one in kept]) == {one.key: one for one in kept}
        ballast.unlink()
        store.write.record_cell(run, cell(), NOON)
    with open_store(small_disk / "matrix.db") as store:
        assert len(store.read.cells([one.key for one in [*kept, cell()]])) == len(kept) + 1


def test_a_database_is_not_half_made_on_a_full_disk(small_disk: Path) -> None:
    """It is said, and with room it is made."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (2 * 1024 * 1024 - 40_960))
    with pytest.raises(DiskFullError):
        open_store(small_disk / "matrix.db")
    ballast.unlink()
    with open_store(small_disk / "matrix.db") as store:
        assert store.write.begin_run({}, {}, NOON) == 1


def test_a_blob_is_whole_or_absent_on_a_full_disk(small_disk: Path) -> None:
    """No temporary file is left in the room that is short."""
    blobs = Blobs(small_disk / "blobs")
    small = blobs.put(b"small")
    with pytest.raises(DiskFullError):
        blobs.put(os.urandom(3_000_000))
    assert blobs.get(small) == b"small"
    assert [file.name for file in (small_disk / "blobs").rglob("*") if file.is_file()] == [small]


def test_a_blob_is_copied_to_another_disk(small_disk: Path, tmp_path: Path) -> None:
    """A hard link cannot cross; a copy too large for that disk is not left there in part."""
    blobs = Blobs(tmp_path / "blobs")
    assert blobs.link_into(blobs.put(b"small"), small_disk / "inbox", "a").read_bytes() == b"small"
    large = blobs.put(os.urandom(3_000_000))
    with pytest.raises(DiskFullError):
        blobs.link_into(large, small_disk / "inbox", "b")
    assert [file.name for file in (small_disk / "inbox").iterdir()] == ["a"]
