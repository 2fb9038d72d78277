"""The ``venv`` engine does the same job without containers: contract, hostile models and stopped runs on TensorFlow 2.15.

Not here, because a process of this machine has none of it: no network, a read-only root, users and capabilities of its
own (tests/hostile/test_looks.py), the kernel's kill at a memory limit, a bound on processes (fork bombs), a bounded disk, and
files written outside of the cell's folder (tests/hostile/test_code.py).
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from matrix import protocol
from matrix.blobs import Blobs
from matrix.engines import refuse_untrusted
from matrix.engines import venv as venv_engine
from matrix.engines.processes import descendants, marked
from matrix.engines.venv import MARK, VenvEngine, folder, python
from matrix.errors import ExitCode, UsageError
from matrix.messages import EndKind, LoadCell, LoadJob
from matrix.model import Environment, Method, Origin, Rung, Verdict
from matrix.results import CellResult
from matrix.session import UNKNOWN_FORMAT, HarnessBrokenError, Session
from tests.containers.command import Home, finish
from tests.containers.conftest import ALLOWANCE, LABEL, MINE, PATIENCE, Sandbox, hurried
from tests.hostile import models as hostile

pytestmark = pytest.mark.containers

RUN = ("run", "--environments", "2.15", "--models", "dense,conv", "--formats", "h5")
UNSEEN = "TFMATRIX_TEST_SECRET"
Open = Callable[[], AbstractContextManager[Session]]


@pytest.fixture(scope="module")
def engine(venv_home: Path) -> VenvEngine:
    """The engine, with the uv environment of TensorFlow 2.15."""
    return VenvEngine(venv_home)


@pytest.fixture(scope="module")
def open_session(engine: VenvEngine, environments: dict[str, Environment], module_path: Path) -> Open:
    """Open sessions of TensorFlow 2.15."""
    numbers = count()

    @contextmanager
    def opened() -> Iterator[Session]:
        inbox = module_path / "inbox" / str(next(numbers))
        row, labels = environments["tf2.15"], {LABEL: MINE}
        with Session(engine, row, inbox=inbox, allowance=ALLOWANCE, labels=labels, patience=PATIENCE) as session:
            yield session

    return opened


@pytest.fixture(scope="module")
def opened_sandbox(
    open_session: Open,
    blobs: Blobs,
    venv_home: Path,
    environments: dict[str, Environment],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sandbox]:
    """One zygote for all the tests of this module, with hostile models that the environment itself wrote."""
    place = tmp_path_factory.mktemp("hostile")
    models = hostile.build_in_venv(python(venv_home, environments["tf2.15"]), place)
    with open_session() as session, pytest.MonkeyPatch.context() as patch:
        patch.setenv(UNSEEN, "secret")
        yield Sandbox(session, blobs, models)


@pytest.fixture
def neighbours(opened_sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox in which an honest model passes before the test and after it, in one and the same zygote."""
    _assert_passes(opened_sandbox.load("harmless"))
    before = zygote(opened_sandbox)
    yield opened_sandbox
    _assert_passes(opened_sandbox.load("harmless"))
    assert zygote(opened_sandbox) == before, "the zygote was replaced"
    assert descendants(before) == []


def zygote(sandbox: Sandbox) -> int:
    """The process that answers now."""
    channel: Any = sandbox.session._channel
    return int(channel.pid)


def _assert_passes(result: CellResult) -> None:
    assert (result.verdict, result.rung, result.tampered) == (Verdict.PASS, Rung.OUTPUTS_EQUAL, False), result


def test_environment_proves_itself(open_session: Open, blobs: Blobs, environments: dict[str, Environment]) -> None:
    """It refuses a format that does not exist, loads its canary, states the versions of its row, and then is gone."""
    with open_session() as session:
        session.prove(blobs)
        channel: Any = session._channel
        assert channel.pid in marked(f"{MARK}={LABEL}={MINE}")
        cell = LoadCell(
            model="canary", format=UNKNOWN_FORMAT, method=Method.DEFAULT, artifact="-", is_tar=False, inputs="-"
        )
        ending, said = session.run(LoadJob(cells=(cell,)))
    assert channel.pid not in marked(f"{MARK}={LABEL}={MINE}")
    assert ending.kind is EndKind.EXIT
    assert protocol.load_report(said).unsupported is not None
    assert session.identity.versions["tensorflow"] == environments["tf2.15"].tensorflow
    assert session.identity.facts["threads"] == 1


