"""``tfmatrix serve`` as a process: it answers, keeps a runner going, and takes it along however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matrix.config import ROOT
from matrix.errors import ExitCode
from matrix.model import RequestKind, RequestState
from matrix.store import open_store
from service.alive import sign_of
from tests.store_samples import NOON

BODY = {"environments": "2.4,2.9", "models": "dense", "formats": "h5"}
PATIENCE = 120


class Serving:
    """A running ``tfmatrix serve`` of a home, with runs that are made up."""

    def __init__(self, home: Path, *words: str, **environment: str) -> None:
        self.home = home
        self.log = home / "serve.log"
        given = {name: value for name, value in os.environ.items() if name != "TFMATRIX_DATABASE"}
        given |= {"TFMATRIX_HOME": str(home), "TFMATRIX_POLL_SECONDS": "0.05", **environment}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "tests.fake_runs", "serve", "--port", "0", *words],
                env=given, cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.address = ""

    def said(self) -> str:
        """Everything so far."""
        return self.log.read_text()

    def wait_until(self, fits: Callable[[], object]) -> None:
        """Return once something is so."""
        deadline = time.monotonic() + PATIENCE
        while not fits():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def up(self) -> None:
        """Return once the address is printed."""
        self.wait_until(
            lambda: self.process.poll() is not None or re.search(r"^http://\S+$", self.said(), re.MULTILINE)
        )
        found = re.search(r"^http://\S+$", self.said(), re.MULTILINE)
        assert found, self.said()
        self.address = found[0]

    def get(self, path: str) -> tuple[int, Any]:
        """Ask for a page of JSON."""
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def runners(self) -> list[int]:
        """The process ids of all runners that said that they live."""
        return [int(number) for number in re.findall(r"runner \S+:(\d+):[0-9a-f]{8}: takes up", self.said())]

    def has_no_runner(self) -> bool:
        """Whether none of them is alive any more."""
        return not any(map(is_alive, self.runners()))

    def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers; what still runs in the end is killed."""
    started: list[Serving] = []

    def begin(*words: str, **environment: str) -> Serving:
        started.append(Serving(tmp_path, *words, **environment))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.wait()
        one.wait_until(one.has_no_runner)


def is_alive(process: int) -> bool:
    """Whether a process still runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.everything)])
def test_it_serves_runs_and_takes_its_runner_along(serving: Callable[..., Serving], number: signal.Signals) -> None:
    """From an empty home: pages answer, a request is done, and after the signal nothing is left: exit code 130."""
    one = serving()
    one.up()
    assert one.get("healthz") == (200, {"status": "ok"})
    one.wait_until(one.runners)
    with open_store(one.home / "matrix.db", busy_seconds=60) as store:
        asked = store.queue.put(RequestKind.RUN, BODY, NOON)
        one.wait_until(lambda: store.queue.get(asked).state is RequestState.DONE)
    assert one.get("readyz") == (200, {"status": "ok"})
    assert one.end(number) == ExitCode.INTERRUPTED, one.said()
    assert one.has_no_runner()
    assert not sign_of(one.home).exists()
    assert "Traceback" not in one.said()


@pytest.mark.everything
def test_a_killed_runner_is_started_again(serving: Callable[..., Serving]) -> None:
    """Its end is in the log, and another one takes up what waits."""
    one = serving(TFMATRIX_LOG_FORMAT="text")
    one.up()
    one.wait_until(one.runners)
    os.kill(one.runners()[0], signal.SIGKILL)
    one.wait_until(lambda: len(one.runners()) == 2)
    assert re.search(r"it ended and is started again.*code=-9", one.said())
    assert all(line.startswith("runner | ") for line in one.said().splitlines() if "takes up" in line)
    assert one.end(signal.SIGINT) == ExitCode.INTERRUPTED


@pytest.mark.everything
def test_a_killed_server_leaves_no_runner(serving: Callable[..., Serving]) -> None:
    """SIGKILL gives nobody time to tidy up: the runner notices by itself."""
    one = serving()
    one.up()
    one.wait_until(one.runners)
    one.end(signal.SIGKILL)
    one.wait_until(one.has_no_runner)


@pytest.mark.everything
def test_without_a_runner_it_makes_nothing(serving: Callable[..., Serving]) -> None:
    """Neither a database nor a process; the pages say what to run."""
    one = serving("--no-runner")
    one.up()
    status, body = one.get("readyz")
    assert (status, "make matrix" in body["error"]["next_step"]) == (503, True)
    assert not (one.home / "matrix.db").exists()
    assert one.end(signal.SIGTERM) == ExitCode.INTERRUPTED
    assert one.runners() == []


def test_a_taken_port_ends_it(serving: Callable[..., Serving]) -> None:
    """Exit code 6 and what to do; no runner was started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        one = serving("--port", str(other.getsockname()[1]))
        assert one.process.wait(PATIENCE) == ExitCode.BUSY
    assert "is taken by another program" in one.said()
    assert "Traceback" not in one.said()
    assert one.runners() == []


def test_who_listens_to_everybody_is_told(serving: Callable[..., Serving]) -> None:
    """A warning, and it goes on, once it is settled who may upload."""
    one = serving("--no-runner", "--host", "0.0.0.0", TFMATRIX_UPLOADS="off")  # noqa: S104  (what is tried)
    one.up()
    assert "There is no login" in one.said()
    assert one.get("healthz")[0] == 200


def test_nobody_lets_strangers_upload_by_accident(serving: Callable[..., Serving]) -> None:
    """Beyond loopback it has to be said; in a container what counts is where that is published."""
    for words in (["--host", "0.0.0.0"], ["--published", "0.0.0.0"]):  # noqa: S104  (what is tried)
        one = serving("--no-runner", *words)
        assert one.process.wait(PATIENCE) == ExitCode.USAGE
        assert "TFMATRIX_UPLOADS=open" in one.said()


@pytest.mark.everything
def test_what_is_published_to_this_machine_alone_needs_no_word(serving: Callable[..., Serving]) -> None:
    """As in a container, which listens to everybody inside of it."""
    serving("--no-runner", "--host", "0.0.0.0", "--published", "127.0.0.1").up()  # noqa: S104  (as in a container)
