"""Containers of uploads: what they get is bounded by settings, whatever is said of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.engines import Allowance
from matrix.model import Environment
from matrix.runner import patience
from matrix.sandboxes import Sandboxes
from matrix.session import Session
from matrix.uploads.warm import ROOM, Containers
from tests.fake_uploads import BASES

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
