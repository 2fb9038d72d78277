"""The row of an upload: what each environment made of it, who agrees with whom, why it fails, and what else works. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from matrix.model import Environment, Method
from matrix.results import CellResult
from matrix.uploads.model import ITSELF, UploadCell
from reports import addresses
from reports.causes import cause_of, step_for
from reports.grid import FAILING, Outcome
from reports.lines import Line, line_of
from reports.pages.parts import Stretch
from reports.pages.stretches import LINES, WAYS, WORDS, Strip
from reports.pages.upload_again import Route
from reports.ranges import label, spans

ANSWERING: Final = frozenset({Outcome.PASS, Outcome.DRIFT, Outcome.LOADS})
_UNTRIED: Final = frozenset({Outcome.NOT_MEASURED, Outcome.HARNESS_BROKEN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Another method that was tried in one environment, and what came of it."""

    method: Method
    words: str
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One environment of the row. ``outcome`` is of the method that the file calls for; ``ways`` are others that were tried.

    ``group`` numbers those that answer alike, 0 is the reference's. The largest differences are from the reference.
    """

    environment: str
    label: str
    keras: str
    python: str
    outcome: Outcome
    method: Method | None
    rung: str
    is_reference: bool
    group: int | None
    max_absolute: float | None
    max_relative: float | None
    seconds: float | None
    cause: str
    ways: tuple[Way, ...]

    @property
    def remedy(self) -> Way | None:
        """The first other way that loads it where the first does not."""
        return next((one for one in self.ways if one.outcome in ANSWERING), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Environments that give the same answers."""

    number: int
    environments: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Why answers of some environments cannot be compared, though they load it."""

    where: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """One cause of failures: where, what it says, what else works there. ``error`` is the matrix's page of the same error.

    ``step`` is what to do where it was the Python that was handed in that failed, and empty where it was a framework.
    """

    cause: str
    where: str
    count: int
    exception: str
    message: str
    traceback: str
    remedies: tuple[str, ...]
    step: str
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """All that is known of the row so far."""

    places: tuple[Place, ...]
    groups: tuple[Group, ...]
    strips: tuple[Strip, ...]
    reasons: tuple[Why, ...]
    remarks: tuple[Remark, ...]
    words: str

    @property
    def alike(self) -> Outcome | None:
        """What came of all that were tried, where that is the same."""
        found = {one.outcome for one in self.places} - {Outcome.NOT_MEASURED}
        return found.pop() if len(found) == 1 else None

    @property
    def own_python(self) -> Why | None:
        """Why the Python that was handed in failed, where that is all that came of any version: it is none's fault."""
        own = {one.cause for one in self.reasons if one.step}
        tried = [one for one in self.places if one.outcome not in _UNTRIED]
        all_fail = tried and all(one.cause in own and one.remedy is None for one in tried)
        return next(one for one in self.reasons if one.step) if all_fail else None

    @property
    def done(self) -> int:
        """How many environments were tried."""
        return sum(one.outcome is not Outcome.NOT_MEASURED for one in self.places)


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What a row is put into words with.

    ``order`` has every environment, so that a range names none that was not tried; ``known_errors`` are those of the matrix;
    ``routes`` are for each loader what it loads of what others saved again.
    """

    order: tuple[str, ...]
    known_errors: Collection[str] = ()
    routes: Mapping[str, Sequence[Route]] = field(default_factory=dict)


def row(environments: Sequence[Environment], cells: Sequence[UploadCell], reference: str | None, around: Around) -> Row:
    """Return the row of the environments that are planned, in their order."""
    tried: dict[str, list[UploadCell]] = {}
    for cell in cells:
        if cell.saver == ITSELF:
            tried.setdefault(cell.result.key.loader, []).append(cell)
    found = {one.id: tried.get(one.recipe_digest, []) for one in environments}
    places = tuple(_place(one, found[one.id], reference) for one in environments)
    found_so_far = Row(
        places=places,
        groups=tuple(_groups(places, around.order)),
        strips=tuple(_strips(places, around.order)),
        reasons=tuple(_reasons(places, found, around)),
        remarks=tuple(_remarks(found, around.order)),
        words=words(places, around.order),
    )
    own = found_so_far.own_python
    return (
        replace(found_so_far, words=_own_words(own, is_whole=found_so_far.done == len(places))) if own else found_so_far
    )


def _own_words(own: Why, *, is_whole: bool) -> str:
    """Say once what is no version's fault."""
    where = "in every version" if is_whole else "in every version so far"
    return f"The Python that you handed in fails {where}, which says nothing of the model: {own.cause.rstrip('.')}."


def words(places: Sequence[Place], order: Sequence[str]) -> str:
    """Return the row in a sentence: loads in 2.4-2.15; fails in 2.16-2.21."""
    parts = []
    for outcomes, said in _SAID:
        members = {one.environment for one in places if one.outcome in outcomes}
        if members:
            parts.append(f"{said} in {spans(members, order)}")
    helped = {one.environment for one in places if one.outcome in FAILING and one.remedy}
    if helped:
        parts.append(f"by another method it loads in {spans(helped, order)}, too")
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}." if said else ""


