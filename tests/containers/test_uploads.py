"""An upload from the command to its row, in real containers: who loads it, who agrees, what is left behind."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from images.bootstrap.engine import connect
from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.messages import Packing, SaveJob
from matrix.model import Format, Verdict
from matrix.protocol import save_report
from matrix.store import open_store
from matrix.uploads.attempt import Inputs, Seat, build
from matrix.uploads.model import Options, Part, PartFile, UploadState
from matrix.uploads.ways import Ways
from matrix.uploads.work import LABEL
from service.uploads.working import upload_work
from tests.containers.command import Home, finish
from tests.containers.conftest import TESTED, MakeSession
from tests.fake_uploads import hand_in, until

pytestmark = pytest.mark.containers

ASKED = ("--serve-with", ",".join(TESTED))


@pytest.fixture(scope="module")
def model(make_session: MakeSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that 2.15 saved as HDF5, with its optimizer: 2.4 reads it only without that."""
    with make_session("tf2.15") as opened:
        _, said = opened.run(SaveJob(model="dense", formats=(Format.H5,)))
    file = tmp_path_factory.mktemp("model") / "model.h5"
    file.write_bytes(save_report(said).saves[0].data)
    return file


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home folder that the tests of this module share."""
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def nothing_left(home: Home) -> Iterator[None]:
    """No container, and no folder of one, outlives what it was for."""
    yield
    assert standing(home.path) == 0
    for folder in ("door", "inbox", "inspect"):
        assert list((home.path / "uploads").glob(f"{folder}/*")) == []


def when_measured(home: Home) -> list[str]:
    """When each cell of an upload was measured."""
    with contextlib.closing(sqlite3.connect(home.database)) as opened:
        return [row[0] for row in opened.execute("SELECT measured_at FROM upload_cells ORDER BY id")]


def standing(home: Path) -> int:
    """How many containers of a home's uploads there are."""
    with contextlib.closing(connect()) as client:
        found = client.containers.list(all=True, filters={"label": f"{LABEL}={home}"}, ignore_removed=True)
        return len(found)


@pytest.mark.usefixtures("nothing_left")
def test_check_says_what_loads_it_and_the_second_time_at_once(home: Home, model: Path) -> None:
    """The saver's version and a newer one pass, an old one needs another way; then all of it is known."""
    code, said = home.run("check", str(model), *ASKED, COLUMNS="200")
    assert code == 1, said
    assert "Saved with Keras 2.15.0." in said
    assert (
        "Loads and gives the same answers in 2.15, 2.21; fails in 2.4; by another method it loads in 2.4, too." in said
    )
    assert "tried, and works: it loads with compile=False." in said
    measured = when_measured(home)
    assert home.run("check", str(model), "--serve-with", "2.15,2.21")[0] == 0
    assert when_measured(home) == measured, "what is known was run again"


@pytest.mark.usefixtures("nothing_left")
def test_what_is_no_model_is_told_so(home: Home, tmp_path: Path) -> None:
    """No TensorFlow is started for it."""
    file = tmp_path / "holiday.h5"
    file.write_bytes(b"\xff\xd8\xff\xe0 a photograph" * 100)
    code, said = home.run("check", str(file), *ASKED)
    assert code == 1, said
    assert "Traceback" not in said


@pytest.mark.usefixtures("nothing_left")
def test_a_stopped_check_leaves_nothing_running_and_goes_on(home: Home, model: Path, tmp_path: Path) -> None:
    """Ctrl-C takes the containers down; what was found stays."""
    other = tmp_path / "other.h5"
    other.write_bytes(model.read_bytes() + b"another")
    process = home.start("check", str(other), *ASKED)
    deadline = time.monotonic() + 90
    while standing(home.path) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(2)
    code, said = finish(process)
    assert code == 130, said
    assert standing(home.path) == 0


@pytest.mark.everything
def test_warm_containers_wait_empty_and_are_replaced(home: Home, model: Path) -> None:
    """Each serves one upload; the next one has another container."""
    settings = Settings(home=home.path / "warm", warm=1, lanes=1)
    with open_store(settings.home / "matrix.db") as store:
        work = upload_work(settings, store, lambda _: None)
        with work.running():
            while not work.warm():
                time.sleep(0.1)
            before = containers_of(settings.home)
            inboxes = list((settings.home / "uploads" / "inbox").iterdir())
            assert [list(path.iterdir()) for path in inboxes] == [[]]
            asked = Options(environments=("tf2.21",), save_again=False)
            upload_id = hand_in(work.door, model.read_bytes(), options=asked)
            upload = until(work, store, upload_id, lambda one: one.state.is_over)
            assert upload.state is UploadState.DONE, upload.message
            deadline = time.monotonic() + 60
            while not work.warm() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert containers_of(settings.home).isdisjoint(before)
        assert standing(settings.home) == 0
        assert Blobs(settings.home / "uploads" / "files").path(upload.parts[next(iter(upload.parts))].sha256).exists()


@pytest.mark.everything  # in `make test` with doubles: tests/unit/test_session.py
def test_a_container_that_dies_while_it_waits_costs_a_script_nothing(make_session: MakeSession, tmp_path: Path) -> None:
    """Such as when the engine is restarted: a script is tried once, and had ``crash`` for good."""
    text = b"import keras\n\n\ndef build_model():\n    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
    blobs = Blobs(tmp_path)
    file = PartFile(name="builder.py", sha256=blobs.put(text), size=len(text))
    ways = Ways(parts={Part.BUILDER: file}, format=None, packing=Packing.FILE, root="", unpacked=0)
    with make_session("tf2.21") as opened:
        opened.meet()
        channel: Any = opened._channel
        channel._container.kill()
        tried = build(Seat(session=opened, blobs=blobs, ways=ways, inputs=Inputs()))
        assert opened._channel is not channel
    assert tried.found.result.verdict is Verdict.LOADS, tried.found.result.failure


def containers_of(home: Path) -> set[str]:
    """Ids of the containers with a TensorFlow that stand for a home's uploads."""
    with contextlib.closing(connect()) as client:
        found = client.containers.list(all=True, filters={"label": f"{LABEL}={home}"}, ignore_removed=True)
        return {one.id for one in found if "inspect" not in str(one.attrs["Config"]["Image"])}
