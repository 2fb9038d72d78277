"""What several pages are put together from; each part is drawn by a macro of its name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from reports.grid import SHARELESS, SIGNS, Look, Outcome, Tally


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """How a square looks. ``drifts`` where some of it answers differently beside what else happens.

    ``text`` is the share that passes, or a sign; ``title`` says it in words; ``unfinished`` where a part is not measured yet;
    ``alone`` where it stands for one load.
    """

    look: Look
    text: str
    title: str
    drifts: bool
    unfinished: bool
    alone: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Square:
    """One square of a heat map: what is counted there, and the address of what it stands for.

    ``number`` stands in place of the share, where the counts are of one kind and their number is what matters.
    """

    counts: Mapping[Outcome, int]
    href: str | None = None
    number: int | None = None

    @property
    def drawn(self) -> Drawn:
        """How it looks."""
        if self.number is None:
            return drawn(tuple(self.counts.items()))
        return numbered(self.number, tuple(self.counts.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The heading of a row or a column; ``note`` says more, where there is room."""

    id: str
    text: str
    href: str | None = None
    first_of_band: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Neighbouring columns under one word: ``Keras 2`` over so many."""

    text: str
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Heat:
    """A heat map. ``down`` and ``across`` say what its rows and columns are."""

    caption: str
    down: str
    across: str
    columns: tuple[Head, ...]
    rows: tuple[tuple[Head, tuple[Square, ...]], ...]
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Neighbouring versions in which the same happens: ``2.4-2.15``, ``loads``; ``width`` is how many.

    ``counts`` are of all files in all of them; without an ``outcome`` some load and some do not. ``remedy`` is what else
    works there.
    """

    outcome: Outcome | None
    label: str
    words: str
    width: int
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    href: str | None = None
    cause: str = ""
    cause_href: str | None = None
    remedy: str = ""
    remedy_href: str | None = None

    @property
    def look(self) -> Look:
        """How to draw it."""
        return self._tally.look

    @property
    def sign(self) -> str:
        """Its outcome's sign, or the share that passes."""
        return SIGNS[self.outcome] if self.outcome else sign(self._tally)

    @property
    def _tally(self) -> Tally:
        return Tally(counts=self.counts if self.outcome is None else {self.outcome: 1})


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One option of a filter."""

    value: str
    text: str
    chosen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """One filter of a form: pills where the options are few, a list where they are many."""

    name: str
    label: str
    options: tuple[Choice, ...]
    as_pills: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Empty:
    """Why there is nothing to show, and the command that changes it."""

    title: str
    text: str
    command: str


NOTHING_YET: Final = Empty(
    title="Nothing measured yet",
    text="No model has been loaded anywhere so far. This builds what it needs, saves each model in each TensorFlow, loads it "
    "in every other, and fills these pages. What is known already is never run twice.",
    command="make matrix",
)


@lru_cache(maxsize=8192)  # a page has hundreds of squares, and most of them look like others
def drawn(counts: tuple[tuple[Outcome, int], ...]) -> Drawn:
    """How a square with these counts looks."""
    counted = Tally(counts=dict(counts))
    alone = len(counts) == 1 and counts[0][1] == 1
    return Drawn(
        look=counted.look,
        text=SIGNS[counts[0][0]] if alone else sign(counted),
        title=describe(counted),
        drifts=bool(counted.drifted) and counted.look is not Look.ALL_DRIFT,
        unfinished=bool(counted.measured and counted.counts.get(Outcome.NOT_MEASURED)),
        alone=alone,
    )


def numbered(number: int, counts: tuple[tuple[Outcome, int], ...]) -> Drawn:
    """How a square looks that shows how many there are of one kind."""
    if not number:
        nothing = SIGNS[Outcome.UNSUPPORTED]
        return Drawn(look=Look.NOTHING, text=nothing, title="none", drifts=False, unfinished=False, alone=False)
    return replace(drawn(counts), text=str(number), drifts=False, unfinished=False)


def describe(counted: Tally) -> str:
    """A tally in words, for the tooltip and the screen reader."""
    words = {outcome: count for outcome, count in counted.counts.items() if count}
    if not words:
        return "not measured yet"
    rest = ", ".join(f"{words[outcome]:,} {outcome}" for outcome in Outcome if words.get(outcome))
    if sum(words.values()) == 1:
        return next(iter(words)).value
    return f"{counted.passed:,} of {counted.measured:,} pass ({counted.share} %): {rest}" if counted.measured else rest


def sign(counted: Tally) -> str:
    """The share that passes, or what stands in its place."""
    match counted.look:
        case Look.ALL:
            return SIGNS[Outcome.PASS]
        case Look.NONE:
            return SIGNS[Outcome.FAIL]
        case Look.ALL_DRIFT:
            return SIGNS[Outcome.DRIFT]
        case look:
            return SHARELESS.get(look, str(counted.share))


def choices(  # noqa: PLR0913  what a form's part is made of
    name: str,
    label_: str,
    options: Iterable[tuple[str, str]],
    chosen: str,
    *,
    everything: str | None = None,
    as_pills: bool = False,
) -> Choices:
    """A filter of these values and texts; ``everything`` is the text of choosing none."""
    listed = [("", everything), *options] if everything is not None else [*options]
    return Choices(
        name=name,
        label=label_,
        as_pills=as_pills,
        options=tuple(Choice(value=value, text=text or value, chosen=value == chosen) for value, text in listed),
    )
