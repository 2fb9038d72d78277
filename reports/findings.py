"""What a reader should know, found in the matrix and said in sentences. Pure: nothing here is typed in beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matrix.model import Format
from reports.causes import Said, first_line
from reports.cube import (
    DRIFT,
    FORMATS,
    IS_MEASURED,
    NOT_MEASURED,
    OUTCOMES,
    PASS,
    Codes,
    Cube,
    Mask,
    names,
    tally_of,
)
from reports.grid import Outcome, Tally, percentage
from reports.lines import Line, line_of
from reports.ranges import spans
from reports.walls import walls

_MOST_BLOCKS: Final = 5
_FIRST_BLOCKS: Final = 2
_LEAST_BREAK: Final = 5  # per cent: a smaller step between two versions is not worth a sentence
_LEAST_STRETCH: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One sentence, its kind (which also chooses its sign), and the filter under which a reader sees it."""

    kind: str
    text: str
    why: str = ""
    format: Format | None = None
    model: str | None = None
    fingerprint: str | None = None


Kinds = Mapping[str, Said]
"""Failures by fingerprint."""


def find(cube: Cube, kinds: Kinds) -> tuple[Finding, ...]:
    """All findings, the most important first; those of overlays after the TensorFlows'; none where nothing was measured."""
    lines = np.array([[*Line].index(line_of(one.id)) for one in cube.environments], dtype=np.int8)
    line_at = np.where(lines[cube.loader] > 0, lines[cube.loader], lines[cube.saver])
    by_line = {line: _Part(cube, cube.primary & (line_at == place), line) for place, line in enumerate(Line)}
    return (
        *(finding for line in Line for finding in _along(by_line[line], kinds)),
        *_hardest_model(by_line[Line.TENSORFLOW]),
        *_ours(cube),
    )


class _Part:
    """The primary rows that one line's findings tell of: TensorFlow's only where neither side is an overlay."""

    def __init__(self, cube: Cube, mask: Mask, line: Line) -> None:
        self.cube = cube
        self.mask = mask
        self.line = line
        self.order = [one.id for one in cube.environments]
        self.members = [place for place, one in enumerate(self.order) if line_of(one) is line]

    def savers(self, mask: Mask) -> str:
        """The savers of rows, in words."""
        return spans(set(names(self.order, self.cube.saver[mask])), self.order)

    def loaders(self, mask: Mask) -> str:
        """The loaders of rows, in words."""
        return spans(set(names(self.order, self.cube.loader[mask])), self.order)

    def models(self, mask: Mask) -> list[str]:
        """The models of rows, by name."""
        return sorted(self.cube.models[place].id for place in np.unique(self.cube.model[mask]))


def _along(part: _Part, kinds: Kinds) -> Iterator[Finding]:
    """What happens along one line. Steps and stretches are of its own files; walls are to files of others, too."""
    blocks = tuple(_blocks(part, kinds))
    yield from _breaks(part)
    yield from blocks[:_FIRST_BLOCKS]
    yield from _drift(part)
    yield from _stretch(part)
    yield from blocks[_FIRST_BLOCKS:]
    yield from _abnormal(part)


def _breaks(part: _Part) -> Iterator[Finding]:
    """The step up and the step down between two neighbouring measured versions that cost most."""
    cube = part.cube
    loaded = set(cube.loader[part.mask & cube.measured].tolist())
    along = [place for place in part.members if place in loaded]
    outcomes = _outcomes_along(part, along)
    for way, words in ((1, "Moving up from {} to {}"), (-1, "Going back from {} to {}")):
        steps = [
            (*_step(outcomes, before, before + way), along[before], along[before + way])
            for before in range(len(along))
            if 0 <= before + way < len(along)
        ]
        if not steps:
            continue
        broke, kept, before, after = max(steps, key=lambda step: (step[0], step[2]))
        lost = percentage(broke, broke + kept) or 0
        if lost >= _LEAST_BREAK:
            start, end = (spans({part.order[place]}, part.order) for place in (before, after))
            lost_ones = f"{broke:,} of {broke + kept:,} saved models that pass in {start} no longer do"
            yield Finding(kind="break", text=f"{words.format(start, end)} costs most: {lost_ones} ({lost} %).")


