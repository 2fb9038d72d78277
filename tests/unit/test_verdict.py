"""A report becomes a verdict: every way a child can end, every rung, and fingerprints that name kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.probe import wire
from matrix import verdict
from matrix.messages import Ending, EndKind, Raised, Tried
from matrix.model import CellKey, Method, Rung, Verdict
from matrix.results import CellResult, Mark, Signature, Tensor
from matrix.verdict import Expected

KEY = CellKey(artifact="a" * 64, loader="b" * 64, method=Method.DEFAULT)
SIGNATURE = Signature(
    inputs=(Tensor(name="x", shape=(None, 2), dtype="float32"),), outputs=(Tensor(name="y", shape=(2,), dtype="int8"),)
)
STATED: dict[str, Any] = {
    "inputs": [{"name": "other", "shape": [None, 2], "dtype": "float32"}],
    "outputs": [{"name": "z", "shape": [2], "dtype": "int8"}],
}
EXPECTED = Expected(outputs=(("y", np.array([1, 2], "int8")),), signature=SIGNATURE, training_steps=3)
RAISED: dict[str, Any] = {"class": "ValueError", "message": "bad", "traceback": "t", "frames": ["keras:load"]}


def ending(kind: EndKind = EndKind.EXIT, code: int = 0, **changes: Any) -> Ending:
    """How a child ended."""
    fields: dict[str, Any] = {
        "wall_seconds": 0.5, "peak_memory": 1000, "lane": "fork", "noise": "last words", "tampered": False, "clean": True,
    }  # fmt: skip
    return Ending(kind=kind, code=code, **fields | changes)


def judged(end: Ending | None = None, answer: tuple[int, int] = (1, 2), **fields: Any) -> CellResult:
    """Judge a child that called the model and got an answer, but for some fields of its report."""
    outputs = [{"name": "y", "dtype": "int8", "shape": [2], "bytes": 2}]
    report = {"reached": "called", "outputs": outputs, "signature": STATED} | fields
    body = bytes(answer) if report["outputs"] else b""
    said = wire.pack({"cells": [report | {"length": len(body)}]}, body)
    return verdict.judge(KEY, end or ending(), said, EXPECTED)


def test_equal_outputs_pass_at_the_top_rung() -> None:
    """Loads and answers the same: pass, with the differences that show it."""
    result = judged()
    assert (result.verdict, result.rung, result.signature_equal) == (Verdict.PASS, Rung.OUTPUTS_EQUAL, True)
    assert [one.equal for one in result.differences] == [True]
    assert (result.effort.wall_seconds, result.effort.peak_memory) == (0.5, 1000)


def test_other_outputs_are_drift() -> None:
    """Loads and answers differently: neither a pass nor a failure."""
    result = judged(answer=(1, 3))
    assert (result.verdict, result.rung, result.failure) == (Verdict.DRIFT, Rung.CALLED, None)


def test_no_outputs_at_all_are_never_a_pass() -> None:
    """A model that was called and gave nothing has not answered the same."""
    assert judged(outputs=[]).verdict is Verdict.DRIFT


@pytest.mark.parametrize(
    ("reached", "signature", "rung"),
    [
        ("nothing", None, Rung.NOTHING),
        ("opened", None, Rung.OPENED),
        ("deserialized", None, Rung.DESERIALIZED),
        ("deserialized", STATED, Rung.SIGNATURE_EQUAL),
        ("deserialized", {"inputs": [], "outputs": []}, Rung.DESERIALIZED),
    ],
)
def test_below_called_is_a_failure_at_its_rung(reached: str, signature: object, rung: Rung) -> None:
    """What raises before it answers fails, and keeps how far it got and why."""
    result = judged(reached=reached, signature=signature, outputs=[], exception=RAISED)
    assert (result.verdict, result.rung) == (Verdict.FAIL, rung)
    assert result.failure is not None
    assert (result.failure.exception, result.failure.message) == ("ValueError", "bad")


@pytest.mark.parametrize(
    ("end", "expected", "signal", "words"),
    [
        (ending(EndKind.TIMEOUT, 1), Verdict.TIMEOUT, None, "stopped when asked"),
        (ending(EndKind.TIMEOUT, 2), Verdict.TIMEOUT, None, "had to be killed"),
        (ending(EndKind.OUT_OF_MEMORY, 9), Verdict.OUT_OF_MEMORY, None, "want of memory"),
        (ending(EndKind.SIGNAL, 11), Verdict.CRASH, 11, "SIGSEGV"),
        (ending(EndKind.SIGNAL, 999), Verdict.CRASH, 999, "unknown"),
        (ending(EndKind.EXIT, 3), Verdict.CRASH, None, "exit code 3"),
    ],
)
def test_an_abnormal_end_outweighs_what_was_said(
    end: Ending, expected: Verdict, signal: int | None, words: str
) -> None:
    """A perfect report of a child that then crashed does not pass."""
    result = judged(end)
    assert (result.verdict, result.rung, result.signal) == (expected, Rung.NOTHING, signal)
    assert result.failure is not None
    assert words in result.failure.message
    assert result.failure.traceback == "last words"


def test_silence_and_nonsense_are_crashes() -> None:
    """A child that ends well but said nothing, or no report, has not passed."""
    for said in (b"", b"nonsense", wire.pack({"cells": [{"reached": "heaven"}]}), wire.pack({"reached": "called"})):
        result = verdict.judge(KEY, ending(), said, EXPECTED)
        assert result.verdict is Verdict.CRASH
        assert result.failure is not None


def test_unsupported_accuses_us() -> None:
    """A probe that does not know what it was asked is a broken harness, never TensorFlow's fault."""
    assert judged(unsupported="no such method").verdict is Verdict.HARNESS_BROKEN


