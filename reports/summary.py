"""All that is known, in numbers: what was measured, what it cost, why it fails, what not even its saver reads. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from matrix.model import Format, Method, SaveOutcome, Verdict
from matrix.results import Mark, MatrixRow
from reports.cost import Cost
from reports.grid import Header, Results, Tally, tally, tally_by
from reports.groups import Group, diagonal_groups, failing_groups
from reports.lines import in_order
from reports.ranges import spans

Key = TypeVar("Key")

LARGEST: Final = 20
MARKS: Final = ("saved_again", "optimizer_restored", "trained_step")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """Cells measured twice before they counted, and how many of these gave another verdict the second time."""

    cells: int
    differed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What a summary says. ``cost`` is that of every run, whatever is selected; the rest is of the selection.

    Verdicts are counted for every saver, as the matrix shows them; ``cells`` says how many cells these are, since savers
    that write the same bytes share theirs. Marks and repeats are counted by cell.
    """

    header: Header
    environments: tuple[str, ...]
    environments_text: str
    models: int
    formats: tuple[Format, ...]
    methods: Mapping[Method, int]
    saves: Mapping[SaveOutcome, int]
    saves_by_format: Mapping[Format, Mapping[SaveOutcome, int]]
    cells: int
    verdicts: Mapping[Verdict, int]
    by_method: Mapping[Method, Mapping[Verdict, int]]
    primary: Tally
    by_format: Mapping[Format, Tally]
    marks: Mapping[str, Mapping[Mark, int]]
    repeated: Repeated
    cost: Cost
    groups: tuple[Group, ...]
    groups_in_all: int
    diagonal: Tally
    diagonal_groups: tuple[Group, ...]


def summarize(results: Results, cost: Cost) -> Summary:
    """Count and group what is known."""
    order = [environment.id for environment in in_order(results.environments)]
    rows = results.rows
    measured = [row for row in rows if row.verdict is not None]
    own = [row for row in measured if not row.shared]
    taking_part = {row.saver for row in rows}
    groups, in_all = failing_groups(rows, results.failures, order, LARGEST)
    primary = [row for row in rows if row.primary]
    return Summary(
        header=results.header,
        environments=tuple(one for one in order if one in taking_part),
        environments_text=spans(taking_part, order),
        models=len({row.model for row in rows}),
        formats=tuple(one for one in Format if any(row.format is one for row in rows)),
        methods=_counted(Method, (row.method for row in measured)),
        saves=_counted(SaveOutcome, _saves(rows).values()),
        saves_by_format=_saves_by_format(rows),
        cells=len(own),
        verdicts=_counted(Verdict, (row.verdict for row in measured)),
        by_method=_by_method(measured),
        primary=tally(primary),
        by_format=dict(
            sorted(tally_by(primary, lambda row: row.format).items(), key=lambda one: [*Format].index(one[0]))
        ),
        marks=_marks(own),
        repeated=_repeated(own),
        cost=cost,
        groups=groups,
        groups_in_all=in_all,
        diagonal=tally(row for row in primary if row.saver == row.loader),
        diagonal_groups=diagonal_groups(rows, results.failures, order),
    )


def _counted(order: Iterable[Key], found: Iterable[Key | None]) -> dict[Key, int]:
    """Counts in the order in which the words are defined, without what never occurs."""
    counts = Counter(found)
    return {one: counts[one] for one in order if counts[one]}


def _saves(rows: Iterable[MatrixRow]) -> dict[tuple[str, str, Format], SaveOutcome | None]:
    return {(row.saver, row.model, row.format): row.save_outcome for row in rows}


def _saves_by_format(rows: Iterable[MatrixRow]) -> dict[Format, dict[SaveOutcome, int]]:
    saves = _saves(rows)
    return {
        format_: counts
        for format_ in Format
        if (counts := _counted(SaveOutcome, (outcome for key, outcome in saves.items() if key[2] is format_)))
    }


def _by_method(measured: Iterable[MatrixRow]) -> dict[Method, dict[Verdict, int]]:
    found: dict[Method, list[Verdict | None]] = {}
    for row in measured:
        found.setdefault(row.method, []).append(row.verdict)
    return {method: _counted(Verdict, found[method]) for method in Method if method in found}


def _marks(measured: Iterable[MatrixRow]) -> dict[str, dict[Mark, int]]:
    taken = [row.marks for row in measured if row.marks is not None]
    return {name: _counted(Mark, (getattr(one, name) for one in taken)) for name in MARKS} if taken else {}


def _repeated(measured: Iterable[MatrixRow]) -> Repeated:
    twice = [row for row in measured if row.repeated is not None]
    return Repeated(cells=len(twice), differed=sum(row.repeated is not row.verdict for row in twice))
