"""Who agrees with whom: what several environments answered for the same input, against the reference. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from matrix.compare import compare
from matrix.messages import Arrays
from matrix.model import Rung, Verdict
from matrix.results import CellResult, Difference


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is known of one set of answers: its group, and how it differs from the reference."""

    group: int
    differences: tuple[Difference, ...]


Answer = Callable[[str], Arrays]
"""Gives what was answered from its digest: answers may be large, so no more than two are in memory at a time."""


class Agreement:
    """Groups answers, each named by its digest, as they come: 0 is the reference's, a further group differs from all before it.

    Equality within a tolerance is no equivalence, so an answer belongs to the first group whose founder it equals. ``known``
    are founders of earlier: numbers belong to what was handed in, and whoever reads them twice reads the same.
    """

    def __init__(self, reference: str, answer: Answer, known: Mapping[int, str] | None = None) -> None:
        self._founders = {**(known or {}), 0: reference}
        self._answer = answer

    def standing(self, digest: str) -> Standing:
        """Return where an answer stands.

        Raises:
            StoreError: What was answered is not there any more.
        """
        outputs = self._answer(digest)
        differences = compare(outputs, self._answer(self._founders[0]))
        for group, founder in sorted(self._founders.items()):
            if _equal(differences if group == 0 else compare(outputs, self._answer(founder))):
                return Standing(group=group, differences=differences)
        group = max(self._founders) + 1
        self._founders[group] = digest
        return Standing(group=group, differences=differences)


def judged(result: CellResult, standing: Standing | None) -> CellResult:
    """Return what a cell that answered means, now that the reference is known; without a standing it merely loads."""
    if result.rung not in {Rung.CALLED, Rung.OUTPUTS_EQUAL} or result.verdict not in _ANSWERED:
        return result
    if standing is None:
        return replace(result, verdict=Verdict.LOADS, rung=Rung.CALLED, differences=())
    agrees = standing.group == 0
    return replace(
        result,
        verdict=Verdict.PASS if agrees else Verdict.DRIFT,
        rung=Rung.OUTPUTS_EQUAL if agrees else Rung.CALLED,
        differences=standing.differences,
    )


def is_steady(answers: Sequence[Arrays]) -> bool:
    """Whether a model that is asked again answers the same: one that does not can be compared with nothing."""
    return all(_equal(compare(other, answers[0])) for other in answers[1:])


_ANSWERED = frozenset({Verdict.LOADS, Verdict.PASS, Verdict.DRIFT})


def _equal(differences: Iterable[Difference]) -> bool:
    found = tuple(differences)
    return bool(found) and all(one.equal for one in found)
