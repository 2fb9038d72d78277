"""A sandbox for attacks, and a watch over what they must not touch: the next cell, the container, the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import numpy as np
import pytest
from filelock import FileLock

from matrix import verdict
from matrix.blobs import Blobs
from matrix.engines.docker import PROBE
from matrix.messages import Brought, Ending, LoadCell, LoadJob, Packing
from matrix.model import CellKey, Environment, Format, Method, Rung, Verdict
from matrix.results import CellResult
from matrix.session import Session
from matrix.verdict import Unheld
from tests.containers.conftest import (  # noqa: F401  pytest finds fixtures by their names here
    LABEL,
    MINE,
    PATIENCE,
    MakeSession,
    Sandbox,
    blobs,
    client,
    engine,
    environments,
    make_session,
    module_path,
)
from tests.hostile import models
from tests.hostile.case import Case
from tests.hostile.files import FILES

SECONDS = 10.0
"""What an attack gets that ends by itself; the machine may be busy."""

_OWN = {"blobs", "inbox", "__pycache__"}
SECRET = b"the secret of the host: 4b1d"


class Canary:
    """A file of the host's that no sandbox may read, in a folder in which none may write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "canary"
        if not self.path.exists():  # processes of one test run share it
            self.path.write_bytes(SECRET * 4)
        os.utime(self.path, (1, 2))  # read before it was written, so that the next read is noted
        self._kept = self._state()

    def assert_untouched(self, *said: bytes) -> None:
        """See that it was not read, that nothing was written, and that nobody tells of it."""
        assert self._state() == self._kept, "the canary was touched"
        handle = os.open(self.path, os.O_RDONLY | os.O_NOATIME)
        with os.fdopen(handle, "rb") as file:
            assert file.read() == SECRET * 4
        for text in said:
            assert SECRET not in text, "the canary sings"

    def _state(self) -> list[tuple[str, int, float, float]]:
        found = ((one.name, one.stat()) for one in self.path.parent.iterdir())
        return sorted((name, at.st_size, at.st_atime, at.st_mtime) for name, at in found)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of an attack: the verdict as a lane or an upload gives it, how its process ended, all that it said."""

    result: CellResult
    ending: Ending
    said: bytes


class Watched:
    """One session and a watch: after each attack the next honest cell passes and nothing is left anywhere."""

    def __init__(
        self, sandbox: Sandbox, daemon: docker.DockerClient, canary: Canary, folders: tuple[Path, ...]
    ) -> None:
        self.sandbox = sandbox
        self.canary = canary
        self._daemon = daemon
        self._folders = folders
        self._honest: str | None = ""

    def attack(self, name: str, *, fresh: bool = False, seconds: float = SECONDS) -> Found:
        """Load a model of code as a lane does, within so much time."""
        with self._unharmed() as said, self._within(seconds):
            result, ending = self.sandbox.attempt(name, fresh=fresh)
            said.append(repr((result, ending)).encode())
        return Found(result=result, ending=ending, said=said[0])

    def bring(  # noqa: PLR0913  what an upload consists of
        self,
        parts: dict[str, bytes],
        format_: Format,
        method: Method,
        packing: Packing = Packing.FILE,
        *,
        inputs: bytes = b"",
        seconds: float = SECONDS,
    ) -> tuple[Found, Unheld]:
        """Load an upload as its row does."""
        session, store = self.sandbox.session, self.sandbox._blobs
        names = {part: store.put(data) for part, data in (parts | ({"inputs": inputs} if inputs else {})).items()}
        session.place_files(store, names.values())
        brought = Brought(
            packing=packing,
            architecture=names.get("architecture"),
            custom_objects=names.get("custom_objects"),
            builder=names.get("builder"),
        )
        cell = LoadCell(
            model="",
            format=format_,
            method=method,
            artifact=names["model"],
            is_tar=False,
            inputs=names.get("inputs", ""),
            brought=brought,
        )
        with self._unharmed() as told, self._within(seconds):
            ending, said = session.run(LoadJob(cells=(cell,)))
            told += [said, ending.noise.encode()]
        key = CellKey(artifact=names["model"], loader=session.environment.recipe_digest, method=method)
        unheld = verdict.judge_brought(key, ending, said)
        return Found(result=unheld.result, ending=ending, said=said), unheld

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        patience = replace(PATIENCE, load=replace(PATIENCE.load, seconds=seconds))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.sandbox.session, "_patience", patience)
            yield

    @contextmanager
    def _unharmed(self) -> Iterator[list[bytes]]:
        """Look before and after; the honest cell that follows must pass in the same container."""
        if self.sandbox.container() != self._honest:  # else it was honest after the attack before this one
            self._assert_honest()
        container, before, said = self.sandbox.container(), self._state(), []  # type: tuple[str | None, Any, list[bytes]]
        yield said
        assert self._state() == before
        self.canary.assert_untouched(*said)
        self._assert_honest()
        assert self.sandbox.container() == container, "the container was replaced"
        self._honest = container

    def _assert_honest(self) -> None:
        result = self.sandbox.load("harmless")
        assert (result.verdict, result.rung, result.tampered) == (Verdict.PASS, Rung.OUTPUTS_EQUAL, False), result

    def _state(self) -> object:
        """The container's processes, files and shared memory; the host's files; our containers."""
        running = self._daemon.containers.get(self.sandbox.container())
        command = "ls -A /tmp; cat /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem | grep -cv key"
        inside = running.exec_run(["sh", "-c", command]).output
        processes = [process[-1] for process in running.top()["Processes"]]
        files = sorted((str(path), path.lstat().st_size) for folder in self._folders for path in folder.rglob("*"))
        ours = self._daemon.containers.list(all=True, filters={"label": f"{LABEL}={MINE}"}, ignore_removed=True)
        return (
            inside,
            processes,
            [one for one in files if not _OWN.intersection(one[0].split("/"))],
            len(ours),
        )


Watch = Callable[[str], Watched]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def canary(shared: Path) -> Canary:
    """The host's file; its folder is where no sandbox has one."""
    folder = shared / "canary"
    folder.mkdir(exist_ok=True)
    return Canary(folder)


