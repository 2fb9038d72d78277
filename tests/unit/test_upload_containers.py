"""Containers of uploads: what they get is bounded by settings, whatever is said of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from matrix.blobs import Blobs
from matrix.config import WARM_BYTES, Settings
from matrix.engines import Allowance
from matrix.model import Environment
from matrix.runner import patience
from matrix.sandboxes import COPIES, Sandboxes
from matrix.session import Session
from matrix.store import open_store
from matrix.uploads.warm import ROOM, Containers
from matrix.uploads.work import UploadWork
from tests.fake_uploads import BASES, FakeEngine

GIB = 1 << 30


class Noting:
    """An engine that notes what it was to give."""

    def __init__(self) -> None:
        self.given: list[Allowance] = []

    @contextmanager
    def start(
        self, environment: Environment, inbox: Path, allowance: Allowance, labels: Mapping[str, str]
    ) -> Iterator[None]:
        """Start nothing."""
        del environment, inbox, labels
        self.given.append(allowance)
        yield None

    def image_id(self, _environment: Environment) -> str:
        """Any."""
        return "image"


@pytest.mark.parametrize(
    ("unpacked", "room"), [(0, ROOM), (1 << 20, ROOM), (GIB // 2, 2 * GIB), (GIB, 3 * GIB), (1 << 60, 3 * GIB)]
)
def test_a_file_gets_room_and_no_more_than_its_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unpacked: int, room: int
) -> None:
    """Four copies of it, as far as the memory of all lanes allows."""
    engine: Any = Noting()
    monkeypatch.setattr(Session, "prove", lambda session, _blobs: session._start_container().__enter__())
    inboxes = tmp_path / "inbox"
    sandboxes = Sandboxes(
        engine, inboxes=inboxes, labels={}, patience=patience(Settings(home=tmp_path)), memory=3 * GIB
    )
    blobs = Blobs(tmp_path / "blobs")
    containers = Containers(engine, blobs, sandboxes, most_room=3 * GIB, many=0)
    with containers.session(BASES[0], unpacked):
        pass
    (given,) = engine.given
    assert given.memory == 3 * GIB + room
    assert given.temporary - room == 64 << 20
    assert list((tmp_path / "inbox").iterdir()) == []


@pytest.mark.parametrize(
    ("memory", "lanes", "warm", "kept"),
    [
        (16, 2, 18, 18),
        (12, 2, 18, 15),
        (12, 2, -1, 15),
        (64, 2, -1, 81),
        (12, 4, 18, 0),
        (3, 2, 5, 0),
        (1, 1, 5, 0),
        (16, 2, 0, 0),
    ],
)
def test_warm_ones_and_lanes_share_the_memory(tmp_path: Path, memory: int, lanes: int, warm: int, kept: int) -> None:
    """Whatever was asked for."""
    settings = Settings(home=tmp_path, memory=memory * GIB, lanes=lanes, warm=warm, container_memory=3 * GIB)
    assert settings.warm_containers == kept
    taken = settings.lanes_in_memory * settings.container_memory + kept * WARM_BYTES
    assert taken <= max(settings.memory, settings.container_memory)


@pytest.mark.parametrize(("warm", "told"), [(-1, False), (5, False), (15, False), (40, True)])
def test_fewer_than_were_asked_for_are_told(tmp_path: Path, warm: int, *, told: bool) -> None:
    """In a sentence, with what to change; nothing is said where all are kept."""
    said: list[str] = []
    settings = Settings(home=tmp_path, memory=12 * GIB, lanes=2, warm=warm, container_memory=3 * GIB)
    engine: Any = FakeEngine()
    with open_store(tmp_path / "matrix.db") as store:
        work = UploadWork(settings, engine=engine, uploads=store.uploads, environments=(), say=said.append)
        work._say_if_fewer_are_warm()
    assert any("15 containers are kept warm, not 40: TFMATRIX_MEMORY" in one for one in said) is told


def test_a_large_file_takes_its_room_from_the_warm_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it is loaded; then they may come back."""
    engine: Any = Noting()
    monkeypatch.setattr(Session, "prove", lambda session, _blobs: session._start_container().__enter__())
    for name in ("meet", "empty"):
        monkeypatch.setattr(Session, name, lambda _session: None)
    sandboxes = Sandboxes(
        engine, inboxes=tmp_path / "inbox", labels={}, patience=patience(Settings(home=tmp_path)), memory=GIB
    )
    containers = Containers(engine, Blobs(tmp_path / "blobs"), sandboxes, most_room=3 * GIB, own_room=ROOM, many=4)
    while (found := containers.missing(BASES)) is not None:
        containers.warm_up(found)
    assert containers.ready() == 4
    with containers.session(BASES[0], (ROOM + 2 * WARM_BYTES) // COPIES):
        assert containers.ready() == 2
        assert containers.missing(BASES) is None
    assert containers.missing(BASES) is not None


def test_one_that_is_not_built_is_not_tried_again_and_again(tmp_path: Path) -> None:
    """Others are kept warm in its place."""
    engine: Any = Noting()
    engine.image_id = lambda environment: None if environment is BASES[-1] else "image"
    blobs = Blobs(tmp_path / "blobs")
    sandboxes = Sandboxes(engine, inboxes=tmp_path, labels={}, patience=patience(Settings(home=tmp_path)), memory=GIB)
    containers = Containers(engine, blobs, sandboxes, most_room=GIB, many=4)
    first = containers.missing(BASES)
    assert first is BASES[-1]
    containers.warm_up(first)
    assert containers.missing(BASES) is BASES[-2]
    assert engine.given == []
