"""The process that touches an artifact has no right it does not need, seen from inside by a model that looks around."""

from __future__ import annotations

import ast
import json

import docker
import pytest

from matrix.blobs import Blobs
from matrix.model import Verdict
from tests.containers.conftest import MakeSession, Sandbox, stored
from tests.hostile.case import Case
from tests.hostile.conftest import Watch
from tests.hostile.looks import LOOKS

pytestmark = pytest.mark.containers


def seen_by(watch: Watch, name: str) -> dict[str, str]:
    """What a model saw that looked around, once the watch is content."""
    found = watch("tf2.15").attack(name)
    assert found.result.verdict is Verdict.FAIL
    assert found.result.failure is not None, found.result
    text = found.result.failure.message.partition("<<<")[2].partition(">>>")[0]
    assert text, found.result.failure.message
    return dict(json.loads(text))


@pytest.mark.parametrize("case", LOOKS.parameters())
def test_what_is_not_its_own_is_refused(watch: Watch, case: Case) -> None:
    """Every attempt raises; what a case may see, the tests below judge."""
    seen = seen_by(watch, case.name)
    if not case.options.get("may_see"):
        allowed = {name: what for name, what in seen.items() if what.startswith("done")}
        assert not allowed
        assert len(seen) > 10


def test_child_has_a_user_of_its_own_and_no_capability(sandbox: Sandbox) -> None:
    """A child runs under another user than the zygote, in no group of it, without a capability, under seccomp."""
    status = sandbox.said("itself")
    users, groups = set(status["Uid"].split()), set(status["Gid"].split())
    assert len(users) == 1
    assert users == groups
    assert int(users.pop()) >= 20000
    assert status["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_child_has_every_limit(sandbox: Sandbox) -> None:
    """Processes, files, their size, processor time, no core; nothing open but its own three and its two pipes."""
    seen = sandbox.said("itself")
    assert seen["RLIMIT_NPROC"] == "100 100"
    assert seen["RLIMIT_NOFILE"] == "512 512"
    assert seen["RLIMIT_CORE"] == "0 0"
    assert all(int(seen[name].split()[1]) > 0 for name in ("RLIMIT_FSIZE", "RLIMIT_CPU"))
    assert set(seen["descriptors"]) <= {0, 1, 2, 3, 4, 5}
    assert not [
        name for name in seen["environment"] if any(word in name for word in ("TOKEN", "SECRET", "PASSW", "DOCKER"))
    ]


def test_each_child_has_another_user(sandbox: Sandbox) -> None:
    """Two cells never share a user, so neither can leave the other a file or a process."""
    assert sandbox.said("itself")["Uid"] != sandbox.said("itself")["Uid"]


def test_an_upload_sees_its_own_files_alone(
    sandbox: Sandbox, make_session: MakeSession, blobs: Blobs, hostile_models: dict[str, bytes]
) -> None:
    """Two containers side by side: in the inbox of each lies what it was given, and no answer of any saver."""
    with make_session("tf2.15") as session:
        other = Sandbox(session, blobs, hostile_models)
        other.load("litter")
        seen = other.said("the-inbox")
        files = ast.literal_eval(seen["inbox"].removeprefix("done: "))
        assert files == sorted(f"/in/{path.name}" for path in session._inbox.iterdir())
        assert len(files) == 3, "two models and the inputs of both"
    assert seen["elsewhere"] == "done: []"
    outputs = stored(blobs, hostile_models["litter"]).outputs
    assert f"/in/{outputs}" not in files
    assert not set(files) <= {f"/in/{path.name}" for path in sandbox.session._inbox.iterdir()}, "they share an inbox"


def test_zygote_has_three_capabilities(sandbox: Sandbox, client: docker.DockerClient) -> None:
    """The container itself holds SETUID, SETGID and KILL, no other capability and no device of the host."""
    sandbox.load("harmless")
    running = client.containers.get(sandbox.container())
    said = running.exec_run(["sh", "-c", "cat /proc/1/status"]).output.decode()
    status = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert int(status["CapBnd"], 16) == 1 << 5 | 1 << 6 | 1 << 7, json.dumps(status)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    host = running.attrs["HostConfig"]
    assert (host["ReadonlyRootfs"], host["NetworkMode"], host["Privileged"]) == (True, "none", False)
    assert not any("docker.sock" in bind for bind in host["Binds"])
    assert all(bind.endswith(":ro") for bind in host["Binds"])
