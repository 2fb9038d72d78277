"""How far a load got, rung by rung, and what came of it in a sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from matrix.model import Rung, Verdict
from matrix.results import CellResult
from reports.grid import FAILING, Outcome

State = Literal["reached", "stopped", "not reached", "differs"]

_STEPS: Final = {Rung.OPENED: "opened", Rung.DESERIALIZED: "deserialized", Rung.CALLED: "called"}
"""What the probe took the time of."""

_MEANING: Final = {
    Rung.OPENED: "the file was read",
    Rung.DESERIALIZED: "an object came of it",
    Rung.SIGNATURE_EQUAL: "it takes and gives what the saver's did",
    Rung.CALLED: "it was called on the saver's inputs and answered",
    Rung.OUTPUTS_EQUAL: "the answers are the saver's, within tolerance",
}

_SENTENCES: Final = {
    Outcome.PASS: "{loader} loads it and gives the answers of {saver}.",
    Outcome.DRIFT: "{loader} loads it without an error, but its answers are not those of {saver}.",
    Outcome.LOADS: "{loader} loads it, and there is nothing to hold its answers to.",
    Outcome.FAIL: "{loader} does not load it.",
    Outcome.TIMEOUT: "{loader} did not come back in time.",
    Outcome.CRASH: "The process of {loader} was ended.",
    Outcome.OUT_OF_MEMORY: "{loader} ran out of memory.",
    Outcome.HARNESS_BROKEN: "{loader} could not load what it had saved itself just before: this accuses our harness, not "
    "TensorFlow.",
    Outcome.SAVE_FAILED: "{saver} could not save it, so there is nothing to load.",
    Outcome.UNSUPPORTED: "{saver} does not write this format, so there is nothing to load.",
    Outcome.NOT_APPLICABLE: "The model makes no sense in this format, so there is nothing to load.",
    Outcome.TOO_LARGE: "What {saver} saved is larger than is taken out of a sandbox, so nobody has loaded it.",
    Outcome.NOT_MEASURED: "Nobody has loaded it in {loader} yet.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One rung: whether the load got there, and in how many seconds."""

    rung: Rung
    label: str
    meaning: str
    state: State
    seconds: float | None


def ladder(result: CellResult) -> tuple[Step, ...]:
    """Every rung, the lowest first."""
    return tuple(
        Step(
            rung=rung,
            label=rung.label,
            meaning=_MEANING[rung],
            state=_state(result, rung),
            seconds=result.effort.steps.get(_STEPS[rung]) if rung in _STEPS else None,
        )
        for rung in Rung
        if rung is not Rung.NOTHING
    )


def _state(result: CellResult, rung: Rung) -> State:
    if rung is Rung.SIGNATURE_EQUAL and result.signature_equal is not None:
        return "reached" if result.signature_equal else "differs"
    if result.rung >= rung:
        return "reached"
    following = (one for one in Rung if one > result.rung and not _is_passed_over(result, one))
    if rung is next(following, None) and result.verdict is not Verdict.PASS:
        return "differs" if rung is Rung.OUTPUTS_EQUAL and result.verdict is Verdict.DRIFT else "stopped"
    return "not reached"


def _is_passed_over(result: CellResult, rung: Rung) -> bool:
    """A signature that differs stops no load."""
    return rung is Rung.SIGNATURE_EQUAL and result.signature_equal is not None


def words_of(outcome: Outcome, result: CellResult | None, loader: str, saver: str) -> str:
    """What came of it, in a sentence."""
    sentence = _SENTENCES[outcome].format(loader=loader, saver=saver)
    if outcome is Outcome.CRASH and result and result.signal:
        sentence = f"{sentence.removesuffix('.')} by signal {result.signal}."
    if outcome is Outcome.DRIFT:
        sentence = f"{sentence.removesuffix('.')}{_by(result)}."
    if result is None or outcome not in FAILING:
        return sentence
    got = f"It got as far as “{result.rung.label}”." if result.rung else "It did not even open."
    return f"{sentence} {got}"


def _by(result: CellResult | None) -> str:
    sizes = [one.max_absolute for one in result.differences if one.max_absolute is not None] if result else []
    return f": the largest difference is {max(sizes):.3g}" if sizes else ""
