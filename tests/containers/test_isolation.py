"""The process that touches an artifact has no right it does not need, seen from inside by a model that looks around."""

from __future__ import annotations

import json

import docker
import pytest

from tests.containers.conftest import Sandbox

pytestmark = pytest.mark.containers

REFUSED = {"PermissionError", "ProcessLookupError"}


def test_child_has_a_user_of_its_own_and_no_capability(sandbox: Sandbox) -> None:
    """A child runs under another user than the zygote, in no group of it, without a capability, under seccomp."""
    status = sandbox.said("status")
    users, groups = set(status["Uid"].split()), set(status["Gid"].split())
    assert len(users) == 1
    assert users == groups
    assert int(users.pop()) >= 20000
    assert status["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


def test_each_child_has_another_user(sandbox: Sandbox) -> None:
    """Two cells never share a user, so neither can leave the other a file or a process."""
    assert sandbox.said("status")["Uid"] != sandbox.said("status")["Uid"]


def test_child_cannot_reach_out(sandbox: Sandbox) -> None:
    """A child cannot write outside its folder, signal or read the zygote or process 1, become root or run files."""
    seen = sandbox.said("escape")
    for name in ("root", "probe", "inbox"):
        assert seen[f"write to the {name}"] in {"OSError", *REFUSED}, seen
    for name in ("signal the zygote", "signal process 1", "memory of the zygote", "memory of process 1"):
        assert seen[name] in REFUSED, seen
    for name in ("files of the zygote", "become root", "another user", "no-exec"):
        assert seen[name] in REFUSED, seen


def test_child_has_no_network(sandbox: Sandbox) -> None:
    """A child sees the loopback device alone and cannot connect anywhere."""
    seen = sandbox.said("escape")
    assert seen["connect"] == "OSError", seen
    assert seen["devices"] == "done: ['lo']", seen


def test_zygote_has_three_capabilities(sandbox: Sandbox, client: docker.DockerClient) -> None:
    """The container itself holds SETUID, SETGID and KILL, no other capability and no device of the host."""
    running = client.containers.get(sandbox.container())
    said = running.exec_run(["sh", "-c", "cat /proc/1/status"]).output.decode()
    status = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert int(status["CapBnd"], 16) == 1 << 5 | 1 << 6 | 1 << 7, json.dumps(status)
    host = running.attrs["HostConfig"]
    assert (host["ReadonlyRootfs"], host["NetworkMode"], host["Privileged"]) == (True, "none", False)
    assert not any("docker.sock" in bind for bind in host["Binds"])
    assert all(bind.endswith(":ro") for bind in host["Binds"])
