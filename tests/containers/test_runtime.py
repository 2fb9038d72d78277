"""Environments under gVisor's runsc: the zygote forks in it, limits hold, and a verdict is what it is under runc."""

from __future__ import annotations

import time
from collections.abc import Iterator

import docker
import pytest

from images.bootstrap.engine import image_exists
from images.bootstrap.runtimes import RUNSC, canary, ensure_runtime
from matrix.blobs import Blobs
from matrix.engines.docker import DockerEngine
from matrix.model import Environment, Verdict
from tests.containers.conftest import MakeSession, Sandbox, hurried
from tests.hostile import models

HELD = {"signal", "mem", "write", "ptrace", "seize", "steal"}
pytestmark = [pytest.mark.containers, pytest.mark.everything]


@pytest.fixture(scope="module")
def gvisor(client: docker.DockerClient) -> DockerEngine:
    """An engine whose sandboxes are gVisor's; runsc is had as `tfmatrix setup` has it."""
    ensure_runtime(RUNSC, lambda _words: None)
    return DockerEngine(client, runtime=RUNSC)


@pytest.fixture(scope="module")
def under_gvisor(
    make_session: MakeSession,
    gvisor: DockerEngine,
    blobs: Blobs,
    client: docker.DockerClient,
    environments: dict[str, Environment],
) -> Iterator[Sandbox]:
    """A container of TensorFlow 2.4 under gVisor, and models that it can read: their code is of its Python."""
    made = models.make(client, environments["tf2.4"], "/no/canary")
    with make_session("tf2.4", of=gvisor) as session:
        yield Sandbox(session, blobs, {name: parts["model"] for name, parts in made.items()})


def test_honest_model_loads_in_a_forked_child(under_gvisor: Sandbox) -> None:
    """The zygote says hello, has one thread, and a child of it answers as one under runc does."""
    result, ending = under_gvisor.attempt("harmless")
    assert result.verdict is Verdict.PASS, result
    assert (ending.lane, ending.clean) == ("fork", True)
    assert str(under_gvisor.session.identity.facts["kernel"]).startswith("4.4.0"), "this is not gVisor's kernel"


def test_a_model_that_spins_is_killed_at_its_limit(under_gvisor: Sandbox) -> None:
    """Also one that is deaf to being asked; the zygote stays and serves the next."""
    container = under_gvisor.container()
    started = time.monotonic()
    result, ending = hurried(under_gvisor, "hang-deaf")
    assert result.verdict is Verdict.TIMEOUT
    assert ending.clean
    assert time.monotonic() - started < 30
    assert under_gvisor.load("harmless").verdict is Verdict.PASS
    assert under_gvisor.container() == container


def test_child_has_no_way_to_the_zygote(under_gvisor: Sandbox) -> None:
    """It cannot signal it, trace it, nor read or write its memory. What gVisor lets it list is in the decision on runtimes."""
    seen = under_gvisor.said("the-zygote")
    held = {name: said for name, said in seen.items() if name.split()[0] in HELD}
    assert len(held) >= 16
    assert [name for name, said in held.items() if said.startswith("done")] == [], held


def test_memory_is_bounded(under_gvisor: Sandbox) -> None:
    """A model that eats memory is out-of-memory; under gVisor it may take its own container with it, no other."""
    result = under_gvisor.load("memory-bomb")
    assert result.verdict is Verdict.OUT_OF_MEMORY
    assert under_gvisor.load("harmless").verdict is Verdict.PASS


def test_a_canary_says_its_word_and_an_impossible_deadline_is_kept(
    client: docker.DockerClient, gvisor: DockerEngine, environments: dict[str, Environment]
) -> None:
    """In time it has no fault and bounds memory; without time it is told within the deadline, and nothing is left."""
    del gvisor  # its fixture has registered the runtime
    image = environments["tf2.4"].image
    assert image_exists(client, image)
    found = canary(client, image, RUNSC)
    assert (found.fault, found.bounded) == ("", True)
    hurried_one = canary(client, image, RUNSC, seconds=0.05)
    assert "it said nothing within" in hurried_one.fault
    assert client.containers.list(all=True, filters={"label": "tfmatrix.canary"}, ignore_removed=True) == []