def test_tampering_is_kept() -> None:
    """Bytes after the report do not change the verdict, but they are on record."""
    assert judged(ending(tampered=True)).tampered
    assert not judged().tampered


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("object at 0x7f12ab", "object at 0xdeadbeef"),
        ("expected 3 weights", "expected 5 weights"),
        ("Unknown layer dense_1", "Unknown layer dense_27"),
        ("no /tmp/cell-20001/model.h5", "no /tmp/cell-31234/model.h5"),
        ("digest 0123456789abcdef01", "digest fedcba9876543210ff"),
    ],
)
def test_a_fingerprint_ignores_numbers_addresses_and_temporary_names(one: str, other: str) -> None:
    """The same kind of failure has one name."""
    assert verdict.fingerprint("E", one, ("a:b",)) == verdict.fingerprint("E", other, ("a:b",))


def test_a_fingerprint_tells_kinds_apart() -> None:
    """Class, words and innermost frames each make another kind."""
    names = {
        verdict.fingerprint("E", "bad marshal data", ("a:b",)),
        verdict.fingerprint("F", "bad marshal data", ("a:b",)),
        verdict.fingerprint("E", "unknown layer", ("a:b",)),
        verdict.fingerprint("E", "bad marshal data", ("a:c",)),
        verdict.fingerprint("E", "bad marshal data", ()),
    }
    assert len(names) == 5


def test_a_failure_names_no_cell_folder() -> None:
    """The child's uid is in no text that is stored."""
    raised = Raised(exception="E", message="in /tmp/cell-20001", traceback="at /tmp/cell-20001/x", frames=())
    found = verdict.failure(raised)
    assert (found.message, found.traceback) == ("in /tmp/cell", "at /tmp/cell/x")


def test_a_message_of_half_a_character_is_judged() -> None:
    """A hostile child's exception text is a failure of that cell, and of nothing else."""
    assert judged(reached="opened", outputs=[], exception=RAISED | {"message": "\ud800"}).verdict is Verdict.FAIL


