"""What a reader should know, found in the rows and said in sentences. Pure: nothing here is typed in beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matrix.model import Format
from matrix.results import MatrixRow
from reports.grid import (
    EVERYTHING,
    FAILING,
    MEASURED,
    Outcome,
    Results,
    Tally,
    outcome_of,
    pair,
    percentage,
    tally_by,
)
from reports.lines import Line, in_order, line_of
from reports.ranges import spans

_MOST_BLOCKS: Final = 5
_FIRST_BLOCKS: Final = 2
_LEAST_BREAK: Final = 5  # per cent: a smaller step between two versions is not worth a sentence
_LEAST_STRETCH: Final = 3
_LONGEST_MESSAGE: Final = 110


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One sentence, its kind (which also chooses its sign), and the filter under which a reader sees it."""

    kind: str
    text: str
    why: str = ""
    format: Format | None = None
    model: str | None = None
    fingerprint: str | None = None


def find(results: Results) -> tuple[Finding, ...]:
    """All findings, the most important first; those of overlays after the TensorFlows'; none where nothing was measured."""
    rows = [row for row in results.rows if EVERYTHING.takes(row)]
    order = [environment.id for environment in in_order(results.environments)]
    by_line = {line: [row for row in rows if _line(row) is line] for line in Line}
    return (
        *(finding for line in Line for finding in _along(line, by_line[line], order, results)),
        *_hardest_model(by_line[Line.TENSORFLOW], results),
        *_ours(rows, order),
    )


def _line(row: MatrixRow) -> Line:
    """The line whose findings tell of a row: TensorFlow's only where neither side is an overlay."""
    return line_of(row.loader) if line_of(row.loader) is not Line.TENSORFLOW else line_of(row.saver)


def _along(line: Line, rows: Sequence[MatrixRow], order: Sequence[str], results: Results) -> Iterator[Finding]:
    """What happens along one line. Steps and stretches are of its own files; walls are to files of others, too."""
    members = [environment for environment in order if line_of(environment) is line]
    loaders = {row.loader for row in rows if outcome_of(row) in MEASURED}
    walls = tuple(_blocks(rows, order, results))
    yield from _breaks(rows, [environment for environment in members if environment in loaders])
    yield from walls[:_FIRST_BLOCKS]
    yield from _drift(rows, order)
    yield from _stretch(rows, members)
    yield from walls[_FIRST_BLOCKS:]
    yield from _abnormal(rows, order)


def _breaks(rows: Sequence[MatrixRow], order: Sequence[str]) -> Iterator[Finding]:
    """The step up and the step down between two neighbouring measured versions that cost most."""
    at = {environment: place for place, environment in enumerate(order)}
    cells = {
        (row.saver, row.model, row.format, row.loader): outcome_of(row)
        for row in rows
        if row.saver in at and row.loader in at
    }
    steps: dict[tuple[str, str], Counter[str]] = {}
    for (saver, model, format_, loader), outcome in cells.items():
        if outcome is not Outcome.PASS:
            continue
        ahead = 1 if at[saver] <= at[loader] else -1
        for way in (ahead,) if saver != loader else (1, -1):
            if not 0 <= at[loader] + way < len(order):
                continue
            following = cells.get((saver, model, format_, order[at[loader] + way]))
            if following in FAILING or following in {Outcome.PASS, Outcome.DRIFT}:
                step = steps.setdefault((loader, order[at[loader] + way]), Counter())
                step["kept" if following is Outcome.PASS else "broke"] += 1
    for upwards, words in ((True, "Moving up from {} to {}"), (False, "Going back from {} to {}")):
        ways = {step: counts for step, counts in steps.items() if (at[step[0]] < at[step[1]]) is upwards}
        if not ways:
            continue
        (before, after), counts = max(ways.items(), key=lambda item: (item[1]["broke"], item[0]))
        lost = percentage(counts["broke"], counts["broke"] + counts["kept"]) or 0
        if lost >= _LEAST_BREAK:
            whole = counts["broke"] + counts["kept"]
            start, end = spans({before}, order), spans({after}, order)
            lost_ones = f"{counts['broke']:,} of {whole:,} saved models that pass in {start} no longer do"
            yield Finding(kind="break", text=f"{words.format(start, end)} costs most: {lost_ones} ({lost} %).")


