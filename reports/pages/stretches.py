"""What comes of files along the versions that load them: neighbours with one answer merged, never from line to line. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import Final

import numpy as np

from matrix.model import Format, Method
from reports import addresses
from reports.cube import METHODS, NOTHING, PASS, Codes, Cube, tally_of
from reports.grid import FAILING, Outcome, Tally
from reports.known import Known
from reports.lines import Line, line_of
from reports.pages.parts import Stretch
from reports.ranges import spans

WAYS: Final[Mapping[Method, str]] = MappingProxyType(
    {
        Method.DEFAULT: "",
        Method.COMPILE_FALSE: "with compile=False",
        Method.CUSTOM_OBJECTS: "with custom_objects",
        Method.SAFE_MODE_FALSE: "with safe_mode=False",
        Method.WEIGHTS: "as weights, into the model built anew",
        Method.TFSM_LAYER: "as a TFSMLayer",
        Method.SAVED_MODEL_LOAD: "by tf.saved_model.load",
        Method.CHECKPOINT_READ: "by tf.train.Checkpoint.read",
    }
)
"""Methods as a sentence about loading ends."""

LINES: Final[Mapping[Line, str]] = MappingProxyType(
    {
        Line.TENSORFLOW: "In each TensorFlow, with the Keras of its time",
        Line.KERAS_3: "In each Keras 3",
        Line.TF_KERAS: "In each tf_keras",
    }
)

WORDS: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.PASS: "loads",
        Outcome.DRIFT: "loads, answers differently",
        Outcome.LOADS: "loads, with no answer to compare with",
        Outcome.FAIL: "fails",
        Outcome.TIMEOUT: "never comes back",
        Outcome.CRASH: "crashes",
        Outcome.OUT_OF_MEMORY: "runs out of memory",
        Outcome.HARNESS_BROKEN: "our harness failed here, which says nothing",
        Outcome.SAVE_FAILED: "could not be saved",
        Outcome.UNSUPPORTED: "its saver does not write this format",
        Outcome.NOT_APPLICABLE: "makes no sense in this format",
        Outcome.TOO_LARGE: "not tried: it is larger than is taken",
        Outcome.NOT_MEASURED: "not measured yet",
    }
)
"""Outcomes of one load, as the end of a sentence that begins with a version."""


class Share(StrEnum):
    """How many of several files load, coarse enough for neighbours to be alike."""

    HARDLY_ANY = "hardly any"
    FEW = "few"
    MOST = "most"
    NEARLY_ALL = "nearly all"


State = Outcome | Share

STEPS: Final = (20, 50, 80)
"""Where the next begins, in per cent."""

_SHARES: Final = tuple(Share)


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """The stretches of one line."""

    title: str
    stretches: tuple[Stretch, ...]


def state_of(counted: Tally) -> State:
    """What one loader makes of one file, or of several."""
    if not counted.measured:
        return max(counted.counts, key=lambda one: counted.counts[one], default=Outcome.NOT_MEASURED)
    if counted.passed == counted.measured:
        return Outcome.PASS
    if counted.drifted == counted.measured:
        return Outcome.DRIFT
    if counted.failed == counted.measured:
        kinds = [one for one in counted.counts if one in FAILING]
        return kinds[0] if len(kinds) == 1 else Outcome.FAIL
    return share_of(counted)


def share_of(counted: Tally) -> Share:
    """How many load."""
    return _SHARES[bisect_right(STEPS, counted.share or 0)]


def coarse(counted: Tally) -> State:
    """What a loader makes of several files, as neighbours are compared: whether all load or all but one is alike."""
    return share_of(counted) if counted.passed or counted.failed else state_of(counted)


class Files:
    """The rows of savers in one format, of one model or of all; what each loader makes of them.

    Of several savers the first stands for all where only one can be named. ``among`` are the places of the rows, where these
    are known already.
    """

    def __init__(
        self,
        known: Known,
        savers: Sequence[str],
        format_: Format,
        model: str | None = None,
        among: Codes | None = None,
    ) -> None:
        self.known, self.savers, self.format, self.model = known, tuple(savers), format_, model
        cube = known.cube
        models = None if model is None else [model]
        if among is None:
            among = np.flatnonzero(cube.where(savers=savers, formats=[format_], models=models, every_method=True))
        self.rows = among
        self.primary = self.rows[cube.primary[self.rows]]
        counts = np.zeros((len(cube.environments), len(Outcome)), dtype=np.int64)
        np.add.at(counts, (cube.loader[self.primary], cube.outcome[self.primary]), 1)
        self.tallies = {one.id: tally_of(counts[place]) for place, one in enumerate(cube.environments)}
        self.helped = self.rows[self._helps()]

    @property
    def is_one(self) -> bool:
        """Whether this is about a single model."""
        return self.model is not None

    def state(self, loader: str) -> State:
        """What a loader makes of them."""
        return state_of(self.tallies[loader])

    def spans(self, *states: State) -> str:
        """The loaders in one of these states, as ranges."""
        order = [one.id for one in self.known.environments]
        return spans({one for one in order if self.state(one) in states}, order)

    def strips(self) -> tuple[Strip, ...]:
        """All lines of which anything is known."""
        found = ((LINES[line], tuple(self.stretches(line))) for line in Line)
        return tuple(Strip(title=title, stretches=parts) for title, parts in found if parts)

    def stretches(self, line: Line = Line.TENSORFLOW) -> Iterator[Stretch]:
        """Neighbours on one line of which the same is true."""
        order = [one.id for one in self.known.environments]
        along = [name for name in order if line_of(name) is line]
        for _, run in groupby(along, key=self._compared):
            yield self._stretch(tuple(run), order)

    def _compared(self, loader: str) -> State:
        return self.state(loader) if self.is_one else coarse(self.tallies[loader])

    def _stretch(self, run: Sequence[str], order: Sequence[str]) -> Stretch:
        cause, fingerprint = main_cause(self.known, self.primary[self._in(self.primary, run)])
        tallies = [self.tallies[name] for name in run]
        states = {self.state(name) for name in run}
        state = states.pop() if len(states) == 1 else Share.MOST
        helped = self.helped[self._in(self.helped, run)]
        remedy, remedy_href = self._remedy(helped, run, order) if self.is_one else (self._others(helped, run), None)
        return Stretch(
            outcome=state if isinstance(state, Outcome) else None,
            counts=_sum(tallies),
            label=spans(set(run), order),
            words=self._words(state, tallies),
            width=len(run),
            href=self._address(run[0]),
            cause=cause,
            cause_href=addresses.error(fingerprint) if fingerprint else None,
            remedy=remedy,
            remedy_href=remedy_href,
        )

    def _remedy(self, helped: Codes, run: Sequence[str], order: Sequence[str]) -> tuple[str, str | None]:
        """The method by which one file loads in most of a run, where that is not all of it, and a cell that shows it."""
        cube = self.known.cube
        if not len(helped):
            return "", None
        place = int(np.bincount(cube.method[helped]).argmax())
        loaders = [cube.environments[one].id for one in np.unique(cube.loader[helped[cube.method[helped] == place]])]
        where = "" if set(loaders) == set(run) else f" in {spans(set(loaders), order)}"
        return f"loads {WAYS[METHODS[place]]}{where}", self._address(loaders[0], METHODS[place])

    def _words(self, state: State, tallies: Sequence[Tally]) -> str:
        if not self.is_one:
            return words_of_many(state, tallies, of_one_saver=len(self.savers) == 1)
        if state is Outcome.PASS and (way := WAYS[METHODS[self.known.cube.method[self.primary[0]]]]):
            return f"loads {way}"
        return "some load" if isinstance(state, Share) else WORDS[state]

    def _others(self, helped: Codes, run: Sequence[str]) -> str:
        """How many more of several files load by another method, and by which mostly."""
        cube = self.known.cube
        pairs = np.unique(cube.loader[helped].astype(np.int64) * len(cube.models) + cube.model[helped])
        files = np.unique(pairs // len(cube.models), return_counts=True)[1]
        if not len(files) or len(self.savers) > 1:
            return ""
        mostly = WAYS[METHODS[int(np.bincount(cube.method[helped]).argmax())]]
        most = int(files.max())
        many = f"{most}" if len(files) == len(run) and int(files.min()) == most else f"up to {most}"
        return f"{many} more {'loads' if most == 1 else 'load'} by another method, mostly {mostly}" if mostly else ""

    def _address(self, loader: str, method: Method | None = None) -> str:
        if self.model is None:
            return addresses.pair(self.savers[0], loader)
        return addresses.cell(self.savers[0], self.model, self.format, loader, method)

    def _in(self, rows: Codes, loaders: Sequence[str]) -> Codes:
        cube = self.known.cube
        wanted = np.zeros(len(cube.environments), dtype=bool)
        wanted[[cube.environment_at[name] for name in loaders]] = True
        return np.asarray(wanted[cube.loader[rows]])

    def _helps(self) -> Codes:
        """Which rows pass by another method where the primary one does not."""
        cube = self.known.cube
        passes = np.zeros((len(cube.models), len(cube.environments)), dtype=bool)
        fine = self.primary[cube.outcome[self.primary] == PASS]
        passes[cube.model[fine], cube.loader[fine]] = True
        others = ~cube.primary[self.rows] & (cube.outcome[self.rows] == PASS)
        return np.asarray(others & ~passes[cube.model[self.rows], cube.loader[self.rows]])


def main_cause(known: Known, rows: Codes) -> tuple[str, str | None]:
    """What most of the rows that have an error come down to, and its most frequent kind."""
    cube: Cube = known.cube
    errors = cube.error[rows]
    errors = errors[errors != NOTHING]
    if not len(errors):
        return "", None
    causes = known.cause_of_error[errors]
    place = int(np.bincount(causes).argmax())
    others = len(np.unique(causes)) - 1
    fingerprint = cube.fingerprints[int(np.bincount(errors[causes == place]).argmax())]
    more = f" (and {others} other cause{'s' if others > 1 else ''})" if others else ""
    return known.causes[place] + more, fingerprint


def words_of_many(state: State, tallies: Sequence[Tally], *, of_one_saver: bool = True) -> str:
    """What loaders make of several files; those of one saver are as many as there are models."""
    measured = {one.measured for one in tallies}
    if isinstance(state, Share):
        passed = [one.passed if of_one_saver and len(measured) == 1 else one.share or 0 for one in tallies]
        unit = f"of {measured.pop()}" if of_one_saver and len(measured) == 1 else "% of"
        return f"{between(min(passed), max(passed))} {unit} models load"
    if not any(measured):
        return WORDS[state]
    several = f" {between(min(measured), max(measured))}" if of_one_saver else ""
    if measured == {1}:
        return f"the only model {WORDS[state]}"
    match state:
        case Outcome.PASS:
            return f"all{several} models load"
        case Outcome.DRIFT:
            return f"all{several} models load, answer differently"
        case _:
            return f"none of{several or ' the'} models loads"


def between(least: int, most: int) -> str:
    """One number, or two and what is between."""
    return f"{most}" if least == most else f"{least} to {most}"


def _sum(tallies: Sequence[Tally]) -> Mapping[Outcome, int]:
    return {one: total for one in Outcome if (total := sum(tally.counts.get(one, 0) for tally in tallies))}
