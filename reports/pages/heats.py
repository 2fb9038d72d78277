"""Heat maps put together: environments, models and formats as their sides, and the counts between them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from matrix.model import Environment, Flavour, Format, Model
from reports import addresses
from reports.cube import FORMATS, Codes, tally_of
from reports.known import Known
from reports.lines import Line, line_of
from reports.pages.parts import Band, Head, Heat, Square
from reports.ranges import label


def bands_of(environments: Sequence[Environment]) -> tuple[tuple[Band, ...], frozenset[str]]:
    """Neighbours on one line and of one Keras generation; and the ids that begin a band, but for the first."""
    runs = [(text, tuple(one.id for one in run)) for text, run in groupby(environments, key=_band)]
    return tuple(Band(text=text, width=len(ids)) for text, ids in runs), frozenset(ids[0] for _, ids in runs[1:])


def environment_heads(
    environments: Sequence[Environment], address: Callable[[str], str] | None = None
) -> tuple[Head, ...]:
    """Headings for environments, marked where a band begins."""
    _, firsts = bands_of(environments)
    return tuple(
        Head(
            id=one.id,
            text=label(one.id),
            href=address(one.id) if address else None,
            first_of_band=one.id in firsts,
            note=f"Keras {one.keras}",
        )
        for one in environments
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One side of a heat map: headings, and the place of each in the counts."""

    heads: tuple[Head, ...]
    places: tuple[int, ...]
    bands: tuple[Band, ...] = field(default=())


def heat(
    counts: Codes,
    down: tuple[str, Axis],
    across: tuple[str, Axis],
    caption: str,
    address: Callable[[str, str], str | None] | None = None,
) -> Heat:
    """A heat map of ``counts[row, column, outcome]``; ``address`` takes the ids of a row and a column."""
    rows = []
    for head, row in zip(down[1].heads, down[1].places, strict=True):
        squares = []
        for column, place in zip(across[1].heads, across[1].places, strict=True):
            counted = tally_of(counts[row, place]).counts
            href = address(head.id, column.id) if address and counted else None
            squares.append(Square(counts=counted, href=href))
        rows.append((head, tuple(squares)))
    return Heat(
        caption=caption,
        down=down[0],
        across=across[0],
        columns=across[1].heads,
        rows=tuple(rows),
        bands=across[1].bands,
    )


def environment_axis(known: Known, environments: Sequence[Environment] | None = None) -> Axis:
    """Environments as a side of a heat map, by themselves all that are shown."""
    chosen = known.environments if environments is None else environments
    return Axis(
        heads=environment_heads(chosen, addresses.environment),
        places=tuple(known.cube.environment_at[one.id] for one in chosen),
        bands=bands_of(chosen)[0],
    )


def model_axis(known: Known, models: Iterable[Model]) -> Axis:
    """Models as a side of a heat map."""
    chosen = list(models)
    heads = tuple(Head(id=one.id, text=one.title, href=addresses.model(one.id), note=one.shows) for one in chosen)
    return Axis(heads=heads, places=tuple(known.cube.model_at[one.id] for one in chosen))


def format_axis(formats: Iterable[Format] = FORMATS) -> Axis:
    """Formats as a side of a heat map."""
    chosen = list(formats)
    heads = tuple(Head(id=str(one), text=str(one), href=addresses.format_(one)) for one in chosen)
    return Axis(heads=heads, places=tuple(FORMATS.index(one) for one in chosen))


_GENERATIONS: Final = {Flavour.KERAS2: "Keras 2", Flavour.KERAS3: "Keras 3", Flavour.TF_KERAS: "tf_keras"}


def _band(environment: Environment) -> str:
    overlays = {Line.KERAS_3: "Keras 3 overlays"}
    return overlays.get(line_of(environment.id), _GENERATIONS[environment.flavour])
