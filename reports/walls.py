"""Walls in the matrix: formats of which neighbouring loaders read nothing that some savers wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matrix.model import Format
from reports.cube import IS_FAILING, IS_MEASURED, Codes
from reports.lines import Line, line_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Wall:
    """Savers and neighbouring loaders between which nothing of a format gets through."""

    format: Format
    savers: frozenset[int]
    loaders: tuple[int, ...]
    cells: int
    every_saver: bool


def walls(order: Sequence[str], line: Line, format_: Format, counts: Codes) -> Iterator[Wall]:
    """Neighbours on a line are one wall where they shut out the same savers, as far as both were measured."""
    measured, failing = counts[..., IS_MEASURED].sum(axis=-1), counts[..., IS_FAILING].sum(axis=-1)
    is_shut = (measured > 0) & (failing == measured)
    heard = [frozenset(np.flatnonzero(measured[:, into]).tolist()) for into in range(len(order))]
    shut = [frozenset(np.flatnonzero(is_shut[:, into]).tolist()) for into in range(len(order))]
    runs: list[list[int]] = []
    for loader, name in enumerate(order):
        beside = bool(runs) and line_of(name) is line_of(order[runs[-1][0]])
        common = heard[loader] & heard[runs[-1][0]] if beside else frozenset()
        if common and shut[loader] & common == shut[runs[-1][0]] & common:
            runs[-1].append(loader)
        else:
            runs.append([loader])
    everybody = frozenset[int]().union(*heard)
    for run in runs:
        savers = frozenset[int]().union(*(shut[loader] for loader in run))
        cells = int(failing[np.ix_(sorted(savers), run)].sum()) if savers else 0
        if cells:
            every = savers == everybody and line_of(order[run[0]]) is line
            yield Wall(format=format_, savers=savers, loaders=tuple(run), cells=cells, every_saver=every)