def _outcomes_along(part: _Part, along: Sequence[int]) -> Codes:
    """Outcomes by saver, file and loader, the two versions by their place along the line; minus one where there is none."""
    cube = part.cube
    place_of = np.full(len(cube.environments), -1)
    place_of[list(along)] = np.arange(len(along))
    here = part.mask & (place_of[cube.saver] >= 0) & (place_of[cube.loader] >= 0)
    found = np.full((len(along), len(cube.models) * len(FORMATS), len(along)), -1, dtype=np.int8)
    file = cube.model[here].astype(np.intp) * len(FORMATS) + cube.format[here]
    found[place_of[cube.saver[here]], file, place_of[cube.loader[here]]] = cube.outcome[here]
    return found


def _step(outcomes: Codes, before: int, after: int) -> tuple[int, int]:
    """How many files that pass in one version no longer do in the next, and how many do, on the way away from their saver."""
    own = slice(0, before + 1) if after > before else slice(before, None)
    follows = outcomes[own, :, after][outcomes[own, :, before] == PASS]
    kept = int((follows == PASS).sum())
    return int(IS_MEASURED[follows[follows >= 0]].sum()) - kept, kept


def _blocks(part: _Part, kinds: Kinds) -> Iterator[Finding]:
    """Formats of which a range of loaders reads nothing that some savers wrote, largest first."""
    cube = part.cube
    counts = cube.counts(part.mask, "format", "saver", "loader")
    found = [
        wall for place, format_ in enumerate(FORMATS) for wall in walls(part.order, part.line, format_, counts[place])
    ]
    found.sort(key=lambda wall: (-wall.cells, wall.loaders))
    for wall in found[:_MOST_BLOCKS]:
        rows = part.mask & cube.failing & (cube.format == FORMATS.index(wall.format))
        rows &= np.isin(cube.loader, wall.loaders) & np.isin(cube.saver, list(wall.savers))
        savers = spans({part.order[place] for place in wall.savers}, part.order)
        whom = "whichever version saved it" if wall.every_saver else f"when saved in {savers}"
        why, fingerprint = _mostly(cube, rows, kinds)
        loaders = spans({part.order[place] for place in wall.loaders}, part.order)
        text = f"No {wall.format} file loads in {loaders}, {whom} ({_cells(wall.cells)})."
        yield Finding(kind="break", text=text, why=why, format=wall.format, fingerprint=fingerprint)


def _mostly(cube: Cube, mask: Mask, kinds: Kinds) -> tuple[str, str | None]:
    """The failure that most of the rows share, in one line."""
    errors = cube.error[mask]
    errors = errors[errors >= 0]
    if not len(errors):
        return "", None
    counts = np.bincount(errors)
    fingerprint, count = cube.fingerprints[int(counts.argmax())], int(counts.max())
    if fingerprint not in kinds:
        return "", None
    adverb = "Always" if count == int(mask.sum()) else "Mostly"
    return f"{adverb} {kinds[fingerprint].exception}: {first_line(kinds[fingerprint].message)}", fingerprint


def _drift(part: _Part) -> Iterator[Finding]:
    cube = part.cube
    drifting = part.mask & (cube.outcome == DRIFT)
    if not drifting.any():
        return
    models = part.models(drifting)
    sizes = cube.absolute[drifting]
    text = (
        f"{_cells(int(drifting.sum()))} loaded and answered differently: {_list(models)}, "
        f"saved in {part.savers(drifting)}, loaded in {part.loaders(drifting)}"
    )
    text += "." if np.isnan(sizes).all() else f"; the largest difference is {np.nanmax(sizes):.2g}."
    yield Finding(kind="drift", text=text, model=models[0] if len(models) == 1 else None)