def _blocks(rows: Sequence[MatrixRow], order: Sequence[str], results: Results) -> Iterator[Finding]:
    """Formats of which a range of loaders reads nothing that some savers wrote, largest first."""
    found = [block for format_ in Format for block in _walls([row for row in rows if row.format is format_], order)]
    found.sort(key=lambda block: (-len(block.rows), block.loaders))
    for block in found[:_MOST_BLOCKS]:
        whom = "whichever version saved it" if block.every_saver else f"when saved in {spans(block.savers, order)}"
        why, fingerprint = _mostly(block.rows, results)
        format_ = block.rows[0].format
        text = f"No {format_} file loads in {spans(block.loaders, order)}, {whom} ({_cells(len(block.rows))})."
        yield Finding(kind="break", text=text, why=why, format=format_, fingerprint=fingerprint)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wall:
    """Savers and neighbouring loaders between which nothing of a format gets through."""

    savers: frozenset[str]
    loaders: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    every_saver: bool


def _walls(rows: Sequence[MatrixRow], order: Sequence[str]) -> Iterator[_Wall]:
    """Neighbours on a line are one wall where they shut out the same savers, as far as both were measured."""
    measured = {place: tally for place, tally in tally_by(rows, pair).items() if tally.measured}
    heard = {loader: frozenset(s for s, into in measured if into == loader) for loader in order}
    shut = {into: frozenset(s for s in heard[into] if _is_shut(measured[s, into])) for into in order}
    runs: list[list[str]] = []
    for loader in order:
        beside = bool(runs) and line_of(loader) is line_of(runs[-1][0])
        common = heard[loader] & heard[runs[-1][0]] if beside else frozenset()
        if common and shut[loader] & common == shut[runs[-1][0]] & common:
            runs[-1].append(loader)
        else:
            runs.append([loader])
    for run in runs:
        savers = frozenset[str]().union(*(shut[loader] for loader in run))
        inside = tuple(r for r in rows if r.loader in run and r.saver in savers and outcome_of(r) in FAILING)
        if inside:
            every = savers == {saver for saver, _ in measured} and line_of(run[0]) is _line(inside[0])
            yield _Wall(savers=savers, loaders=tuple(run), rows=inside, every_saver=every)


def _is_shut(tally: Tally) -> bool:
    return tally.failed == tally.measured


def _mostly(rows: Sequence[MatrixRow], results: Results) -> tuple[str, str | None]:
    """The failure that most of the rows share, in one line."""
    prints = Counter(row.fingerprint for row in rows if row.fingerprint in results.failures)
    if not prints:
        return "", None
    fingerprint, count = prints.most_common(1)[0]
    failure = results.failures[fingerprint or ""]
    adverb = "Always" if count == len(rows) else "Mostly"
    return f"{adverb} {failure.exception}: {first_line(failure.message)}", fingerprint


def first_line(message: str, limit: int = _LONGEST_MESSAGE) -> str:
    """The first line of a message that says something, cut to a readable length."""
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _drift(rows: Sequence[MatrixRow], order: Sequence[str]) -> Iterator[Finding]:
    drifting = [row for row in rows if outcome_of(row) is Outcome.DRIFT]
    if not drifting:
        return
    models = sorted({row.model for row in drifting})
    worst = max((row.max_absolute for row in drifting if row.max_absolute is not None), default=None)
    text = (
        f"{_cells(len(drifting))} loaded and answered differently: {_list(models)}, "
        f"saved in {spans({r.saver for r in drifting}, order)}, "
        f"loaded in {spans({r.loader for r in drifting}, order)}"
    )
    text += f"; the largest difference is {worst:.2g}." if worst is not None else "."
    yield Finding(kind="drift", text=text, model=models[0] if len(models) == 1 else None)