_SAID: Final[tuple[tuple[frozenset[Outcome], str], ...]] = (
    (frozenset({Outcome.PASS}), "loads and gives the same answers"),
    (frozenset({Outcome.LOADS}), "loads"),
    (frozenset({Outcome.DRIFT}), "loads, but answers differently"),
    (frozenset({Outcome.FAIL}), "fails"),
    (frozenset({Outcome.TIMEOUT}), "never comes back"),
    (frozenset({Outcome.CRASH}), "crashes"),
    (frozenset({Outcome.OUT_OF_MEMORY}), "runs out of memory"),
    (frozenset({Outcome.HARNESS_BROKEN}), "could not be tried"),
)


def _place(environment: Environment, cells: Sequence[UploadCell], reference: str | None) -> Place:
    first = cells[0].result if cells else None
    answered = next((one for one in cells if one.group is not None), None)
    return Place(
        environment=environment.id,
        label=label(environment.id),
        keras=environment.keras,
        python=environment.python,
        outcome=Outcome(first.verdict.value) if first else Outcome.NOT_MEASURED,
        method=first.key.method if first else None,
        rung=first.rung.label if first else "",
        is_reference=environment.id == reference,
        group=answered.group if answered else None,
        max_absolute=_largest(answered.result, "max_absolute") if answered else None,
        max_relative=_largest(answered.result, "max_relative") if answered else None,
        seconds=first.effort.wall_seconds if first else None,
        cause=cause_of(first.failure) if first and first.failure else "",
        ways=tuple(_way(one.result) for one in cells[1:]),
    )


def _remarks(cells: Mapping[str, Sequence[UploadCell]], order: Sequence[str]) -> Iterator[Remark]:
    """What is to be told of some environments alone, each sentence once."""
    where: dict[str, set[str]] = {}
    for environment, mine in cells.items():
        for note in (note for cell in mine for note in cell.notes):
            where.setdefault(note, set()).add(environment)
    for note, environments in where.items():
        yield Remark(where=spans(environments, order), text=note)


def _way(result: CellResult) -> Way:
    method = result.key.method
    return Way(method=method, words=WAYS[method] or "by default", outcome=Outcome(result.verdict.value))


def _largest(result: CellResult, name: str) -> float | None:
    found = [getattr(one, name) for one in result.differences]
    return max((one for one in found if one is not None), default=None)


def _groups(places: Sequence[Place], order: Sequence[str]) -> Iterator[Group]:
    for number in sorted({one.group for one in places if one.group is not None}):
        members = {one.environment for one in places if one.group == number}
        yield Group(number=number, environments=spans(members, order), count=len(members))


def _strips(places: Sequence[Place], order: Sequence[str]) -> Iterator[Strip]:
    for line in Line:
        along = [one for one in places if line_of(one.environment) is line]
        if along:
            runs = groupby(along, key=lambda one: (one.outcome, one.cause, one.remedy and one.remedy.method))
            yield Strip(title=LINES[line], stretches=tuple(_stretch(tuple(run), order) for _, run in runs))


def _stretch(run: Sequence[Place], order: Sequence[str]) -> Stretch:
    first = run[0]
    way = WAYS[first.method] if first.method else ""
    loads = first.outcome in {Outcome.PASS, Outcome.LOADS}
    said = {Outcome.NOT_MEASURED: "not tried yet", Outcome.LOADS: "loads"}.get(first.outcome, WORDS[first.outcome])
    return Stretch(
        outcome=first.outcome,
        label=spans({one.environment for one in run}, order),
        words=f"{said} {way}".rstrip() if loads else said,
        width=len(run),
        counts={first.outcome: len(run)},
        cause=first.cause,
        remedy=f"loads {first.remedy.words}" if first.remedy and not loads else "",
    )


def _reasons(places: Sequence[Place], cells: Mapping[str, Sequence[UploadCell]], around: Around) -> Iterator[Why]:
    """Every cause, the most frequent first, with the words of its first failure."""
    by_cause: dict[str, list[Place]] = {}
    for one in places:
        if one.cause:
            by_cause.setdefault(one.cause, []).append(one)
    for cause, failed in sorted(by_cause.items(), key=lambda item: -len(item[1])):
        failure = cells[failed[0].environment][0].result.failure
        if failure is None:
            continue
        yield Why(
            cause=cause,
            where=spans({one.environment for one in failed}, around.order),
            count=len(failed),
            exception=failure.exception,
            message=failure.message,
            traceback=failure.traceback,
            remedies=(*_remedies(failed, around.order), *_by_a_route(failed, around)),
            step=step_for(failure),
            error=addresses.error(failure.fingerprint) if failure.fingerprint in around.known_errors else None,
        )


def _remedies(failed: Sequence[Place], order: Sequence[str]) -> Iterator[str]:
    """What was run and worked, in the order of what it keeps of the model."""
    ways = dict.fromkeys(way.words for place in failed for way in place.ways if way.outcome in ANSWERING)
    for way in ways:
        where = {one.environment for one in failed if any(w.words == way and w.outcome in ANSWERING for w in one.ways)}
        yield f"It loads {way} in {spans(where, order)}" if len(where) < len(failed) else f"It loads {way}"


def _by_a_route(failed: Sequence[Place], around: Around) -> Iterator[str]:
    """What one environment saved again and most of these load; of several alike the first, which comes recommended."""
    counted = Counter(route for one in failed for route in around.routes.get(one.environment, ()))
    if counted:
        best = max(counted, key=lambda route: counted[route])
        where = {one.environment for one in failed if best in around.routes.get(one.environment, ())}
        in_these = f" in {spans(where, around.order)}" if len(where) < len(failed) else ""
        saver = label(best.saver)
        yield f"Saved again in {saver} as {best.format}, it loads{in_these} and gives the answers of {saver}"