Workshop = Callable[[str, str, list[Case] | None], dict[str, dict[str, bytes]]]


@pytest.fixture(scope="session")
def workshop(
    client: docker.DockerClient,  # noqa: F811
    engine: Any,  # noqa: F811
    environments: dict[str, Environment],  # noqa: F811
    canary: Canary,
    shared: Path,
) -> Workshop:
    """Have hostile models made in an environment: once, however many processes the tests run in."""
    del engine  # its fixture has seen that the image is there

    def made(name: str, environment: str, cases: list[Case] | None) -> dict[str, dict[str, bytes]]:
        folder = shared / f"hostile-{name}"
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                found = models.make(client, environments[environment], str(canary.path), cases)
                for one, part, data in ((key, part, data) for key in found for part, data in found[key].items()):
                    (folder / one).mkdir(parents=True, exist_ok=True)
                    (folder / one / part).write_bytes(data)
        return {one.name: {part.name: part.read_bytes() for part in one.iterdir()} for one in folder.iterdir()}

    return made


@pytest.fixture(scope="session")
def hostile_models(workshop: Workshop) -> dict[str, bytes]:
    """Hostile h5 files by name, written by TensorFlow 2.15."""
    return {name: parts["model"] for name, parts in workshop("code", "tf2.15", None).items()}


Files = Callable[[Case], dict[str, bytes]]


@pytest.fixture(scope="session")
def hostile_files(workshop: Workshop) -> Files:
    """The parts of a hostile file, made with TensorFlow 2.15 together with those that are tried as often."""

    def parts(case: Case) -> dict[str, bytes]:
        name = "often" if case.often else "rare"
        return workshop(name, "tf2.15", [one for one in FILES.all if one.often is case.often])[case.name]

    return parts


@pytest.fixture(scope="session")
def newest_files(workshop: Workshop, hostile_files: Files) -> Files:
    """The same, but that of the kind that Keras 3 reads of itself alone is made with TensorFlow 2.21."""
    cases = [one for one in FILES.all if one.options["format"] is Format.KERAS]

    def parts(case: Case) -> dict[str, bytes]:
        return workshop("newest", "tf2.21", cases)[case.name] if case in cases else hostile_files(case)

    return parts


@pytest.fixture(scope="module")
def watch(  # noqa: PLR0913, PLR0917  all that is watched
    make_session: MakeSession,  # noqa: F811
    blobs: Blobs,  # noqa: F811
    client: docker.DockerClient,  # noqa: F811
    hostile_models: dict[str, bytes],
    canary: Canary,
    module_path: Path,  # noqa: F811
) -> Iterator[Watch]:
    """Open a watched container of an environment, once for a module."""
    with ExitStack() as stack:
        opened: dict[str, Watched] = {}

        def of(name: str) -> Watched:
            if name not in opened:
                session: Session = stack.enter_context(make_session(name))
                own = hostile_models if name == "tf2.15" else hostile_models | {"harmless": _identity(session, blobs)}
                sandbox = Sandbox(session, blobs, own)
                folders = (module_path, PROBE, canary.path.parent)
                opened[name] = Watched(sandbox, client, canary, folders)
            return opened[name]

        yield of


@pytest.fixture(scope="module")
def sandbox(watch: Watch) -> Sandbox:
    """One container of TensorFlow 2.15 for all the tests of a module: each finds what the one before left."""
    return watch("tf2.15").sandbox


IDENTITY = b"""
import tensorflow as tf
def build_model():
    inputs = tf.keras.Input((4,), name="x")
    return tf.keras.Model(inputs, tf.keras.layers.Activation("linear", name="y")(inputs))
"""


def _identity(session: Session, store: Blobs) -> bytes:
    """An honest model that answers with what it is given, as h5, saved by the environment itself."""
    from matrix import protocol  # noqa: PLC0415
    from matrix.messages import SaveJob  # noqa: PLC0415

    builder = store.put(IDENTITY)
    session.place_files(store, [builder])
    _, said = session.run(SaveJob(model="", formats=("h5",), brought=Brought(builder=builder)))
    return protocol.save_report(said).saves[0].data


@pytest.fixture(scope="session")
def four_numbers() -> bytes:
    """Inputs that most of the hostile files take."""
    from images.probe import wire  # noqa: PLC0415

    specs, body = wire.encode_arrays([("x", np.ones((2, 4), "float32"))])
    return wire.pack({"arrays": specs, "structure": "single"}, body)