def _abnormal(rows: Sequence[MatrixRow], order: Sequence[str]) -> Iterator[Finding]:
    kinds = (
        (Outcome.CRASH, "crashed"),
        (Outcome.TIMEOUT, "never came back"),
        (Outcome.OUT_OF_MEMORY, "ran out of memory"),
    )
    for outcome, words in kinds:
        struck = [row for row in rows if outcome_of(row) is outcome]
        if struck:
            models = _list(sorted({row.model for row in struck}))
            text = f"{_cells(len(struck))} {words}: {models}, loaded in {spans({r.loader for r in struck}, order)}."
            yield Finding(kind=outcome.value, text=text)


def _hardest_model(rows: Sequence[MatrixRow], results: Results) -> Iterator[Finding]:
    tallies = {model: tally for model, tally in tally_by(rows, lambda row: row.model).items() if tally.measured}
    if len(tallies) < 2 or not any(tally.failed for tally in tallies.values()):  # noqa: PLR2004  (a comparison needs two)
        return
    model = min(tallies, key=lambda name: (tallies[name].passed / tallies[name].measured, name))
    best = max(tallies, key=lambda name: (tallies[name].passed / tallies[name].measured, name))
    titles = {entry.id: entry.title for entry in results.models}
    text = (
        f"The hardest to carry over is {titles.get(model, model)}: {tallies[model].share} % of its loads pass; "
        f"the easiest is {titles.get(best, best)} with {tallies[best].share} %."
    )
    yield Finding(kind="model", text=text, model=model)


def _stretch(rows: Sequence[MatrixRow], order: Sequence[str]) -> Iterator[Finding]:
    """The longest run of versions that read all that any of them saved."""
    tallies = tally_by(rows, pair)
    whole = {place for place, tally in tallies.items() if tally.measured and tally.passed == tally.measured}
    best: tuple[str, ...] = ()
    start = 0
    for end in range(len(order)):
        while any(
            (order[end], order[other]) not in whole or (order[other], order[end]) not in whole
            for other in range(start, end + 1)
        ):
            start += 1
            if start > end:
                break
        if end + 1 - start > len(best):
            best = tuple(order[start : end + 1])
    if len(best) >= _LEAST_STRETCH:
        text = f"{spans(best, order)} read everything that any of them saved, with equal outputs."
        yield Finding(kind="pass", text=text)


def _ours(rows: Sequence[MatrixRow], order: Sequence[str]) -> Iterator[Finding]:
    broken = [row for row in rows if outcome_of(row) is Outcome.HARNESS_BROKEN]
    if broken:
        where = spans({row.loader for row in broken}, order)
        text = f"Our harness failed in {where}: {_cells(len(broken))} say nothing about TensorFlow and are grey."
        yield Finding(kind="harness-broken", text=text)
    waiting = sum(outcome_of(row) is Outcome.NOT_MEASURED for row in rows)
    if waiting:
        yield Finding(kind="not-measured", text=f"{_cells(waiting)} not measured yet.")


def upgrades(rows: Sequence[MatrixRow], order: Sequence[str]) -> dict[str, Tally]:
    """Tallies of loads in the ``same``, a ``newer`` and an ``older`` TensorFlow than the one that saved.

    Overlays are left out: they are neither newer nor older than what they stand on.
    """
    line = [environment for environment in order if line_of(environment) is Line.TENSORFLOW]
    at = {environment: place for place, environment in enumerate(line)}
    known = [row for row in rows if row.saver in at and row.loader in at]

    def direction(row: MatrixRow) -> str:
        distance = at[row.loader] - at[row.saver]
        return "same" if not distance else "newer" if distance > 0 else "older"

    return tally_by(known, direction)


def pair_share(tallies: dict[str, Tally], direction: str) -> int | None:
    """The share that passes in one direction, where it was measured."""
    return tallies[direction].share if direction in tallies else None


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _list(names: Sequence[str], most: int = 4) -> str:
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
