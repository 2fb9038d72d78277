"""What the one page shows, in the order in which it shows it: plain values for the template. Pure, no markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from matrix.model import Environment, Flavour, Format, Method, Model
from matrix.results import Failure, MatrixRow
from reports.cube import cube_of
from reports.findings import Finding, find, first_line, upgrades
from reports.grid import (
    FAILING,
    SHARELESS,
    SIGNS,
    Look,
    Outcome,
    Results,
    Tally,
    outcome_of,
    pair,
    tally,
    tally_by,
)
from reports.lines import Line, in_order, line_of
from reports.payload import Json, compact, shown_errors
from reports.ranges import label, spans

_TRACEBACK_BUDGET: Final = 700_000
_LONGEST_TRACEBACK: Final = 8_000
_SHORTEST_TRACEBACK: Final = 400
_NO_TALLY: Final = Tally(counts={})


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One square of a heat map; ``row`` and ``column`` are named as the address and the script name them."""

    row: str
    column: str
    look: Look
    text: str
    title: str
    drifts: bool
    unfinished: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Neighbours on one line, of one Keras generation: ``Keras 2`` over so many columns."""

    text: str
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorEntry:
    """One kind of failure, with where it happens and one line that reproduces it."""

    id: str
    exception: str
    line: str
    message: str
    traceback: str
    count: int
    where: str
    reproduce: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The page's whole content."""

    results: Results
    environments: tuple[Environment, ...]
    labels: Mapping[str, str]
    bands: tuple[Band, ...]
    first_of_band: frozenset[str]
    grid: tuple[tuple[Cell, ...], ...]
    models: tuple[Model, ...]
    formats: tuple[Format, ...]
    methods: tuple[Method, ...]
    by_model: tuple[tuple[Cell, ...], ...]
    total: Tally
    directions: Mapping[str, Tally]
    findings: tuple[Finding, ...]
    errors: tuple[ErrorEntry, ...]
    error_ids: Mapping[str, str]
    data: Mapping[str, Json]
    measured_from: datetime | None
    measured_to: datetime | None


def page(results: Results) -> Page:
    """Everything on the page, from the results alone."""
    environments = in_order(results.environments)
    order = [environment.id for environment in environments]
    primary = [row for row in results.rows if row.primary]
    cube = cube_of(results)
    errors = _errors(results, order)
    bands = _bands(environments)
    times = [row.measured_at for row in results.rows if row.measured_at]
    models = _models(results)
    formats = tuple(entry for entry in Format if any(row.format is entry for row in results.rows)) or tuple(Format)
    return Page(
        results=results,
        environments=environments,
        labels={environment.id: label(environment.id) for environment in environments},
        bands=tuple(Band(text=text, width=len(ids)) for text, ids in bands),
        first_of_band=frozenset(ids[0] for _, ids in bands[1:]),
        grid=_grid(order, order, tally_by(primary, pair), "saved in {}, loaded in {}"),
        models=models,
        formats=formats,
        methods=tuple(entry for entry in Method if any(row.method is entry for row in results.rows)),
        by_model=_grid(
            [model.id for model in models],
            list(formats),
            tally_by(primary, lambda row: (row.model, str(row.format))),
            "{} as {}",
        ),
        total=tally(primary),
        directions=upgrades(cube, cube.primary),
        findings=find(cube, results.failures),
        errors=errors,
        error_ids={fingerprint: f"e{place}" for place, fingerprint in enumerate(shown_errors(results))},
        data=compact(results),
        measured_from=min(times, default=None),
        measured_to=max(times, default=None),
    )


