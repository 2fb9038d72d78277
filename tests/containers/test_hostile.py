"""What a hostile model does takes only its own cell down: each gets its verdict, and the next cell passes."""

from __future__ import annotations

import signal
import threading

import docker
import pytest

from matrix.blobs import Blobs
from matrix.model import Rung, Verdict
from matrix.results import CellResult
from tests.containers.conftest import MakeSession, Sandbox, hurried

pytestmark = pytest.mark.containers


@pytest.fixture
def neighbours(sandbox: Sandbox) -> Sandbox:
    """A sandbox in which an honest model passes, in a container that must outlive the test's hostile one."""
    _assert_passes(sandbox.load("harmless"))
    return sandbox


def _assert_passes(result: CellResult) -> None:
    assert (result.verdict, result.rung, result.tampered) == (Verdict.PASS, Rung.OUTPUTS_EQUAL, False), result


def _assert_unharmed(sandbox: Sandbox, container: str | None) -> None:
    _assert_passes(sandbox.load("harmless"))
    assert sandbox.container() == container, "the container was replaced"


def test_harmless_model_passes(neighbours: Sandbox) -> None:
    """An honest Lambda model passes: what the others show is due to their code alone."""
    _assert_passes(neighbours.load("harmless"))


def test_hanging_model_times_out(neighbours: Sandbox) -> None:
    """A model that sleeps for ever is stopped at its limit: timeout, ended when asked."""
    container = neighbours.container()
    result, ending = hurried(neighbours, "hang")
    assert result.verdict is Verdict.TIMEOUT
    assert ending.code == 1, "it had to be killed"
    assert 3 <= ending.wall_seconds < 5
    _assert_unharmed(neighbours, container)


def test_model_deaf_to_sigterm_is_killed(neighbours: Sandbox) -> None:
    """A model that ignores SIGTERM is killed after the grace period: timeout too."""
    container = neighbours.container()
    result, ending = hurried(neighbours, "hang-deaf")
    assert result.verdict is Verdict.TIMEOUT
    assert ending.code == 2
    assert 4 <= ending.wall_seconds < 6
    _assert_unharmed(neighbours, container)