@pytest.mark.everything
def test_broken_environment_does_not_prove_itself(
    open_session: Open, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment whose probe cannot load is broken, and the message says which and why."""
    probe = tmp_path / "probe"
    shutil.copytree(venv_engine.PROBE, probe)
    (probe / "load.py").write_text("raise ImportError('this probe is broken')\n")
    monkeypatch.setattr(venv_engine, "PROBE", probe)
    with open_session() as session, pytest.raises(HarnessBrokenError, match=r"tf2\.15"):
        session.prove(blobs)


def test_it_sees_nothing_of_this_environment(neighbours: Sandbox) -> None:
    """A secret in this process's environment is not in the probe's; it is pinned, and its memory is bounded."""
    assert UNSEEN in os.environ
    place = Path("/proc") / str(zygote(neighbours))
    assert UNSEEN.encode() not in (place / "environ").read_bytes()
    limits = (place / "limits").read_text().splitlines()
    limit = next(line for line in limits if line.startswith("Max data size"))
    assert limit.split()[3] == str(ALLOWANCE.memory)


@pytest.mark.everything
def test_hanging_model_times_out(neighbours: Sandbox) -> None:
    """A model that sleeps for ever is stopped at its limit: timeout, ended when asked."""
    result, ending = hurried(neighbours, "hang")
    assert (result.verdict, ending.code) == (Verdict.TIMEOUT, 1)


@pytest.mark.everything
def test_model_deaf_to_sigterm_is_killed(neighbours: Sandbox) -> None:
    """A model that ignores SIGTERM is killed after the grace period: timeout too."""
    result, ending = hurried(neighbours, "hang-deaf")
    assert (result.verdict, ending.code) == (Verdict.TIMEOUT, 2)


@pytest.mark.parametrize(("name", "number"), [("segfault", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_crash_keeps_its_signal(neighbours: Sandbox, name: str, number: int) -> None:
    """A model that brings its process down is a crash, with the signal."""
    result = neighbours.load(name)
    assert (result.verdict, result.signal) == (Verdict.CRASH, number)


def test_memory_is_bounded(neighbours: Sandbox) -> None:
    """A model that eats memory ends at the limit: it does not pass, though it cannot be told from other failures."""
    assert neighbours.load("memory-bomb").verdict in {Verdict.FAIL, Verdict.CRASH}


def test_daemon_and_litter_are_swept(neighbours: Sandbox) -> None:
    """A daemonised grandchild, and what a cell left in its folders, are gone before the next cell."""
    result, ending = neighbours.attempt("daemon-within")
    _assert_passes(result)
    assert ending.clean


def test_flood_of_output_is_bounded(neighbours: Sandbox) -> None:
    """A model that writes 40 MB to standard output passes; the last of it is kept."""
    result, ending = neighbours.attempt("output-flood")
    _assert_passes(result)
    assert 0 < len(ending.noise) <= 16 << 10


@pytest.mark.parametrize(
    ("name", "verdicts", "tampered"),
    [
        ("forge", {Verdict.DRIFT}, False),
        ("two-frames", {Verdict.DRIFT}, True),
        ("garbage", {Verdict.CRASH}, True),
        ("exit-zero", {Verdict.CRASH}, False),
        ("system-exit", {Verdict.FAIL}, False),
    ],
)
def test_what_a_child_forges_does_not_pass(
    neighbours: Sandbox, name: str, verdicts: set[Verdict], *, tampered: bool
) -> None:
    """Forged frames, garbage and an early exit get the verdict that they get in a container."""
    result = neighbours.load(name)
    assert result.verdict in verdicts
    assert result.tampered is tampered


@pytest.mark.everything
def test_fresh_process_gives_the_same_verdicts(neighbours: Sandbox) -> None:
    """In a fresh process an honest model passes and a crash is the same crash."""
    _assert_passes(neighbours.load("harmless", fresh=True))
    result, ending = neighbours.attempt("segfault", fresh=True)
    assert (result.verdict, result.signal, ending.lane) == (Verdict.CRASH, signal.SIGSEGV, "fresh")


def test_what_it_says_names_no_path_of_this_machine(neighbours: Sandbox, venv_home: Path) -> None:
    """Messages and tracebacks name the paths that a container has, so that one failure has one fingerprint."""
    failure = neighbours.load("system-exit").failure
    assert failure is not None
    assert str(venv_home) not in failure.traceback
    assert "/usr/local/lib/python3.11/site-packages/" in failure.traceback


def test_uploads_are_refused_unless_trusted(engine: VenvEngine) -> None:
    """What was uploaded is not loaded where nothing holds it, and the message names the way out."""
    with pytest.raises(UsageError) as caught:
        refuse_untrusted(engine, Origin.UPLOADED, trust=False)
    assert "--trust" in caught.value.next_step
    refuse_untrusted(engine, Origin.UPLOADED, trust=True)
    refuse_untrusted(engine, Origin.OURS, trust=False)


@pytest.fixture
def home(tmp_path: Path, venv_home: Path, environments: dict[str, Environment]) -> Home:
    """A home of its own that uses the one uv environment."""
    row = environments["tf2.15"]
    folder(tmp_path, row).parent.mkdir()
    folder(tmp_path, row).symlink_to(folder(venv_home, row))
    return Home(tmp_path)


def _assert_resumes(home: Home) -> None:
    code, said = home.run("run", "--resume", TFMATRIX_ENGINE="venv")
    assert code == ExitCode.FINE, said
    wanted, known = home.cells("2.15", RUN[4], RUN[6])
    assert known == set(wanted)
    assert home.count("cells") == len(wanted)
    assert home.processes() == []
    assert list((home.path / "scratch").iterdir()) == []
    assert "venv (no isolation)" in home.page.read_text(encoding="utf-8")


@pytest.mark.everything
def test_interrupted_run_is_resumed(home: Home) -> None:
    """Ctrl-C: exit code 130, no process is left, ``--resume`` finishes; a person is told at the start what it lacks."""
    process = home.start(*RUN, TFMATRIX_ENGINE="venv")
    home.wait_for("saves", 1, process)
    os.kill(process.pid, signal.SIGINT)
    code, said = finish(process, seconds=60)
    assert code == ExitCode.INTERRUPTED, said
    assert "ISOLATE NOTHING" in said
    assert home.processes() == []
    _assert_resumes(home)


@pytest.mark.everything
def test_killed_run_is_resumed(home: Home) -> None:
    """SIGKILL of the orchestrator: ``--resume`` ends what it left and finishes with no cell lost or doubled."""
    process = home.start(*RUN, TFMATRIX_ENGINE="venv")
    home.wait_for("saves", 1, process)
    process.kill()
    process.communicate()
    _assert_resumes(home)


def test_environment_that_is_not_made_is_unavailable(tmp_path: Path) -> None:
    """A row without an environment ends no run: it is named with its reason, exit code 3."""
    code, said = Home(tmp_path).run(*RUN, TFMATRIX_ENGINE="venv")
    assert code == ExitCode.INCOMPLETE, said
    assert "is not made" in said
