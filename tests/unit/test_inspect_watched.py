"""Whatever becomes of the process that looks into a file, there is an answer, in time."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from images.inspector import __main__ as program
from images.inspector.upload import refusal
from matrix.uploads.inspection import Inspection, read
from tests.handed_in import keras_zip

ROOM = 4 << 30  # of address space, of which the test's own process has taken some


@pytest.fixture(autouse=True)
def forks_quietly() -> Iterator[None]:
    """Newer Pythons warn of forking beside threads, which pytest has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def watched(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], seconds: float = 10) -> Inspection:
    """What is said where the process does this in place of looking."""
    monkeypatch.setattr(program, "inspected", lambda _parts, _inbox: act() or b"")
    return read(program.watched({}, Path(), seconds, ROOM))


def forever() -> None:
    """Be busy."""
    while True:
        pass


def killed() -> None:
    """Die as of a fault in a library."""
    os.kill(os.getpid(), signal.SIGSEGV)


def code_of(found: Inspection) -> str:
    """Why it is refused."""
    assert found.refused is not None
    return found.refused.code


@pytest.mark.parametrize("act", [forever, lambda: time.sleep(60)], ids=["busy", "asleep"])
def test_one_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """And told so, soon."""
    began = time.monotonic()
    assert code_of(watched(monkeypatch, act, 0.5)) == "too-slow"
    assert time.monotonic() - began < 10


def test_a_child_that_holds_on_to_the_pipe_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grandchild would keep the pipe open for ever; the deadline does not wait for it."""

    def daemon() -> None:
        if os.fork() == 0:
            time.sleep(3)
            os._exit(0)

    assert code_of(watched(monkeypatch, daemon, 0.5)) == "too-slow"


@pytest.mark.parametrize(
    "act",
    [killed, lambda: os._exit(0), sys.exit, lambda: b"no frame", lambda: 1 / 0],
    ids=["signal", "exit", "quit", "bytes", "raise"],
)
def test_one_that_dies_or_talks_nonsense_is_a_crash(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Without a traceback on anybody's screen being the answer."""
    assert code_of(watched(monkeypatch, act)) == "crashed"


def test_a_signal_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells a maintainer what happened."""
    found = watched(monkeypatch, killed)
    assert found.refused is not None
    assert "(signal 11)" in found.refused.message


def test_one_that_says_too_much_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory of whoever reads is bounded, too."""
    monkeypatch.setattr(program, "ANSWER", 1 << 20)
    assert code_of(watched(monkeypatch, lambda: bytes(64 << 20))) == "crashed"


def test_limits_are_set_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory, processor time, files, output."""

    def limits() -> bytes:
        names = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE")
        found: dict[str, Any] = {name: resource.getrlimit(getattr(resource, name)) for name in names}
        found["taken"] = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
        return refusal("limits", json.dumps(found), "")

    found = watched(monkeypatch, limits, 7)
    assert found.refused is not None
    said = json.loads(found.refused.message)
    assert program.FILES <= said.pop("RLIMIT_NOFILE")[0] <= program.FILES + said.pop("taken")
    assert said == {
        "RLIMIT_AS": [ROOM, ROOM],
        "RLIMIT_CPU": [8, 8],
        "RLIMIT_FSIZE": [512 << 20] * 2,
        "RLIMIT_CORE": [0, 0],
    }


def test_more_memory_than_there_is_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a kill: the reader says so itself."""

    def hungry(_parts: object, _inbox: object, _found: object) -> None:
        bytearray(16 << 30)

    monkeypatch.setattr("images.inspector.upload._look", hungry)
    assert code_of(read(program.watched({"model": {"file": "model"}}, tmp_path, 10, ROOM))) == "too-large"


def test_what_is_read_does_not_pile_up(tmp_path: Path) -> None:
    """Nothing is left in the process that waits: it may look into one file only, but it is the same code."""
    (tmp_path / "model").write_bytes(keras_zip())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        assert read(program.watched({"model": {"file": "model", "name": "m"}}, tmp_path, 10, ROOM)).refused is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_files_that_are_open_already_leave_as_many_to_open(tmp_path: Path) -> None:
    """The limit is one of numbers, and whoever forks has taken some."""
    (tmp_path / "model").write_bytes(keras_zip())
    with ExitStack() as opened:
        for _ in range(100):
            opened.enter_context(Path("/dev/null").open("rb"))
        assert read(program.watched({"model": {"file": "model", "name": "m"}}, tmp_path, 10, ROOM)).refused is None
