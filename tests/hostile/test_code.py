"""What a hostile model does takes only its own cell down: each gets its verdict, and the next cell passes."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import pytest

from matrix.blobs import Blobs
from matrix.model import Rung, Verdict
from matrix.results import CellResult
from tests.containers.conftest import MakeSession, Sandbox
from tests.hostile.case import Case
from tests.hostile.code import CODE
from tests.hostile.conftest import SECONDS, Watch

pytestmark = pytest.mark.containers


@pytest.mark.parametrize("case", CODE.parameters())
def test_an_attack_by_code_is_contained(watch: Watch, case: Case) -> None:
    """It gets its verdict; the next honest cell passes in the same container; nothing of it is left anywhere."""
    wanted = case.options
    found = watch("tf2.15").attack(case.name, seconds=wanted.get("limit", SECONDS))
    result, ending = found.result, found.ending
    assert result.verdict in case.ends, result
    assert result.tampered is wanted.get("tampered", False)
    assert ending.clean
    if "signal" in wanted:
        assert result.signal == wanted["signal"]
    if "code" in wanted:
        assert ending.code == wanted["code"], "1: ended when asked, 2: killed"
    if "seconds" in wanted:
        assert wanted["seconds"] <= ending.wall_seconds < wanted["seconds"] + 3  # the machine may be busy
    if "message" in wanted:
        assert result.failure is not None
        assert len(result.failure.message) < wanted["message"]
        assert not any(one in result.failure.message for one in ("\x1b", "\x07", "\0", "\u202e"))
    if "noise" in wanted:
        assert 0 < len(ending.noise) <= 16 << 10
        assert "\x1b" not in ending.noise


def test_harmless_model_passes(sandbox: Sandbox) -> None:
    """An honest Lambda model passes: what the others show is due to their code alone."""
    _assert_passes(sandbox.load("harmless"))


def _assert_passes(result: CellResult) -> None:
    assert (result.verdict, result.rung, result.tampered) == (Verdict.PASS, Rung.OUTPUTS_EQUAL, False), result


@pytest.mark.everything
def test_fork_bomb_leaves_the_other_lane_alone(
    sandbox: Sandbox, make_session: MakeSession, blobs: Blobs, hostile_models: dict[str, bytes]
) -> None:
    """While a fork bomb runs in one container, an honest cell passes in another one that runs beside it."""
    sandbox.session._end()  # both begin anew, so that both children get the same uid, unless uids are told apart
    _assert_passes(sandbox.load("harmless"))
    with make_session("tf2.15") as session:
        other = Sandbox(session, blobs, hostile_models)
        _assert_passes(other.load("harmless"))
        bomb = threading.Thread(target=sandbox.load, args=("fork-bomb",))
        bomb.start()
        try:
            bomb.join(2)
            result = other.load("harmless")
        finally:
            bomb.join()
    _assert_passes(result)


@pytest.mark.everything
def test_fresh_process_gives_the_same_verdicts(watch: Watch) -> None:
    """In a fresh process, in which crashes are repeated, an honest model passes and a crash is the same crash."""
    watched = watch("tf2.15")
    _assert_passes(watched.sandbox.load("harmless", fresh=True))
    found = watched.attack("segfault", fresh=True)
    assert (found.result.verdict, found.result.signal, found.ending.lane) == (Verdict.CRASH, signal.SIGSEGV, "fresh")


def test_time_of_the_processor_is_bounded_where_the_clock_does_not_look(watch: Watch) -> None:
    """What outlived its cell would end by itself: the limit on processor time is there, and below its wall time never met."""
    session = watch("tf2.15").sandbox.session
    limits = session._patience.load
    seen = watch("tf2.15").sandbox.said("itself")
    soft, hard = map(int, seen["RLIMIT_CPU"].split())
    assert limits.seconds + limits.grace < soft == hard < 3600


def _litter(sandbox: Sandbox, cells: int) -> None:
    container = sandbox.container()
    for _ in range(cells // 2):
        _assert_passes(sandbox.load("litter"))
        assert sandbox.load("litter-and-die").verdict is Verdict.CRASH
    _assert_passes(sandbox.load("harmless"))
    assert sandbox.container() == container, "the container was replaced"


@pytest.mark.everything
def test_twenty_cells_that_leave_5_mb_do_not_fill_the_container(sandbox: Sandbox) -> None:
    """20 cells that leave 5 MB each, half of them dying over it, fit one after the other into 64 MB."""
    _litter(sandbox, 20)


@pytest.mark.everything
def test_200_cells_that_leave_5_mb_do_not_fill_the_container(sandbox: Sandbox) -> None:
    """200 cells that leave 5 MB each, half of them dying over it, fit one after the other into 64 MB."""
    _litter(sandbox, 200)


@pytest.mark.everything
def test_a_file_larger_than_its_limit_is_not_written(watch: Watch) -> None:
    """The limit on a file's size is one of its own where an upload is larger than what may be answered."""
    session = watch("tf2.15").sandbox.session
    kept, limits = session._patience, session._patience.load
    session._patience = replace(kept, load=replace(limits, file=123 << 20))
    try:
        assert watch("tf2.15").sandbox.said("itself")["RLIMIT_FSIZE"] == f"{123 << 20} {123 << 20}"
    finally:
        session._patience = kept
