"""A runtime is registered beside what the daemon knows, proved by a canary under a deadline, and judged in words."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests.exceptions

from images.bootstrap import runtimes
from images.bootstrap.doctor import runtime_check
from images.bootstrap.runtimes import ARGUMENTS, WORD, Canary, canary, ensure_runtime, with_runsc
from matrix.errors import EngineError

RUNSC = Path("/usr/bin/runsc")


def test_registered_beside_what_is_there() -> None:
    """Other settings and other runtimes stay; the KVM platform is never chosen, and limits are not ignored."""
    before = {"log-level": "warn", "runtimes": {"kata": {"path": "/kata"}}}
    after = json.loads(with_runsc(json.dumps(before), RUNSC))
    assert after.pop("runtimes") == {
        "kata": {"path": "/kata"},
        "runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--platform=systrap", "--network=none"]},
    }
    assert after == {"log-level": "warn"}
    assert list(json.loads(with_runsc("", RUNSC))) == ["runtimes"]


@pytest.mark.parametrize("text", ["{", "[]", '{"runtimes": []}', '{"runtimes": null}'])
def test_a_configuration_that_is_none_is_not_touched(text: str) -> None:
    """It is said, with what to write by hand."""
    with pytest.raises(EngineError, match=r"daemon\.json is not what an engine reads") as caught:
        with_runsc(text, RUNSC)
    assert "--platform=systrap" in caught.value.next_step


def test_only_runsc_is_registered_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another runtime that the engine does not know is an error; one that it knows, or none, needs nothing."""
    monkeypatch.setattr(runtimes, "connect", lambda: None)
    monkeypatch.setattr(runtimes, "runtimes", lambda _client: {"kata": {}})
    said: list[str] = []
    ensure_runtime("", said.append)
    ensure_runtime("kata", said.append)
    with pytest.raises(EngineError, match="'crun', which the engine does not know"):
        ensure_runtime("crun", said.append)
    assert said == []


class FakeDaemon:
    """A client of a daemon whose one container does what it is told."""

    def __init__(self, said: str = "", fault: Exception | None = None) -> None:
        self.api = self
        self.containers = self
        self.timeout = 300.0
        self.timeouts: list[float] = []
        self.removed = 0
        self._said, self._fault = said, fault

    def create(self, *_words: object, **options: Any) -> FakeDaemon:
        self.options = options
        return self

    def start(self) -> None:
        self.timeouts.append(self.timeout)
        if self._fault is not None:
            raise self._fault

    def wait(self, *, timeout: float) -> None:
        self.timeouts.append(timeout)

    def logs(self) -> bytes:
        return self._said.encode()

    def remove(self, *, force: bool) -> None:
        assert force
        self.removed += 1
        self.timeouts.append(self.timeout)


def released(daemon: FakeDaemon, runtime: str = "runsc") -> Canary:
    """Let the canary go; whatever became of it, it is removed and the client waits as before."""
    client: Any = daemon
    found = canary(client, "image", runtime, seconds=5)
    assert (daemon.removed, daemon.timeout) == (1, 300.0)
    assert all(one <= runtimes.REMOVAL_SECONDS for one in daemon.timeouts)
    return found


@pytest.mark.parametrize(
    ("said", "bounded"),
    [(f"{WORD} 131072 True", True), (f"{WORD} 24684096 True", False), (f"{WORD} 24684096 False", True)],
)
def test_a_canary_tells_whether_gvisor_bounds_memory(said: str, bounded: bool) -> None:  # noqa: FBT001
    """It shows inside what it was given; a kernel that is the machine's own shows the machine's."""
    found = released(FakeDaemon(said))
    assert (found.fault, found.bounded) == ("", bounded)


@pytest.mark.parametrize(
    ("daemon", "fault"),
    [
        (FakeDaemon(fault=requests.exceptions.ReadTimeout()), "it said nothing within 5 s"),
        (FakeDaemon(fault=docker.errors.APIError("no such file: runsc")), "no such file: runsc"),
        (FakeDaemon("Illegal instruction"), "it did not say its word, but Illegal instruction"),
        (FakeDaemon(), "it did not say its word, but nothing"),
    ],
)
def test_a_canary_that_says_nothing_is_told(daemon: FakeDaemon, fault: str) -> None:
    """One that hangs, that does not start, or says something else."""
    started = time.monotonic()
    assert released(daemon).fault == fault
    assert time.monotonic() - started < 5


def test_the_engines_own_runtime_is_not_named() -> None:
    """Where none is set, the daemon chooses."""
    daemon = FakeDaemon(f"{WORD} 1 False")
    assert not released(daemon, "").fault
    assert "runtime" not in daemon.options


@pytest.mark.parametrize(
    ("arguments", "said", "status", "fix"),
    [
        (ARGUMENTS, Canary(seconds=1), "ok", ""),
        (("--platform=kvm",), Canary(seconds=60, fault="it said nothing"), "fail", "--platform=systrap"),
        (ARGUMENTS, Canary(seconds=60, fault="it said nothing"), "fail", "--network=none"),
        ((*ARGUMENTS, "--ignore-cgroups"), Canary(seconds=1, bounded=False), "fail", "--ignore-cgroups"),
    ],
)
def test_doctor_names_the_fix(arguments: tuple[str, ...], said: Canary, status: str, fix: str) -> None:
    """What hangs, what does not bound memory; nothing where all is well."""
    found = runtime_check("runsc", arguments, said)
    assert found.status == status
    assert fix in found.fix
    assert bool(found.fix) == (status != "ok")
