"""The matrix: what a reader should know in words, then savers and loaders with the share that passes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from matrix.model import Format
from reports import addresses
from reports.cube import FORMATS, Mask, tally_of
from reports.findings import Finding, upgrades
from reports.grid import Outcome, Tally
from reports.known import Known
from reports.pages.filters import Filters
from reports.pages.heats import environment_axis, format_axis, heat, model_axis
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Choices, Empty, Heat


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A finding, and the pages that show it."""

    finding: Finding
    shown_at: str | None
    error_at: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """The first page's content. ``directions`` are loads in the same, a newer and an older version than the saver's."""

    empty: Empty | None
    counts: Mapping[Outcome, int]
    directions: Mapping[str, int | None]
    findings: tuple[Said, ...]
    filters: tuple[Choices, ...]
    chosen: Mapping[str, str]
    matrix: Heat
    models: Heat
    run: str | None
    status: str | None
    cost: str | None
    unisolated: tuple[str, ...]
    measured_from: datetime | None
    measured_to: datetime | None

    @property
    def total(self) -> Tally:
        """All rows that count."""
        return Tally(counts=self.counts)


def home(known: Known, filters: Filters) -> Page:
    """Return the page for a choice of filters."""
    mask = shown_rows(known, filters)
    total = tally_of(known.cube.counts(mask))
    directions = {way: found.share for way, found in upgrades(known.cube, mask).items()}
    first, last = _times(known, mask)
    content = Home(
        empty=NOTHING_YET if known.is_empty else None,
        counts=total.counts,
        directions={way: directions.get(way) for way in ("same", "newer", "older")},
        findings=tuple(_said(one) for one in known.findings),
        filters=filters.shown(known),
        chosen=filters.words,
        matrix=matrix(known, filters, mask),
        models=_models(known, filters, mask),
        run=known.header.run,
        status=known.header.status,
        cost=known.header.cost,
        unisolated=known.header.unisolated,
        measured_from=first,
        measured_to=last,
    )
    return Page(
        template="home",
        title="Which TensorFlow loads what another one saved",
        address=addresses.home(**filters.words),
        nav=addresses.home(),
        content=content,
        csv=addresses.download("csv", **filters.words),
    )


def shown_rows(known: Known, filters: Filters) -> Mask:
    """Return the rows behind what the page shows, by the filters and the environments that these leave."""
    savers, loaders = filters.savers(known), filters.loaders(known)
    between = known.cube.where(
        savers=[one.id for one in savers], loaders=[one.id for one in loaders], every_method=True
    )
    return filters.mask(known) & between


def rows_between(known: Known, filters: Filters, savers: Sequence[str] = (), loaders: Sequence[str] = ()) -> Mask:
    """Return the rows of these savers and loaders, of all environments where none are named, by the filters."""
    between = known.cube.where(savers=savers or None, loaders=loaders or None, every_method=True)
    if filters.flavour is not None:
        between &= known.cube.where(loaders=[one.id for one in filters.loaders(known)], every_method=True)
    return filters.mask(known) & between


def matrix(known: Known, filters: Filters, mask: Mask) -> Heat:
    """Return savers and loaders, with what passes between them."""
    return heat(
        known.cube.counts(mask, "saver", "loader"),
        ("saved in", environment_axis(known, filters.savers(known))),
        ("loaded in", environment_axis(known, filters.loaders(known))),
        "Each row is the TensorFlow that saved, each column the one that loads. In the square: per cent of loads that give "
        "the saver's outputs.",
        addresses.pair,
    )


def _models(known: Known, filters: Filters, mask: Mask) -> Heat:
    return heat(
        known.cube.counts(mask, "model", "format"),
        ("model", model_axis(known, [one for one in known.models if one.id in filters.models(known)])),
        ("format", format_axis(one for one in FORMATS if filters.format in {None, one})),
        "Per cent of loads that pass, over all pairs of versions.",
        lambda model, format_: addresses.model_as(model, Format(format_)),
    )


def _said(finding: Finding) -> Said:
    shown_at = addresses.home(format=str(finding.format)) if finding.format else None
    if finding.model:
        shown_at = addresses.model(finding.model)
    return Said(
        finding=finding,
        shown_at=shown_at,
        error_at=addresses.error(finding.fingerprint) if finding.fingerprint else None,
    )


def _times(known: Known, mask: Mask) -> tuple[datetime | None, datetime | None]:
    at = known.cube.at[mask & known.cube.measured]
    if not len(at):
        return None, None
    first, last = (datetime.fromtimestamp(int(moment), UTC) for moment in (at.min(), at.max()))
    return first, last