tensors = st.lists(
    st.builds(Tensor, name=st.text(max_size=3), shape=st.none() | st.just((None, 2)), dtype=st.sampled_from("ab")),
    max_size=3,
)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(tensors, tensors)
def test_signatures_are_equal_whatever_names_and_order(inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """Keras 2 and 3 name and order the same tensors differently; a tensor more is another signature."""
    one = Signature(inputs=tuple(inputs), outputs=tuple(outputs))
    other = Signature(inputs=tuple(reversed(inputs)), outputs=tuple(reversed(outputs)))
    more = Signature(inputs=one.inputs, outputs=(*one.outputs, Tensor(name="", shape=None, dtype="a")))
    assert verdict.same_signature(one, other)
    assert not verdict.same_signature(one, more)


def tried(**changes: Any) -> Tried:
    """What a child tried, all of which worked with a model that had trained three steps, but for ``changes``."""
    fields: dict[str, Any] = {"save_failure": None, "step_failure": None, "iterations": 3, "slots": 4, "filled": 4}
    return Tried(**fields | changes)


def test_all_that_worked_is_marked_yes_without_a_note() -> None:
    """Saved again; the optimizer counts the saver's steps and every slot holds something; a step trained."""
    found = verdict.marks(tried(), 3)
    assert (found.saved_again, found.optimizer_restored, found.trained_step) == (Mark.YES,) * 3
    assert found.notes == {}


@pytest.mark.parametrize(
    ("changes", "name", "note"),
    [
        ({"save_failure": "OSError: no"}, "saved_again", "OSError: no"),
        ({"step_failure": "ValueError: no loss"}, "trained_step", "ValueError: no loss"),
        ({"iterations": 0}, "optimizer_restored", "it counts 0 steps, the saver's counted 3"),
        ({"iterations": 4}, "optimizer_restored", "it counts 4 steps, the saver's counted 3"),
        ({"filled": 1}, "optimizer_restored", "3 of its 4 slots are empty"),
    ],
)
def test_a_mark_that_is_no_says_why(changes: dict[str, Any], name: str, note: str) -> None:
    """One that fails leaves the others as they are."""
    found = verdict.marks(tried(**changes), 3)
    marked = {one: getattr(found, one) for one in ("saved_again", "optimizer_restored", "trained_step")}
    assert marked == dict.fromkeys(marked, Mark.YES) | {name: Mark.NO}
    assert found.notes == {name: note}


def test_slots_that_are_made_later_are_not_missed() -> None:
    """Keras 2 makes slots when they are first needed: an optimizer with none yet is judged by its steps."""
    assert verdict.marks(tried(slots=0, filled=0), 3).optimizer_restored is Mark.YES


def test_a_model_without_optimizer_cannot_take_a_step() -> None:
    """Its optimizer was not restored; a step is not applicable, rather than failed."""
    found = verdict.marks(
        tried(iterations=None, slots=0, filled=0, step_failure="the loaded model has no optimizer"), 3
    )
    assert (found.saved_again, found.optimizer_restored, found.trained_step) == (Mark.YES, Mark.NO, Mark.NOT_APPLICABLE)
    assert found.notes["optimizer_restored"] == "the loaded model has no optimizer"


def test_marks_come_with_the_verdict_and_never_change_it() -> None:
    """They are beyond the top rung: a pass that cannot be saved again is a pass. The steps are the saver's."""
    marks = {
        "saved_again": {"ok": False, "why": "OSError: no"},
        "optimizer": {"iterations": 3, "slots": 1, "filled": 1},
        "trained_step": {"ok": True, "why": None},
    }
    result = judged(marks=marks)
    assert (result.verdict, result.rung) == (Verdict.PASS, Rung.OUTPUTS_EQUAL)
    assert result.marks == verdict.marks(tried(slots=1, filled=1, save_failure="OSError: no"), EXPECTED.training_steps)
    assert judged().marks is None


def test_a_share_of_a_process_is_an_equal_part_of_its_time() -> None:
    """The peak of memory is everyone's: who made it is not known."""
    part = verdict.share(ending(wall_seconds=6.0), 3)
    assert part == ending(wall_seconds=2.0)


def test_a_signature_that_the_saver_does_not_state_is_neither_equal_nor_other() -> None:
    """A subclassed model states none; so does a loader of one."""
    unstated = Expected(outputs=EXPECTED.outputs, signature=Signature(inputs=(), outputs=()))
    fields = {"reached": "deserialized", "signature": STATED, "length": 0}
    result = verdict.judge(KEY, ending(), wire.pack({"cells": [fields]}), unstated)
    assert (result.signature_equal, result.rung) == (None, Rung.DESERIALIZED)
    assert judged(signature=None).signature_equal is None
