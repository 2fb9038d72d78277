"""Before its cells count an environment proves itself, on the oldest, a middle and the newest TensorFlow."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from matrix import protocol
from matrix.blobs import Blobs
from matrix.engines.docker import PROBE, DockerEngine
from matrix.lane import Broken, Finding, Lanes, Spent
from matrix.messages import EndKind, LoadCell, LoadJob
from matrix.model import CellKey, CellRequest, Environment, Format, Method, Verdict
from matrix.plan import LoadBatch, LoadTask
from matrix.repeat import NEVER
from matrix.results import CellResult
from matrix.sandboxes import Sandboxes
from matrix.session import UNKNOWN_FORMAT, HarnessBrokenError, Session
from tests.containers.conftest import ALLOWANCE, LABEL, MINE, PATIENCE, MakeSession, often, stored

pytestmark = pytest.mark.containers


@pytest.fixture
def broken_probe(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make every container start with a probe whose loading raises."""
    probe = tmp_path / "probe"
    shutil.copytree(PROBE, probe)
    (probe / "load.py").write_text("raise ImportError('this probe is broken')\n")
    monkeypatch.setattr(engine, "_probe", probe)


@pytest.mark.parametrize("name", often("tf2.4"))
def test_environment_proves_itself(
    name: str, make_session: MakeSession, blobs: Blobs, environments: dict[str, Environment]
) -> None:
    """An environment refuses a format that does not exist, loads its canary, and states the versions of its row."""
    with make_session(name) as session:
        session.prove(blobs)
        cell = LoadCell(
            model="canary", format=UNKNOWN_FORMAT, method=Method.DEFAULT, artifact="-", is_tar=False, inputs="-"
        )
        ending, said = session.run(LoadJob(cells=(cell,)))
    assert ending.kind is EndKind.EXIT
    assert protocol.load_report(said).unsupported is not None
    row = environments[name]
    assert session.identity.versions["tensorflow"] == row.tensorflow
    assert session.identity.versions["python"].startswith(row.python)
    assert session.identity.facts["threads"] == 1


@pytest.mark.everything
def test_an_image_that_holds_something_else_does_not_prove_itself(
    engine: DockerEngine, blobs: Blobs, environments: dict[str, Environment], tmp_path: Path
) -> None:
    """The versions are read inside: a row that names another Keras is found out, and the message says which.

    For `make test-all`: two containers, for what tests/unit/test_session.py asks of a fake one.
    """
    row = replace(environments["tf2.15"], keras="2.99.0")
    with (
        Session(
            engine, row, inbox=tmp_path / "inbox", allowance=ALLOWANCE, labels={LABEL: MINE}, patience=PATIENCE
        ) as session,
        pytest.raises(HarnessBrokenError, match=r"keras 2\.15\.0 instead of 2\.99\.0"),
    ):
        session.prove(blobs)


@pytest.mark.everything
@pytest.mark.usefixtures("broken_probe")
def test_broken_environment_does_not_prove_itself(make_session: MakeSession, blobs: Blobs) -> None:
    """An environment whose probe cannot load is broken, and the message says which and what to do.

    For `make test-all`: two more containers of the kind that the next test starts, which reads the message, too.
    """
    with make_session("tf2.15") as session, pytest.raises(HarnessBrokenError, match=r"tf2\.15") as caught:
        session.prove(blobs)
    assert "tfmatrix images build" in caught.value.next_step


@pytest.mark.usefixtures("broken_probe")
def test_cells_of_a_broken_environment_are_harness_broken(
    engine: DockerEngine, blobs: Blobs, environments: dict[str, Environment], tmp_path: Path
) -> None:
    """Every cell of a broken environment is recorded as harness-broken: never as a failure of TensorFlow."""
    row = environments["tf2.15"]
    sandboxes = Sandboxes(engine, inboxes=tmp_path / "inbox", labels={LABEL: MINE}, patience=PATIENCE, memory=1 << 30)
    lanes = Lanes(sandboxes, blobs, processors=(None,), repeats=NEVER)
    found: list[Finding] = []
    lanes.work(LoadBatch(environment=row, tasks=(_task(row, blobs),)), 0, found.append)
    assert [type(one) for one in found] == [Broken, CellResult, Spent]
    assert isinstance(found[0], Broken)
    assert "tf2.15 did not prove itself" in found[0].reason
    assert isinstance(found[1], CellResult)
    assert found[1].verdict is Verdict.HARNESS_BROKEN


def _task(row: Environment, blobs: Blobs) -> LoadTask:
    artifact = stored(blobs, b"never loaded")
    return LoadTask(
        key=CellKey(artifact=artifact.sha256, loader=row.recipe_digest, method=Method.DEFAULT),
        request=CellRequest(saver=row.id, model="dense", format=Format.H5, loader=row.id, method=Method.DEFAULT),
        artifact=artifact,
    )
