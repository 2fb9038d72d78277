"""Web and runner in containers, on a small home: they serve and measure, see no more than they need, and lose nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import docker
import pytest

from service.stack import project
from tests.big_matrix import Size, fill
from tests.containers.command import Home

pytestmark = pytest.mark.containers

PATIENCE = 90
KNOWN = ("--environments", "2.15", "--models", "dense", "--formats", "h5", "--methods", "default")
TABLES = ("runs", "environments", "artifacts", "saves", "cells", "errors")


class Stack:
    """A home folder whose web and runner are up."""

    def __init__(self, home: Home, client: docker.DockerClient) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self.home = home
        self._client = client

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command on this home, with this stack's port."""
        return self.home.run(*words, TFMATRIX_PORT=self.port)

    def up(self) -> dict[str, Any]:
        """Bring it up; return what was said."""
        code, said = self.run("up", "--json")
        assert code == 0, said
        return dict(json.loads(said[said.index("{\n") :])["standing"])

    def container(self, service: str) -> Any:
        """Return the container of a service, as it is now."""
        labels = [f"com.docker.compose.project={project(self.home.path)}", f"com.docker.compose.service={service}"]
        (found,) = self._client.containers.list(all=True, filters={"label": labels})
        return found

    def inside(self, service: str, command: str) -> tuple[int, str]:
        """Run a line of shell in a container."""
        code, said = self.container(service).exec_run(["sh", "-c", command])
        return int(code), said.decode()

    def get(self, path: str) -> tuple[int, str]:
        """Ask web from outside."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """Send something to web from outside."""
        asked = Request(f"http://127.0.0.1:{self.port}{path}", body, headers, method=method)
        try:
            with build_opener(ProxyHandler({})).open(asked, timeout=30) as answer:
                return int(answer.status), answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def counts(self) -> dict[str, int]:
        """How much is known."""
        return {table: self.home.count(table) for table in TABLES}

    def request(self) -> tuple[str, str | None]:
        """How the one request stands, and what was remarked."""
        with contextlib.closing(sqlite3.connect(f"file:{self.home.database}?mode=ro", uri=True, timeout=5)) as opened:
            state, message = opened.execute("SELECT state, message FROM requests").fetchone()
        return str(state), message

    def names(self) -> list[str]:
        """The services that have a container, whether or not it runs."""
        label = f"com.docker.compose.project={project(self.home.path)}"
        found = self._client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
        return sorted(one.labels["com.docker.compose.service"] for one in found)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small made-up matrix."""
    path = tmp_path_factory.mktemp("filled") / "matrix.db"
    fill(path, Size(cells=2_000, nights=3, changes=0.01))
    return path


@pytest.fixture(scope="module")
def make_stack(
    filled: Path, client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Stack]]:
    """Give each caller a home of its own with that matrix; whatever is still up in the end is taken down."""
    made: list[Stack] = []

    def make() -> Stack:
        home = tmp_path_factory.mktemp("stack") / "home"  # pytest's own folder is for its owner alone
        home.mkdir(mode=0o755)
        shutil.copyfile(filled, home / "matrix.db")
        made.append(Stack(Home(home), client))
        return made[-1]

    yield make
    for one in made:
        if not one.names():
            continue
        code, said = one.run("down")
        assert code == 0, said


@pytest.fixture(scope="module")
def shared(make_stack: Callable[[], Stack]) -> Stack:
    """One for all tests; it may be down."""
    return make_stack()


@pytest.fixture
def stack(shared: Stack) -> Stack:
    """It is up, whatever the test before did."""
    if not shared.names():
        assert shared.up()["lacks"] is None
    return shared


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return once something holds."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_web_answers_with_the_matrix_there_is(stack: Stack) -> None:
    """Pages are served from a home that web may only read."""
    assert stack.get("/healthz")[0] == 200
    assert stack.get("/readyz")[0] == 200
    status, page = stack.get("/")
    assert status == 200
    assert "2.21" in page
    assert "dense" in stack.get("/models")[1]


def test_web_is_nobody_and_may_write_nothing(stack: Stack) -> None:
    """Neither its own root, nor the home, nor the engine; no capability, and none to be had."""
    assert stack.inside("web", "id -u")[1].strip() != "0"
    assert stack.inside("web", "ls /var/run/docker.sock /run/docker.sock")[0] != 0
    assert stack.inside("web", "touch /opt/tfmatrix/x /x /etc/x")[1].count("Read-only file system") == 3
    assert "Read-only file system" in stack.inside("web", "touch $TFMATRIX_HOME/x")[1]
    status = stack.inside("web", "cat /proc/self/status")[1]
    held = [line.split()[1] for line in status.splitlines() if line.startswith("Cap")]
    assert set(held) == {"0" * 16}
    assert "NoNewPrivs:\t1" in status


