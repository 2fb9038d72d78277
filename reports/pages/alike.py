"""Files that fare alike in every loader, put together: models of one saver, and savers of one format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from matrix.model import Environment, Format, Model
from reports import addresses
from reports.cube import DRIFT, IS_FAILING, IS_MEASURED, NOT_MEASURED, OUTCOMES, PASS, Codes
from reports.grid import Outcome
from reports.known import Known
from reports.lines import Line, line_of
from reports.pages.parts import Stretch
from reports.pages.stretches import STEPS, Files
from reports.ranges import spans


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """Models that fare alike; ``href`` asks about the first of them."""

    models: tuple[Model, ...]
    stretches: tuple[Stretch, ...]
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Savers:
    """Neighbouring savers, as a range, whose files of one format fare alike; ``href`` asks about the first of them."""

    format: Format
    savers: str
    stretches: tuple[Stretch, ...]
    href: str


def models_alike(known: Known, files: Files) -> tuple[Models, ...]:
    """The models by how each loader takes them, the largest group first; TensorFlow's line stands for it."""
    cube = known.cube
    fates = _fates(known, files)
    groups: dict[bytes, list[int]] = {}
    for place in np.unique(cube.model[files.primary]):
        groups.setdefault(fates[place].tobytes(), []).append(int(place))
    passes = {members[0]: int((fates[members[0], :, 0] == PASS).sum()) for members in groups.values()}
    ordered = sorted(groups.values(), key=lambda members: (-len(members), -passes[members[0]], members))
    return tuple(_models(known, files, [cube.models[place] for place in members]) for members in ordered)


def _models(known: Known, files: Files, models: Sequence[Model]) -> Models:
    first, saver = models[0].id, files.savers[0]
    within = files.rows[known.cube.model[files.rows] == known.cube.model_at[first]]
    return Models(
        models=tuple(models),
        stretches=tuple(Files(known, [saver], files.format, first, within).stretches()),
        href=addresses.load(saver=saver, model=first, format=str(files.format)),
    )


def _fates(known: Known, files: Files) -> Codes:
    """For each model and TensorFlow the outcome by the primary method, and by which others it passes as bits."""
    cube = known.cube
    fates = np.full((len(cube.models), len(cube.environments), 2), len(OUTCOMES), dtype=np.int16)
    rows = files.primary
    fates[cube.model[rows], cube.loader[rows], 0] = cube.outcome[rows]
    fates[..., 1] = 0
    rows = files.helped
    np.bitwise_or.at(fates[..., 1], (cube.model[rows], cube.loader[rows]), 1 << cube.method[rows].astype(np.int16))
    own = [cube.environment_at[one.id] for one in known.environments if line_of(one.id) is Line.TENSORFLOW]
    return fates[:, own]


def savers_alike(
    known: Known, formats: Sequence[Format], savers: Sequence[Environment], model: str | None
) -> Iterator[Savers]:
    """Each format's savers by how each TensorFlow takes their files; where nothing was saved or measured there are none."""
    cube = known.cube
    order = [one.id for one in known.environments]
    loaders = [cube.environment_at[name] for name in order if line_of(name) is Line.TENSORFLOW]
    models = None if model is None else [model]
    for format_ in formats:
        rows = np.flatnonzero(cube.where(formats=[format_], models=models, every_method=True))
        counts = _counts(known, rows)
        fates = {saver.id: _fate(counts[cube.environment_at[saver.id]][loaders]) for saver in savers}
        for fate, run in groupby(fates, key=fates.__getitem__):
            if set(fate) <= _NOTHING_TO_SHOW:
                continue
            alike = tuple(run)
            first, last = (cube.environment_at[saver] for saver in (alike[0], alike[-1]))
            within = rows[(cube.saver[rows] >= first) & (cube.saver[rows] <= last)]
            yield Savers(
                format=format_,
                savers=spans(set(alike), order),
                stretches=tuple(Files(known, alike, format_, model, within).stretches()),
                href=addresses.load(saver=alike[0], model=model or "", format=str(format_)),
            )


def _counts(known: Known, rows: Codes) -> Codes:
    """By saver, loader and outcome."""
    cube = known.cube
    rows = rows[cube.primary[rows]]
    counts = np.zeros((len(cube.environments), len(cube.environments), len(OUTCOMES)), dtype=np.int64)
    np.add.at(counts, (cube.saver[rows], cube.loader[rows], cube.outcome[rows]), 1)
    return counts


def _fate(counts: Codes) -> tuple[int, ...]:
    """Of each loader's counts a number that is the same where ``coarse`` is: a step of the share, or an outcome after these."""
    measured = counts[:, IS_MEASURED].sum(axis=-1)
    told = (counts[:, PASS] > 0) | (counts[:, IS_FAILING].sum(axis=-1) > 0)
    share = counts[:, PASS] * 100 // np.maximum(measured, 1)
    alone = np.where(measured > 0, DRIFT, np.where(counts.any(axis=-1), counts.argmax(axis=-1), NOT_MEASURED))
    return tuple(np.where(told, np.digitize(share, STEPS), len(STEPS) + 1 + alone).tolist())


_NOTHING_TO_SHOW = frozenset(
    len(STEPS) + 1 + OUTCOMES.index(one)
    for one in (Outcome.NOT_MEASURED, Outcome.UNSUPPORTED, Outcome.NOT_APPLICABLE, Outcome.TOO_LARGE)
)