def _abnormal(part: _Part) -> Iterator[Finding]:
    kinds = (
        (Outcome.CRASH, "crashed"),
        (Outcome.TIMEOUT, "never came back"),
        (Outcome.OUT_OF_MEMORY, "ran out of memory"),
    )
    for outcome, words in kinds:
        struck = part.mask & (part.cube.outcome == OUTCOMES.index(outcome))
        if struck.any():
            models = _list(part.models(struck))
            text = f"{_cells(int(struck.sum()))} {words}: {models}, loaded in {part.loaders(struck)}."
            yield Finding(kind=outcome.value, text=text)


def _hardest_model(part: _Part) -> Iterator[Finding]:
    tallies = {
        model.id: tally
        for model, counted in zip(part.cube.models, part.cube.counts(part.mask, "model"), strict=True)
        if (tally := tally_of(counted)).measured
    }
    if len(tallies) < 2 or not any(tally.failed for tally in tallies.values()):  # noqa: PLR2004  (a comparison needs two)
        return
    model = min(tallies, key=lambda name: (tallies[name].passed / tallies[name].measured, name))
    best = max(tallies, key=lambda name: (tallies[name].passed / tallies[name].measured, name))
    titles = {entry.id: entry.title for entry in part.cube.models}
    text = (
        f"The hardest to carry over is {titles.get(model, model)}: {tallies[model].share} % of its loads pass; "
        f"the easiest is {titles.get(best, best)} with {tallies[best].share} %."
    )
    yield Finding(kind="model", text=text, model=model)


def _stretch(part: _Part) -> Iterator[Finding]:
    """The longest run of versions that read all that any of them saved."""
    counts = part.cube.counts(part.mask, "saver", "loader")
    measured = counts[..., IS_MEASURED].sum(axis=-1)
    whole = (measured > 0) & (counts[..., PASS] == measured)
    whole &= whole.T
    best: Sequence[int] = ()
    start = 0
    for end in range(len(part.members)):
        while start <= end and not whole[part.members[end], part.members[start : end + 1]].all():
            start += 1
        if end + 1 - start > len(best):
            best = part.members[start : end + 1]
    if len(best) >= _LEAST_STRETCH:
        stretch = spans({part.order[place] for place in best}, part.order)
        yield Finding(kind="pass", text=f"{stretch} read everything that any of them saved, with equal outputs.")


def _ours(cube: Cube) -> Iterator[Finding]:
    broken = cube.primary & (cube.outcome == OUTCOMES.index(Outcome.HARNESS_BROKEN))
    if broken.any():
        where = _Part(cube, broken, Line.TENSORFLOW).loaders(broken)
        text = f"Our harness failed in {where}: {_cells(int(broken.sum()))} say nothing about TensorFlow and are grey."
        yield Finding(kind="harness-broken", text=text)
    waiting = int((cube.primary & (cube.outcome == NOT_MEASURED)).sum())
    if waiting:
        yield Finding(kind="not-measured", text=f"{_cells(waiting)} not measured yet.")


def upgrades(cube: Cube, mask: Mask) -> dict[str, Tally]:
    """Tallies of loads in the ``same``, a ``newer`` and an ``older`` TensorFlow than the one that saved.

    Overlays are left out: they are neither newer nor older than what they stand on.
    """
    own = np.array([line_of(one.id) is Line.TENSORFLOW for one in cube.environments], dtype=bool)
    distance = cube.loader.astype(np.int32) - cube.saver
    mask = mask & own[cube.saver] & own[cube.loader]
    ways = {"same": distance == 0, "newer": distance > 0, "older": distance < 0}
    return {way: tally_of(cube.counts(mask & there)) for way, there in ways.items() if (mask & there).any()}


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _list(names: Sequence[str], most: int = 4) -> str:
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
