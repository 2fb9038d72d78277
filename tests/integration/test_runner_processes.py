"""Runners as processes: they share a queue, are stopped and killed, and lose none of what was asked for."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from matrix.config import ROOT
from matrix.errors import ExitCode
from matrix.model import RequestKind, RequestState, RunStatus
from matrix.store import Request, Store, open_store
from tests.store_samples import NOON

BODY = {"environments": "2.4,2.9", "models": "dense", "formats": "h5"}

CLAIMER = """
import sys
from matrix.store import open_store
from tests.store_samples import NOON

with open_store(sys.argv[1], busy_seconds=60) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    while (found := store.queue.claim(sys.argv[2], NOON)) is not None:
        print(found.id, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A home's database."""
    with open_store(tmp_path / "matrix.db", busy_seconds=60) as opened:
        yield opened


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command on this home, with runs that are made up; what still runs in the end is killed."""
    started = []

    def begin(*words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "TFMATRIX_HOME": str(tmp_path), "TFMATRIX_POLL_SECONDS": "0.05"}
        environment.pop("TFMATRIX_DATABASE", None)
        started.append(
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "tests.fake_runs", *words],
                env=environment,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def asked(store: Store) -> int:
    """Ask for a small run."""
    return store.queue.put(RequestKind.RUN, BODY, NOON)


def wait_until(fits: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Return once something is so; fail when the process ends before that."""
    deadline = time.monotonic() + 120
    while not fits():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"it never came to that: {process.communicate()[0]}")
        time.sleep(0.02)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a command; return its exit code and what it said."""
    said = process.communicate(timeout=120)[0]
    assert "Traceback" not in said, said
    return process.returncode, said


def fell_silent(home: Path) -> None:
    """Let every runner be heard of for the last time long ago."""
    with closing(sqlite3.connect(home / "matrix.db")) as opened, opened:
        opened.execute("UPDATE requests SET heartbeat_at = '2026-01-01 00:00:00.000000' WHERE state = 'running'")


def is_measuring(store: Store, number: int) -> Callable[[], bool]:
    """Whether the run of a request has begun."""

    def begun() -> bool:
        found: Request = store.queue.get(number)
        return found.state is RequestState.RUNNING and found.run_id is not None

    return begun


def test_processes_never_get_the_same_request(tmp_path: Path, store: Store) -> None:
    """Four that take up side by side what sixty asked for: each request once, in order for each of them."""
    for _ in range(60):
        asked(store)
    command = [sys.executable, "-c", CLAIMER, str(tmp_path / "matrix.db")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    claimers = [subprocess.Popen([*command, str(name)], **pipes) for name in range(4)]  # type: ignore[call-overload]  # noqa: S603
    for one in claimers:
        assert one.stdout.readline() == "ready\n"
    for one in claimers:
        one.stdin.write("go\n")
        one.stdin.flush()
    taken = [[int(word) for word in one.communicate(timeout=120)[0].split()] for one in claimers]
    assert sorted(number for found in taken for number in found) == list(range(1, 61))
    assert all(found == sorted(found) for found in taken)
    assert len(store.queue.running()) == 60


@pytest.mark.everything
def test_once_runs_what_waits_and_ends(store: Store, start: Callable[..., subprocess.Popen[str]]) -> None:
    """Exit code 0 when all are done; then 1 for a request that fails."""
    numbers = [asked(store), asked(store)]
    code, said = finish(start("runner", "--once"))
    assert code == ExitCode.FINE, said
    assert [store.queue.get(one).state for one in numbers] == [RequestState.DONE] * 2
    wrong = store.queue.put(RequestKind.RUN, {**BODY, "models": "dnese"}, NOON)
    code, said = finish(start("runner", "--once"))
    assert (code, store.queue.get(wrong).state) == (ExitCode.FINDINGS, RequestState.FAILED)
    assert "Did you mean 'dense'?" in said


@pytest.mark.everything
def test_without_an_engine_once_says_so(
    tmp_path: Path, store: Store, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Exit code 4, and the request waits on."""
    (tmp_path / "no-engine").touch()
    number = asked(store)
    code, said = finish(start("runner", "--once"))
    assert (code, "No container engine answers" in said) == (ExitCode.ENGINE, True)
    assert store.queue.get(number).state is RequestState.WAITING


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.everything)])
def test_a_stopped_runner_gives_back_what_it_held(
    tmp_path: Path, store: Store, start: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    """Exit code 130; the request waits again with no attempt counted, and the next runner finishes it."""
    (tmp_path / "hold").touch()
    request = asked(store)
    process = start("runner")
    wait_until(is_measuring(store, request), process)
    assert finish(start("runner", "--healthy"))[0] == ExitCode.FINE
    process.send_signal(number)
    code, said = finish(process)
    assert (code, "the request waits again" in said) == (ExitCode.INTERRUPTED, True), said
    found = store.queue.get(request)
    assert (found.state, found.attempts) == (RequestState.WAITING, 0)
    assert finish(start("runner", "--healthy"))[0] == ExitCode.FINDINGS
    (tmp_path / "hold").unlink()
    assert finish(start("runner", "--once"))[0] == ExitCode.FINE
    assert store.queue.get(request).state is RequestState.DONE


@pytest.mark.everything
def test_an_idle_runner_is_stopped_and_takes_up_what_comes(
    store: Store, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """It looks again and again; a signal while it waits ends it with 130."""
    process = start("runner")
    request = asked(store)
    wait_until(lambda: store.queue.get(request).state is RequestState.DONE, process)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == ExitCode.INTERRUPTED


def test_a_killed_runners_request_is_taken_up_again(
    tmp_path: Path, store: Store, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """SIGKILL in the middle: once it has been silent, another finishes the request and counts the attempt."""
    (tmp_path / "hold").touch()
    request = asked(store)
    process = start("runner")
    wait_until(is_measuring(store, request), process)
    process.kill()
    process.wait()
    (tmp_path / "hold").unlink()
    assert finish(start("runner", "--once"))[0] == ExitCode.FINE
    assert store.queue.get(request).state is RequestState.RUNNING, "it may still be alive"
    fell_silent(tmp_path)
    code, said = finish(start("runner", "--once"))
    found = store.queue.get(request)
    assert (code, found.state, found.attempts, found.run_id) == (ExitCode.FINE, RequestState.DONE, 1, 2), said
    assert store.read.run(2).status is RunStatus.FINISHED


@pytest.mark.everything
def test_a_cancelled_run_is_stopped_by_its_runner(
    tmp_path: Path, store: Store, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Within a heartbeat the run is interrupted, and the runner goes on with the next request."""
    (tmp_path / "hold").touch()
    cancelled = asked(store)
    process = start("runner")
    wait_until(is_measuring(store, cancelled), process)
    assert finish(start("requests", "--cancel", str(cancelled)))[0] == ExitCode.FINE
    wait_until(lambda: store.read.run(1).status is RunStatus.INTERRUPTED, process)
    (tmp_path / "hold").unlink()
    following = asked(store)
    wait_until(lambda: store.queue.get(following).state is RequestState.DONE, process)
    assert store.queue.get(cancelled).state is RequestState.CANCELLED


@pytest.mark.everything
def test_two_runners_of_a_home_take_turns(
    tmp_path: Path, store: Store, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The second waits while the first one's run holds the home; nothing fails, no attempt is lost."""
    (tmp_path / "hold").touch()
    first = asked(store)
    one = start("runner")
    wait_until(is_measuring(store, first), one)
    second = asked(store)
    other = start("runner")
    wait_until(lambda: "Another run" in (store.queue.get(second).message or ""), other)
    (tmp_path / "hold").unlink()
    wait_until(lambda: store.queue.get(second).state is RequestState.DONE, other)
    found = [store.queue.get(number) for number in (first, second)]
    assert [(request.state, request.attempts) for request in found] == [(RequestState.DONE, 0)] * 2