def utc(moment: datetime | None) -> str:
    """A time as the page prints it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "never"


def describe(counted: Tally) -> str:
    """A tally in words, for the tooltip and the screen reader."""
    words = {outcome: count for outcome, count in counted.counts.items() if count}
    if not words:
        return "not measured yet"
    rest = ", ".join(f"{words[outcome]:,} {outcome}" for outcome in Outcome if words.get(outcome))
    return f"{counted.passed:,} of {counted.measured:,} pass ({counted.share} %): {rest}" if counted.measured else rest


def _models(results: Results) -> tuple[Model, ...]:
    """The models we know, then those that only the rows know."""
    known = {model.id for model in results.models}
    strangers = sorted({row.model for row in results.rows} - known)
    return (*results.models, *(Model(id=name, title=name, shows="") for name in strangers))


def _bands(environments: Sequence[Environment]) -> list[tuple[str, tuple[str, ...]]]:
    names = {Flavour.KERAS2: "Keras 2", Flavour.KERAS3: "Keras 3", Flavour.TF_KERAS: "tf_keras"}
    overlays = {Line.KERAS_3: "Keras 3 overlays"}
    runs = groupby(environments, key=lambda one: overlays.get(line_of(one.id), names[one.flavour]))
    return [(text, tuple(environment.id for environment in run)) for text, run in runs]


def _grid(
    rows: Sequence[str], columns: Sequence[str], tallies: Mapping[tuple[str, str], Tally], words: str
) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        tuple(_cell(row, column, tallies.get((row, column), _NO_TALLY), words) for column in columns) for row in rows
    )


def _cell(row: str, column: str, counted: Tally, words: str) -> Cell:
    return Cell(
        row=row,
        column=column,
        look=counted.look,
        text=_sign(counted),
        title=f"{words.format(label(row), label(column))}: {describe(counted)}",
        drifts=bool(counted.drifted) and counted.look is not Look.ALL_DRIFT,
        unfinished=bool(counted.measured and counted.counts.get(Outcome.NOT_MEASURED)),
    )


def _sign(counted: Tally) -> str:
    match counted.look:
        case Look.ALL:
            return SIGNS[Outcome.PASS]
        case Look.NONE:
            return SIGNS[Outcome.FAIL]
        case Look.ALL_DRIFT:
            return SIGNS[Outcome.DRIFT]
        case look:
            return SHARELESS.get(look, str(counted.share))


def _errors(results: Results, order: Sequence[str]) -> tuple[ErrorEntry, ...]:
    """Each kind of failure once, the most frequent first."""
    counts = shown_errors(results)
    struck: dict[str, list[MatrixRow]] = {fingerprint: [] for fingerprint in counts}
    for row in results.rows:
        if row.fingerprint in struck:
            struck[row.fingerprint or ""].append(row)
    limit = max(_SHORTEST_TRACEBACK, min(_LONGEST_TRACEBACK, _TRACEBACK_BUDGET // max(1, len(counts))))
    return tuple(
        _error(f"e{place}", results.failures[fingerprint], struck[fingerprint], order, limit)
        for place, fingerprint in enumerate(counts)
    )


def _error(
    identifier: str, failure: Failure, rows: Sequence[MatrixRow], order: Sequence[str], limit: int
) -> ErrorEntry:
    return ErrorEntry(
        id=identifier,
        exception=failure.exception,
        line=first_line(failure.message, 160),
        message=shortened(failure.message, limit),
        traceback=shortened(failure.traceback, limit),
        count=len(rows),
        where=_where(rows, order),
        reproduce=command(rows[0]),
    )


def _where(rows: Sequence[MatrixRow], order: Sequence[str]) -> str:
    savers, loads = {row.saver for row in rows}, [row for row in rows if outcome_of(row) in FAILING]
    parts = [f"saved in {spans(savers, order)}" if loads else f"while saving in {spans(savers, order)}"]
    if loads:
        parts.append(f"loaded in {spans({row.loader for row in loads}, order)}")
    return " · ".join([*parts, _names(row.format for row in rows), _names(row.model for row in rows)])


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(str(name) for name in names))


def command(row: MatrixRow) -> str:
    """The line that shows and reproduces a row."""
    line = f"tfmatrix cell {row.saver} {row.model} {row.format} {row.loader}"
    return line if row.primary else f"{line} --method {row.method}"


def shortened(text: str, limit: int) -> str:
    """A text of at most about ``limit`` characters: its beginning and its end, and how much is missing between."""
    if len(text) <= limit:
        return text
    head, tail = limit // 3, limit - limit // 3
    return f"{text[:head]}\n… {len(text) - limit:,} characters left out; tfmatrix cell shows them …\n{text[-tail:]}"
