"""A real engine, real images, sessions in them. Nothing is skipped: what is missing fails with what to run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import docker
import numpy as np
import pytest

from images import venvs
from images.bootstrap.engine import connect
from images.probe import wire
from matrix import catalog, protocol, verdict
from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.engines import Allowance
from matrix.engines.docker import DockerEngine
from matrix.errors import EngineError
from matrix.messages import Ending, Limits, LoadCell, LoadJob
from matrix.model import CellKey, Environment, Format, Method
from matrix.results import Artifact, CellResult, Signature, Tensor
from matrix.session import Patience, Session
from matrix.verdict import Expected

TESTED = ("tf2.4", "tf2.15", "tf2.21")


def often(*names: str) -> list[Any]:
    """For ``pytest.mark.parametrize``: of the three, these run in ``make test``, the others in ``make test-all``."""
    return [pytest.param(one, marks=[] if one in names else [pytest.mark.everything]) for one in TESTED]


LABEL = "tfmatrix.test"
MINE = uuid.uuid4().hex
"""Tests of two checkouts may share an engine; each cleans up after itself only."""
PATIENCE = Patience(
    start=120,
    load=Limits(seconds=6, grace=1, body=64 << 20),
    save=Limits(seconds=60, grace=1, body=64 << 20),
    fresh_seconds=30,
)
HURRY = replace(PATIENCE, load=replace(PATIENCE.load, seconds=3))
"""For models that take all the time that there is: an honest one needs half a second."""
ALLOWANCE = Allowance(memory=1 << 30, temporary=64 << 20, processor=None)
OUTPUTS = np.arange(8, dtype="float32").reshape(2, 4) + 1

MakeSession = Callable[..., AbstractContextManager[Session]]


def stored(blobs: Blobs, content: bytes) -> Artifact:
    """Store a model file with the inputs and the answers of an honest one."""
    specs, body = wire.encode_arrays([("x", OUTPUTS)])
    tensor = Tensor(name="x", shape=(None, 4), dtype="float32")
    return Artifact(
        sha256=blobs.put(content),
        size=len(content),
        is_tar=False,
        inputs=blobs.put(wire.pack({"arrays": specs, "structure": "single"}, body)),
        outputs=blobs.put(wire.pack({"arrays": [dict(specs[0], name="y")]}, body)),
        signature=Signature(inputs=(tensor,), outputs=(replace(tensor, name="y"),)),
    )


class Sandbox:
    """One session and the hostile models; says what became of each and which container it was in."""

    def __init__(self, session: Session, blobs: Blobs, models: dict[str, bytes]) -> None:
        self.session = session
        self._blobs = blobs
        self._models = models

    def load(self, name: str, *, fresh: bool = False) -> CellResult:
        """Load a hostile model and judge what happened, as a lane does."""
        return self.attempt(name, fresh=fresh)[0]

    def attempt(self, name: str, *, fresh: bool = False) -> tuple[CellResult, Ending]:
        """Load a hostile model; return the judgement and how the child ended."""
        artifact = stored(self._blobs, self._models[name])
        self.session.place(self._blobs, artifact)
        cell = LoadCell(
            model="dense",
            format=Format.H5,
            method=Method.DEFAULT,
            artifact=artifact.sha256,
            is_tar=False,
            inputs=artifact.inputs,
        )
        ending, said = self.session.run(LoadJob(cells=(cell,)), fresh=fresh)
        outputs = protocol.arrays(self._blobs.get(artifact.outputs))
        key = CellKey(artifact=artifact.sha256, loader=self.session.environment.recipe_digest, method=Method.DEFAULT)
        expected = Expected(outputs=outputs, signature=artifact.signature)
        return verdict.judge(key, ending, said, expected), ending

    def container(self) -> str | None:
        """Return the id of the container that answers now."""
        channel: Any = self.session._channel
        return None if channel is None else str(channel._container.id)

    def said(self, name: str) -> dict[str, str]:
        """Return what a model wrote into the message of its exception."""
        result = self.load(name)
        assert result.failure is not None, result
        found = result.failure.message.partition("<<<")[2].partition(">>>")[0]
        assert found, result.failure.message
        return dict(json.loads(found))


def hurried(sandbox: Sandbox, name: str) -> tuple[CellResult, Ending]:
    """Load a model that will not end, and wait for three seconds only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox.session, "_patience", HURRY)
        return sandbox.attempt(name)


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """A client of the engine that answers."""
    try:
        found = connect()
    except EngineError as error:
        pytest.fail(f"{error.message} Run `tfmatrix setup --environments 2.4,2.15,2.21`, or `make test`.")
    yield found
    for container in found.containers.list(all=True, filters={"label": f"{LABEL}={MINE}"}, ignore_removed=True):
        container.remove(force=True)
    found.close()


@pytest.fixture(scope="session")
def engine(client: docker.DockerClient) -> DockerEngine:
    """The engine, with the three images of ``make test``."""
    found = DockerEngine(client, runtime=Settings().runtime)
    missing = found.missing(tuple(one for one in catalog.load_environments() if one.id in TESTED))
    if missing:
        pytest.fail(f"Without an image: {', '.join(missing)}. Run `tfmatrix setup --environments 2.4,2.15,2.21`.")
    return found


@pytest.fixture(scope="session")
def environments() -> dict[str, Environment]:
    """Every environment by its id."""
    return {one.id: one for one in catalog.load_environments()}


@pytest.fixture(scope="session")
def venv_home(environments: dict[str, Environment]) -> Path:
    """The home folder whose uv environment of TensorFlow 2.15 is there; it is made once and kept."""
    home = Settings().home.resolve()
    row = environments["tf2.15"]
    failed = venvs.make([row], home, _Silent())
    if failed:
        pytest.fail(f"The uv environment of tf2.15 cannot be made: {failed}")
    return home


class _Silent:
    def began(self, environment: Environment) -> None: ...

    def ended(self, environment: Environment, seconds: float, error: str | None) -> None: ...


@pytest.fixture(scope="module")
def module_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the tests of one module share."""
    return tmp_path_factory.mktemp("containers")


@pytest.fixture(scope="module")
def blobs(module_path: Path) -> Blobs:
    """An empty store of artifacts."""
    return Blobs(module_path / "blobs")


@pytest.fixture(scope="module")
def make_session(engine: DockerEngine, environments: dict[str, Environment], module_path: Path) -> MakeSession:
    """Open sessions by the id of their environment."""
    numbers = count()

    @contextmanager
    def opened(
        name: str, *, allowance: Allowance = ALLOWANCE, patience: Patience = PATIENCE, of: Any = engine
    ) -> Iterator[Session]:
        inbox = module_path / "inbox" / str(next(numbers))
        with Session(
            of, environments[name], inbox=inbox, allowance=allowance, labels={LABEL: MINE}, patience=patience
        ) as session:
            yield session

    return opened