def test_web_writes_at_the_door_and_the_runner_empties_it(stack: Stack) -> None:
    """The two are different users: what web puts there the runner may take away; of the rest of uploads web sees nothing."""
    assert (
        stack.inside("runner", "mkdir -p $TFMATRIX_HOME/uploads/files && echo x > $TFMATRIX_HOME/uploads/files/x")[0]
        == 0
    )
    assert stack.inside("web", "ls $TFMATRIX_HOME/uploads")[1].split() == ["door"]
    assert stack.inside("web", "touch $TFMATRIX_HOME/uploads/x")[0] != 0
    line = (
        "from pathlib import Path; from matrix.uploads.door import Door, new_id\n"
        "door, one = Door(Path('{home}/uploads/door')), 'a' * 22\n"
    )
    put = (
        line
        + "with door.handing_in(one) as folder:\n (folder / 'model').write_text('x'); folder.rename(folder.parent / one)"
    )
    clear = line + "door.clear(one); print(door.holds(one))"
    code, said = stack.inside("web", f'python -c "{put.format(home=stack.home.path)}"')
    assert code == 0, said
    assert stack.inside("runner", f'python -c "{clear.format(home=stack.home.path)}"')[1].strip() == "False"


def test_an_upload_comes_in_and_goes_again(stack: Stack) -> None:
    """From outside, to the address that is published: taken by web's own user, and gone when its token says so."""
    body = b'--x\r\nContent-Disposition: form-data; name="model"; filename="m.h5"\r\n\r\nno model\r\n--x--\r\n'
    status, said = stack.send("POST", "/api/uploads", body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert status == 201, said
    found = json.loads(said)
    assert stack.get(found["address"])[0] == 200
    bearer = {"Authorization": f"Bearer {found['deletion_token']}"}
    assert stack.send("DELETE", f"/api/uploads/{found['id']}", None, **bearer)[0] == 202
    wait_until(
        lambda: stack.get(found["address"])[0] in {404, 410}, "it was never deleted"
    )  # that is the runner's work
    assert stack.send("POST", "/api/uploads", body, Host="models.example")[0] == 403


def test_the_runner_has_the_engine_and_a_root_that_it_may_not_write(stack: Stack) -> None:
    """It reaches the engine from inside, and the home at its own path."""
    assert stack.inside("runner", "test -S /var/run/docker.sock")[0] == 0
    assert "Read-only file system" in stack.inside("runner", "touch /x")[1]
    assert stack.inside("runner", f"test -w {stack.home.path}")[0] == 0
    code, said = stack.inside("runner", "python -c 'from images.bootstrap.engine import connect; connect().ping()'")
    assert code == 0, said


def test_a_request_is_taken_up_and_done(stack: Stack) -> None:
    """Asked outside, done inside: the two share a database and a path."""
    before = stack.home.count("cells")
    code, said = stack.run("request", *KNOWN)
    assert code == 0, said
    assert "No runner is alive" not in said
    wait_until(lambda: stack.request()[0] not in {"waiting", "running"}, "the request was never done")
    assert stack.request() == ("done", None)
    assert stack.home.count("cells") == before


def test_up_again_changes_nothing(stack: Stack) -> None:
    """The same containers go on."""
    before = {name: stack.container(name).id for name in ("web", "runner")}
    stack.up()
    assert {name: stack.container(name).id for name in ("web", "runner")} == before


def test_what_is_killed_comes_back_and_down_loses_nothing(stack: Stack) -> None:
    """A killed runner is started again; after `down` nothing runs, everything is there, and `down` can be repeated."""
    before = stack.counts()
    restarts = int(stack.container("runner").attrs["RestartCount"])
    killed = stack.container("runner")
    os.kill(killed.attrs["State"]["Pid"], signal.SIGKILL)  # its init, and with it all that is in there
    wait_until(lambda: stack.container("runner").attrs["RestartCount"] > restarts, "the runner was not started again")
    code, said = stack.run("down")
    assert (code, "taken down: runner, web" in said) == (0, True), said
    assert stack.counts() == before
    assert "nothing was up" in stack.run("down")[1]


@pytest.mark.everything
def test_a_taken_port_is_said_before_anything_is_started(make_stack: Callable[[], Stack]) -> None:
    """A sentence, what to do, and no runner that stands alone."""
    stack = make_stack()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(stack.port)))
        taken.listen()
        code, said = stack.run("up")
    assert code == 6, said
    assert "TFMATRIX_PORT" in said
    assert stack.names() == []
