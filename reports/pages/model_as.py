"""One model in one format: every saver in every loader. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrix.methods import primary_method
from matrix.model import Format, Method, Model
from reports import addresses
from reports.cube import tally_of
from reports.grid import Outcome
from reports.known import Known
from reports.pages.heats import environment_axis, heat
from reports.pages.models import Way, formats_of, ways
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Empty, Heat
from reports.pages.stretches import WAYS
from reports.reasons import Reason, reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAs:
    """The content. ``formats`` are the formats that make sense for the model."""

    empty: Empty | None
    model: Model
    format: Format
    formats: tuple[Format, ...]
    method: Method
    loaded: str
    counts: Mapping[Outcome, int]
    matrix: Heat
    reasons: tuple[Reason, ...]
    ways: tuple[Way, ...]


def model_as(known: Known, one: Model, format_: Format) -> Page:
    """Return the page of a model in a format."""
    cube = known.cube
    mask = cube.where(models=[one.id], formats=[format_])
    method = primary_method(one, format_)
    content = ModelAs(
        empty=None if (mask & cube.measured).any() else _nothing(known, one, format_),
        model=one,
        format=format_,
        formats=formats_of(one),
        method=method,
        loaded=WAYS[method] or "as it is",
        counts=tally_of(cube.counts(mask)).counts,
        matrix=heat(
            cube.counts(mask, "saver", "loader"),
            ("saved in", environment_axis(known)),
            ("loaded in", environment_axis(known)),
            f"{one.title} as {format_}: what became of it, from saver to loader.",
            lambda saver, loader: addresses.cell(saver, one.id, format_, loader),
        ),
        reasons=reasons(known, mask),
        ways=ways(known, cube.where(models=[one.id], formats=[format_], every_method=True)),
    )
    return Page(
        template="model_as",
        title=f"{one.title} as {format_}",
        address=addresses.model_as(one.id, format_),
        nav=addresses.models(),
        trail=(("Models", addresses.models()), (one.title, addresses.model(one.id))),
        content=content,
        csv=addresses.download("csv", model=one.id, format=str(format_), environments="all"),
    )


def _nothing(known: Known, one: Model, format_: Format) -> Empty:
    if known.is_empty:
        return NOTHING_YET
    if one.formats is not None and format_.value not in one.formats:
        return Empty(
            title="Makes no sense in this format",
            text=f"{one.title} is not saved as {format_}, by design of the recipe.",
            command="",
        )
    return Empty(
        title="Nothing measured of it yet",
        text="This saves it in each TensorFlow and loads it in every other.",
        command=f"tfmatrix run --models {one.id} --formats {format_}",
    )
