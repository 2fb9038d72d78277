"""An upload saved again in every environment that loads it, and loaded in all others: a matrix of one's own. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matrix.model import Environment, Format, SaveOutcome, Verdict
from matrix.uploads.model import UploadCell, UploadSave
from reports.grid import Outcome
from reports.pages.heats import bands_of, environment_heads
from reports.pages.parts import Heat, Square
from reports.ranges import spans


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """An environment that loads an upload, and a format in which it saves it again."""

    saver: str
    format: Format


Key = tuple[str, str, Format]
"""Saver and loader by recipe digest, and the format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InFormat:
    """The matrix of one format: where it was saved, where it could not be, and where it is too large to be tried, and why."""

    format: Format
    heat: Heat
    saved: str
    not_saved: str
    too_large: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """All formats together, and each.

    ``loads`` is how many of ``tried`` loads give the saver's answers, ``uncompared`` how many merely load.
    """

    heat: Heat
    formats: tuple[InFormat, ...]
    loads: int
    uncompared: int
    tried: int


def routes(
    environments: Sequence[Environment], cells: Sequence[UploadCell], reference: str | None
) -> dict[str, tuple[Route, ...]]:
    """Return for each loader what it loads, with the saver's answers, of what was saved again.

    The reference's comes first, then the newest saver's.
    """
    by_digest = {one.recipe_digest: place for place, one in enumerate(environments)}
    found: dict[str, list[Route]] = {}
    for cell in cells:
        saver, loader = by_digest.get(cell.saver), by_digest.get(cell.result.key.loader)
        if saver is None or loader is None or cell.format is None or cell.result.verdict is not Verdict.PASS:
            continue
        found.setdefault(environments[loader].id, []).append(Route(saver=environments[saver].id, format=cell.format))
    order = [one.id for one in environments]
    formats = list(Format)

    def preferred(route: Route) -> tuple[bool, int, int]:
        return route.saver != reference, -order.index(route.saver), formats.index(route.format)

    return {loader: tuple(sorted(listed, key=preferred)) for loader, listed in found.items()}


def again(
    environments: Sequence[Environment], cells: Sequence[UploadCell], saves: Sequence[UploadSave], order: Sequence[str]
) -> Again | None:
    """Return the matrix of these environments as far as it is known; nothing where nothing was saved again in any.

    More may be known of the same content, of which another upload asked for others.
    """
    mine = {one.recipe_digest for one in environments}
    by_save = {(one.saver, one.format): one for one in saves if one.saver in mine}
    if not by_save:
        return None
    savers = [one for one in environments if any(saver == one.recipe_digest for saver, _ in by_save)]
    outcomes = {
        (one.saver, one.result.key.loader, one.format): Outcome(one.result.verdict.value)
        for one in cells
        if one.saver in mine and one.result.key.loader in mine and one.format is not None
    }
    formats = [one for one in Format if any(format_ is one for _, format_ in by_save)]
    counted = Counter(outcomes.values())
    return Again(
        heat=_heat(savers, environments, formats, outcomes, by_save),
        formats=tuple(_in_formats((savers, environments), formats, outcomes, by_save, order)),
        loads=counted[Outcome.PASS],
        uncompared=counted[Outcome.LOADS],
        tried=counted.total(),
    )


def _in_formats(
    sides: tuple[Sequence[Environment], Sequence[Environment]],
    formats: Sequence[Format],
    outcomes: Mapping[Key, Outcome],
    saves: Mapping[tuple[str, Format], UploadSave],
    order: Sequence[str],
) -> Iterator[InFormat]:
    savers, loaders = sides
    for format_ in formats:
        mine = {one.id: saves.get((one.recipe_digest, format_)) for one in savers}
        saved, failed, too_large = (
            {name for name, save in mine.items() if save and save.outcome is outcome}
            for outcome in (SaveOutcome.SAVED, SaveOutcome.FAILED, SaveOutcome.TOO_LARGE)
        )
        if saved or failed or too_large:
            yield InFormat(
                format=format_,
                heat=_heat(savers, loaders, [format_], outcomes, saves),
                saved=spans(saved, order),
                not_saved=spans(failed, order),
                too_large=spans(too_large, order),
                why=next((save.reason or "" for name, save in mine.items() if save and name in too_large), ""),
            )


def _heat(
    savers: Sequence[Environment],
    loaders: Sequence[Environment],
    formats: Sequence[Format],
    outcomes: Mapping[Key, Outcome],
    saves: Mapping[tuple[str, Format], UploadSave],
) -> Heat:
    heads = environment_heads(loaders)
    by_id = {one.id: one for one in loaders}
    rows = []
    for head in environment_heads(savers):
        saver = by_id[head.id].recipe_digest
        squares = []
        for loader in loaders:
            found = Counter(
                _outcome(saves.get((saver, one)), outcomes.get((saver, loader.recipe_digest, one))) for one in formats
            )
            squares.append(Square(counts=dict(found)))
        rows.append((head, tuple(squares)))
    what = f"as {formats[0]}" if len(formats) == 1 else "in every format it can"
    return Heat(
        caption=f"The upload saved again {what}, in each version that loads it; loaded in every version.",
        down="saved again in",
        across="loaded in",
        columns=heads,
        rows=tuple(rows),
        bands=bands_of(loaders)[0],
    )


def _outcome(save: UploadSave | None, loaded: Outcome | None) -> Outcome:
    if loaded is not None:
        return loaded
    if save is None or save.outcome is SaveOutcome.SAVED:
        return Outcome.NOT_MEASURED
    return Outcome(save.outcome.value)
