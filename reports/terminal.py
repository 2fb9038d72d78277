"""The matrix in a terminal: savers down, loaders across, one number and one sign per cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from matrix.model import Environment, Flavour
from reports.grid import (
    EVERYTHING,
    SHARELESS,
    SIGNS,
    Look,
    Outcome,
    Results,
    Selection,
    Tally,
    pair,
    tally,
    tally_by,
)
from reports.lines import in_order
from reports.ranges import label

_STYLES: Final = {
    Look.ALL: "green",
    Look.MOST: "yellow",
    Look.MANY: "yellow",
    Look.HALF: "yellow",
    Look.SOME: "red",
    Look.FEW: "red",
    Look.NONE: "bold red",
    Look.ALL_DRIFT: "bold magenta",
    Look.LOADS: "green",
    Look.HARNESS_BROKEN: "dim",
    Look.NOT_MEASURED: "dim",
    Look.NOTHING: "dim",
}
_LEGEND: Final = (
    "Share of loads that pass, in per cent. ≠ some answer differently · nothing to load ? not measured ! ours"
)
_WIDE: Final = 116


def terminal_table(results: Results, selection: Selection = EVERYTHING, *, width: int = 80) -> Table:
    """The matrix as a table no wider than ``width`` where the environments allow it; legend and counts below it."""
    environments = in_order(results.environments)
    tallies = tally_by(results.rows, pair, selection)
    wide = width >= _WIDE
    table = Table(
        title="Saved in (down) · loaded in (across), TensorFlow",
        title_style="bold",
        title_justify="left",
        caption=_caption(tally(results.rows, selection)),
        caption_justify="left",
        caption_style="",
        box=None,
        padding=(0, 2 if wide else 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("", style="bold", no_wrap=True)
    for heading in _headings(environments, short=not wide):
        table.add_column(heading, justify="right", no_wrap=True, min_width=4 if wide else 3)
    for saver in environments:
        table.add_row(label(saver.id), *(_cell(tallies.get((saver.id, loader.id))) for loader in environments))
    return table


def fits(environments: Sequence[Environment], width: int) -> bool:
    """Whether the matrix of these environments is no wider than ``width``."""
    wide = width >= _WIDE
    cells = (max(4 if wide else 3, *map(len, text.split("\n"))) for text in _headings(environments, short=not wide))
    columns = [max((len(label(one.id)) for one in environments), default=0), *cells]
    return sum(columns) + (len(columns) - 1) * (2 if wide else 1) <= width


def _headings(environments: Sequence[Environment], *, short: bool) -> list[str]:
    """Labels, without the major version where all have the same and room is short; an overlay's Keras below."""
    labels = [label(environment.id).partition("+")[0] for environment in environments]
    majors = {text.split(".")[0] for text in labels}
    if short and len(majors) == 1:
        labels = [text[len(text.split(".")[0]) :] for text in labels]
    return [text + _below(one, short=short) for one, text in zip(environments, labels, strict=True)]


def _below(environment: Environment, *, short: bool) -> str:
    if environment.base is None:
        return ""
    if environment.flavour is Flavour.TF_KERAS:
        return "\n+tf"
    return "\n+" + ".".join(environment.keras.split(".")[1 if short else 0 : 2])


def _cell(counted: Tally | None) -> Text:
    counted = counted or Tally(counts={})
    return Text(cell_text(counted), style="bold magenta" if counted.drifted else _STYLES[counted.look])


def cell_text(counted: Tally) -> str:
    """At most three characters: the share, with ``≠`` where something drifted, or the sign of what there is instead."""
    share = f"{counted.share}{SIGNS[Outcome.DRIFT] if counted.drifted else ''}"
    return SHARELESS.get(counted.look, share)


def _caption(total: Tally) -> Text:
    counts = ", ".join(f"{total.counts[outcome]:,} {outcome}" for outcome in Outcome if total.counts.get(outcome))
    if not total.counts:
        return Text("\nNothing measured yet. Run: make matrix")
    return Text(f"\n{_LEGEND}\n{counts}")
