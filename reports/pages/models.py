"""All models, and one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrix.model import Format, Method, Model
from reports import addresses
from reports.cube import FORMATS, METHODS, OUTCOMES, Mask, tally_of
from reports.grid import Outcome
from reports.known import Known
from reports.pages.heats import Axis, environment_axis, format_axis, heat, model_axis
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Empty, Head, Heat
from reports.reasons import Reason, reasons


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Models of one group, each in every loader."""

    name: str
    heat: Heat


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """The list's content."""

    empty: Empty | None
    groups: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How loads by one method went."""

    method: Method
    counts: Mapping[Outcome, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class OneModel:
    """The content of one model's page. ``primary`` is how it is loaded in each format, ``ways`` every method tried."""

    empty: Empty | None
    model: Model
    counts: Mapping[Outcome, int]
    formats: Heat
    matrix: Heat
    reasons: tuple[Reason, ...]
    ways: tuple[Way, ...]
    drifts: tuple[str, ...]


def models(known: Known) -> Page:
    """Return the list: in which loaders each model loads, whatever saved it in whatever format."""
    counts = known.cube.counts(known.cube.where(), "model", "loader")
    groups = dict.fromkeys(one.group for one in known.models)
    content = Models(
        empty=NOTHING_YET if known.is_empty else None,
        groups=tuple(
            Group(
                name=group,
                heat=heat(
                    counts,
                    ("model", model_axis(known, [one for one in known.models if one.group == group])),
                    ("loaded in", environment_axis(known)),
                    f"The group {group}: per cent of loads that pass by model and loader, over all savers and formats.",
                ),
            )
            for group in groups
        ),
    )
    return Page(
        template="models",
        title="Models",
        address=addresses.models(),
        nav=addresses.models(),
        content=content,
        csv=addresses.download("csv", environments="all"),
    )


def model(known: Known, one: Model) -> Page:
    """Return the page of one model."""
    cube = known.cube
    mask = cube.where(models=[one.id])
    content = OneModel(
        empty=NOTHING_YET if not (mask & cube.measured).any() else None,
        model=one,
        counts=tally_of(cube.counts(mask)).counts,
        formats=heat(
            cube.counts(mask, "format", "loader"),
            ("format", _formats_of(one)),
            ("loaded in", environment_axis(known)),
            f"{one.title}: per cent of loads that pass by format and loader, over all savers.",
        ),
        matrix=heat(
            cube.counts(mask, "saver", "loader"),
            ("saved in", environment_axis(known)),
            ("loaded in", environment_axis(known)),
            f"{one.title}: per cent of loads that pass from saver to loader, over all formats.",
            addresses.pair,
        ),
        reasons=reasons(known, mask),
        ways=ways(known, cube.where(models=[one.id], every_method=True)),
        drifts=drifts(known, mask),
    )
    return Page(
        template="model",
        title=one.title,
        address=addresses.model(one.id),
        nav=addresses.models(),
        trail=(("Models", addresses.models()),),
        content=content,
        csv=addresses.download("csv", model=one.id, environments="all"),
    )


def ways(known: Known, mask: Mask) -> tuple[Way, ...]:
    """Return how the rows of a mask went by each method that was tried."""
    counted = known.cube.counts(mask & known.cube.measured, "method")
    return tuple(
        Way(method=method, counts=tally_of(counts).counts)
        for method, counts in zip(METHODS, counted, strict=True)
        if counts.any()
    )


def drifts(known: Known, mask: Mask) -> tuple[str, ...]:
    """Return the loaders that answer differently, by id."""
    drifting = mask & (known.cube.outcome == OUTCOMES.index(Outcome.DRIFT))
    counts = known.cube.counts(drifting, "loader").sum(axis=-1)
    return tuple(one.id for one, many in zip(known.cube.environments, counts, strict=True) if many)


def _formats_of(one: Model) -> Axis:
    """The formats that make sense for a model, each leading to the model in it."""
    chosen = formats_of(one)
    places = format_axis(chosen).places
    heads = tuple(
        Head(id=str(format_), text=str(format_), href=addresses.model_as(one.id, format_)) for format_ in chosen
    )
    return Axis(heads=heads, places=places)


def formats_of(one: Model) -> tuple[Format, ...]:
    """Return the formats that make sense for a model."""
    return tuple(format_ for format_ in FORMATS if one.formats is None or format_.value in one.formats)
