"""A session whose container is not what its row says: found out before any cell, asked twice, told."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from images.probe import wire
from matrix.blobs import Blobs
from matrix.catalog import load_environments
from matrix.engines import Allowance, ChannelLostError
from matrix.engines.docker_channel import DockerChannel
from matrix.errors import EngineError
from matrix.messages import EndKind, Limits, LoadJob, Packing
from matrix.model import Environment, Verdict
from matrix.session import HarnessBrokenError, Patience, Session
from matrix.uploads.attempt import Inputs, Seat, build
from matrix.uploads.model import Part, PartFile
from matrix.uploads.ways import Ways

ROW = next(one for one in load_environments() if one.id == "tf2.15")
LIMITS = Limits(seconds=1, grace=1, body=1 << 20)
PATIENCE = Patience(start=1, load=LIMITS, save=LIMITS, fresh_seconds=1)


class FakeEngine:
    """Its containers introduce themselves with what they were told, and answer no job. Counts them."""

    def __init__(self, **versions: str) -> None:
        self.started = 0
        self._versions = versions

    @contextmanager
    def start(self, *_words: object) -> Iterator[Any]:
        self.started += 1
        yield self

    def receive(self, _seconds: float) -> bytes:
        return wire.pack({"hello": {"versions": self._versions, "facts": {}}})


def proving(engine: FakeEngine, row: Environment, folder: Path) -> str:
    """Let a session prove itself in vain; return what is said, with the next step."""
    whatever: Any = engine
    allowance = Allowance(memory=1, temporary=1, processor=None)
    with (
        Session(whatever, row, inbox=folder / "inbox", allowance=allowance, labels={}, patience=PATIENCE) as session,
        pytest.raises(HarnessBrokenError) as caught,
    ):
        session.prove(Blobs(folder / "blobs"))
    return f"{caught.value.message} {caught.value.next_step}"


@pytest.mark.parametrize("name", ["tensorflow", "keras", "python"])
def test_what_holds_other_versions_than_its_row_does_not_prove_itself(name: str, tmp_path: Path) -> None:
    """The message says which, what was expected, and what to do; a second container was asked, too."""
    engine = FakeEngine(
        **{"tensorflow": ROW.tensorflow, "keras": ROW.keras, "python": f"{ROW.python}.4", name: "9.9.9"}
    )
    said = proving(engine, ROW, tmp_path)
    assert f"tf2.15 did not prove itself: inside is {name} 9.9" in said
    assert f"instead of {getattr(ROW, name)}" in said
    assert "tfmatrix images build --environments tf2.15" in said
    assert engine.started == 2


def test_what_is_not_stated_is_not_believed(tmp_path: Path) -> None:
    """An image that names no Keras has none."""
    engine = FakeEngine(tensorflow=ROW.tensorflow, python=ROW.python)
    assert f"keras nothing instead of {ROW.keras}" in proving(engine, ROW, tmp_path)


def test_python_is_compared_without_its_last_number(tmp_path: Path) -> None:
    """The row names a minor version; of the rest no image is accused."""
    engine = FakeEngine(tensorflow=ROW.tensorflow, keras=ROW.keras, python=f"{ROW.python}.99")
    said = proving(engine, replace(ROW, tensorflow="2.0.0"), tmp_path)
    assert "python" not in said.partition("prove itself")[2].partition("Rebuild")[0]


class DyingEngine(FakeEngine):
    """Its containers introduce themselves, and end with the first job, for want of memory or not."""

    def __init__(self, *, starved: bool) -> None:
        super().__init__()
        self._starved = starved
        self._sent = False

    def send(self, _line: bytes) -> None:
        self._sent = True

    def receive(self, seconds: float) -> bytes:
        if self._sent:
            raise ChannelLostError("it said nothing")
        return super().receive(seconds)

    def starved(self) -> bool:
        return self._starved


@pytest.mark.parametrize(("starved", "kind"), [(True, EndKind.OUT_OF_MEMORY), (False, EndKind.SIGNAL)])
def test_a_container_that_ends_for_want_of_memory_is_no_crash(starved: bool, kind: EndKind, tmp_path: Path) -> None:  # noqa: FBT001
    """Under gVisor a lack of memory may take the container with it; the engine has seen why."""
    engine: Any = DyingEngine(starved=starved)
    allowance = Allowance(memory=1, temporary=1, processor=None)
    with Session(engine, ROW, inbox=tmp_path / "inbox", allowance=allowance, labels={}, patience=PATIENCE) as session:
        ending, said = session.run(LoadJob(cells=()))
    assert (ending.kind, said) == (kind, b"")


def script(home: Path) -> Ways:
    """A script that was handed in, alone."""
    text = b"def build_model(): ..."
    file = PartFile(name="builder.py", sha256=Blobs(home / "blobs").put(text), size=len(text))
    return Ways(parts={Part.BUILDER: file}, format=None, packing=Packing.FILE, root="", unpacked=0)


class Waiting(FakeEngine):
    """Its containers introduce themselves and end with a job; the first of them may end before, while it waits."""

    def __init__(self, lost: int) -> None:
        super().__init__(tensorflow=ROW.tensorflow, keras=ROW.keras, python=ROW.python)
        self.jobs: list[int] = []
        self._lost = lost
        self._is_met = False

    @contextmanager
    def start(self, *_words: object) -> Iterator[Any]:
        self.started += 1
        self._is_met = False
        yield self

    def is_lost(self) -> bool:
        return self.started <= self._lost

    def send(self, _line: bytes) -> None:
        self.jobs.append(self.started)

    def receive(self, seconds: float) -> bytes:
        if self._is_met:
            raise ChannelLostError("it said nothing")
        self._is_met = True
        return super().receive(seconds)

    def starved(self) -> bool:
        return False


@pytest.mark.parametrize("lost", [0, 1])
def test_a_container_that_died_while_it_waited_is_no_crash_of_the_job(lost: int, tmp_path: Path) -> None:
    """A new one gets the job; what ends once it has the job ends with it, and a script is run no second time."""
    engine: Any = Waiting(lost)
    allowance = Allowance(memory=1, temporary=1, processor=None)
    with Session(engine, ROW, inbox=tmp_path / "inbox", allowance=allowance, labels={}, patience=PATIENCE) as session:
        session.meet()
        seat = Seat(session=session, blobs=Blobs(tmp_path / "blobs"), ways=script(tmp_path), inputs=Inputs())
        tried = build(seat)
    assert engine.jobs == [1 + lost]
    assert tried.found.result.verdict is Verdict.CRASH


def test_where_no_container_can_be_had_that_is_not_the_jobs_fault(tmp_path: Path) -> None:
    """The environment is broken; unless it is us who stop."""
    engine: Any = FakeEngine()
    allowance = Allowance(memory=1, temporary=1, processor=None)
    with Session(engine, ROW, inbox=tmp_path / "inbox", allowance=allowance, labels={}, patience=PATIENCE) as session:
        seat = Seat(session=session, blobs=Blobs(tmp_path / "blobs"), ways=script(tmp_path), inputs=Inputs())
        with pytest.raises(HarnessBrokenError):
            build(seat)
        session.abort()
        with pytest.raises(EngineError, match="stops"):
            build(seat)


def test_a_glance_tells_whether_a_container_is_there() -> None:
    """Its streams end with it, also behind what it said at last."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = DockerChannel(None, ours)
        assert not channel.is_lost()
        theirs.sendall(struct.pack(">BxxxL", 2, 5) + b"words")
        assert not channel.is_lost()
        assert channel.noise == b"words"
        theirs.sendall(struct.pack(">BxxxL", 2, 4) + b"last")
        theirs.close()
        assert channel.is_lost()
        assert channel.noise == b"wordslast"