@pytest.mark.parametrize(("name", "number"), [("segfault", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_crash_keeps_its_signal(neighbours: Sandbox, name: str, number: int) -> None:
    """A model that brings its process down is a crash, with the signal."""
    container = neighbours.container()
    result = neighbours.load(name)
    assert (result.verdict, result.signal) == (Verdict.CRASH, number)
    _assert_unharmed(neighbours, container)


def test_out_of_memory_is_told_from_a_crash(neighbours: Sandbox) -> None:
    """A model that eats memory until the kernel kills it is out-of-memory, and the zygote stays."""
    container = neighbours.container()
    assert neighbours.load("eat-memory").verdict is Verdict.OUT_OF_MEMORY
    _assert_unharmed(neighbours, container)


def test_daemon_and_files_are_swept(neighbours: Sandbox, client: docker.DockerClient) -> None:
    """A daemonised grandchild and files outside the cell's folder are gone before the next cell."""
    container = neighbours.container()
    running = client.containers.get(container)
    before = running.exec_run(["ls", "-A", "/tmp"]).output  # noqa: S108  the container's
    result, ending = neighbours.attempt("daemon")
    _assert_passes(result)
    assert ending.clean
    assert running.exec_run(["ls", "-A", "/tmp"]).output == before  # noqa: S108
    assert len(running.top()["Processes"]) == 2, running.top()  # the init and the zygote
    _assert_unharmed(neighbours, container)


def test_closed_folder_is_swept(neighbours: Sandbox) -> None:
    """A folder that its owner closed, inside another closed one, is removed too, and at once."""
    container = neighbours.container()
    result, ending = neighbours.attempt("closed-folder")
    _assert_passes(result)
    assert ending.clean
    _assert_unharmed(neighbours, container)


def test_fork_bomb_is_contained(neighbours: Sandbox) -> None:
    """A fork bomb reaches its own limit of processes; it times out and every one of its processes is ended."""
    container = neighbours.container()
    result, ending = hurried(neighbours, "fork-bomb")
    assert result.verdict is Verdict.TIMEOUT
    assert ending.clean
    _assert_unharmed(neighbours, container)


@pytest.mark.everything
def test_fork_bomb_leaves_the_other_lane_alone(
    neighbours: Sandbox, make_session: MakeSession, blobs: Blobs, hostile_models: dict[str, bytes]
) -> None:
    """While a fork bomb runs in one container, an honest cell passes in another one that runs beside it."""
    neighbours.session._end()  # both begin anew, so that both children get the same uid, unless uids are told apart
    _assert_passes(neighbours.load("harmless"))
    with make_session("tf2.15") as session:
        other = Sandbox(session, blobs, hostile_models)
        _assert_passes(other.load("harmless"))
        bomb = threading.Thread(target=neighbours.load, args=("fork-bomb",))
        bomb.start()
        try:
            bomb.join(2)
            result = other.load("harmless")
        finally:
            bomb.join()
    _assert_passes(result)


def test_flood_of_output_is_bounded(neighbours: Sandbox) -> None:
    """A model that writes 40 MB to standard output passes; the last of it is kept, without control characters."""
    container = neighbours.container()
    result, ending = neighbours.attempt("flood")
    _assert_passes(result)
    assert 0 < len(ending.noise) <= 16 << 10
    assert "\x1b" not in ending.noise
    _assert_unharmed(neighbours, container)


def test_forged_frame_does_not_pass(neighbours: Sandbox) -> None:
    """A model that writes the report itself cannot pass: it does not know the answers."""
    container = neighbours.container()
    result = neighbours.load("forge")
    assert result.verdict is Verdict.DRIFT
    _assert_unharmed(neighbours, container)


def test_second_frame_is_tampering(neighbours: Sandbox) -> None:
    """A forged frame before the real one is seen: the cell is marked as tampered with, and does not pass."""
    container = neighbours.container()
    result = neighbours.load("two-frames")
    assert result.tampered
    assert result.verdict is not Verdict.PASS
    _assert_unharmed(neighbours, container)


def test_garbage_on_the_pipe_is_tampering(neighbours: Sandbox) -> None:
    """Bytes on the result pipe that are no frame are tampering; nothing that follows them counts."""
    container = neighbours.container()
    result = neighbours.load("garbage")
    assert result.tampered
    assert result.verdict is Verdict.CRASH
    _assert_unharmed(neighbours, container)


def test_endless_frame_is_bounded(neighbours: Sandbox) -> None:
    """A frame that announces 4 GB and never ends is not kept: the model is stopped at its limit."""
    container = neighbours.container()
    result, ending = hurried(neighbours, "endless")
    assert result.verdict is Verdict.TIMEOUT
    assert ending.tampered
    _assert_unharmed(neighbours, container)


def test_exit_without_a_report_is_a_crash(neighbours: Sandbox) -> None:
    """A model that ends its process with exit code 0 before it has reported is a crash, not a pass."""
    container = neighbours.container()
    result = neighbours.load("exit-zero")
    assert (result.verdict, result.signal) == (Verdict.CRASH, None)
    _assert_unharmed(neighbours, container)


def test_system_exit_is_a_failure(neighbours: Sandbox) -> None:
    """A model that raises SystemExit fails with that exception, like with any other."""
    container = neighbours.container()
    result = neighbours.load("system-exit")
    assert result.verdict is Verdict.FAIL
    assert result.failure is not None
    assert result.failure.exception == "SystemExit"
    _assert_unharmed(neighbours, container)


def test_fresh_process_gives_the_same_verdicts(neighbours: Sandbox) -> None:
    """In a fresh process, in which crashes are repeated, an honest model passes and a crash is the same crash."""
    container = neighbours.container()
    _assert_passes(neighbours.load("harmless", fresh=True))
    result, ending = neighbours.attempt("segfault", fresh=True)
    assert (result.verdict, result.signal, ending.lane) == (Verdict.CRASH, signal.SIGSEGV, "fresh")
    _assert_unharmed(neighbours, container)


def _litter(sandbox: Sandbox, cells: int) -> None:
    container = sandbox.container()
    for _ in range(cells // 2):
        _assert_passes(sandbox.load("litter"))
        assert sandbox.load("litter-and-die").verdict is Verdict.CRASH
    _assert_unharmed(sandbox, container)


def test_twenty_cells_that_leave_5_mb_do_not_fill_the_container(neighbours: Sandbox) -> None:
    """20 cells that leave 5 MB each, half of them dying over it, fit one after the other into 64 MB."""
    _litter(neighbours, 20)


@pytest.mark.everything
def test_200_cells_that_leave_5_mb_do_not_fill_the_container(neighbours: Sandbox) -> None:
    """200 cells that leave 5 MB each, half of them dying over it, fit one after the other into 64 MB."""
    _litter(neighbours, 200)
