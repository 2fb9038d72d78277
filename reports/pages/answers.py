"""The answer to "Can I load it?" in a sentence: yes or no, with what, and why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from reports import addresses
from reports.cube import METHODS, Codes
from reports.grid import FAILING, Outcome
from reports.known import Known
from reports.pages.stretches import STEPS, WAYS, Files, Share, State, main_cause, words_of_many
from reports.ranges import label

_NOTHING: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.SAVE_FAILED: "The save itself failed.",
        Outcome.UNSUPPORTED: "The version that saves does not write this format.",
        Outcome.NOT_APPLICABLE: "This makes no sense in this format.",
        Outcome.TOO_LARGE: "What was saved is larger than is taken out of a sandbox.",
        Outcome.HARNESS_BROKEN: "Our harness failed there, which says nothing about TensorFlow.",
        Outcome.NOT_MEASURED: "It has not been loaded there yet.",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """``word`` is the answer in one word or few, ``text`` a sentence; ``remedies`` are what else works, with its address.

    ``command`` measures what is not known yet.
    """

    outcome: Outcome | None
    word: str
    text: str
    href: str | None = None
    cause: str = ""
    cause_href: str | None = None
    remedies: tuple[tuple[str, str], ...] = ()
    command: str = ""


def answer_everywhere(files: Files) -> Answer:
    """Where it loads, in one sentence."""
    one = files.is_one
    everywhere, nearly = files.spans(Outcome.PASS), files.spans(Share.NEARLY_ALL)
    some = files.spans(Share.MOST, Share.FEW, Share.HARDLY_ANY)
    nowhere, drifts = files.spans(*FAILING), files.spans(Outcome.DRIFT)
    unknown = files.spans(Outcome.NOT_MEASURED)
    parts = [
        f"{'it' if one else 'every model'} loads in {everywhere}" if everywhere else "",
        f"nearly all models load in {nearly}" if nearly else "",
        f"some models load in {some}" if some else "",
        f"{'it' if one else 'all of it'} answers differently in {drifts}" if drifts else "",
        f"{'it fails' if one else 'no model loads'} in {nowhere}" if nowhere else "",
    ]
    said = "; ".join(part for part in parts if part)
    if not said:
        return _nothing(files)
    rest = f" Not measured yet: {unknown}." if unknown else ""
    return Answer(outcome=None, word="", text=f"{said[0].upper()}{said[1:]}.{rest}")


def answer_in(known: Known, files: Files, loader: str) -> Answer:
    """Whether one loader takes it."""
    cube, state = known.cube, files.state(loader)
    place = cube.environment_at[loader]
    cause, fingerprint = main_cause(known, files.primary[cube.loader[files.primary] == place])
    helped = files.helped[cube.loader[files.helped] == place]
    word, text = _yes_or_no(files, state, loader)
    if len(helped) and state in FAILING:
        word, text = _in_another_way(known, files, loader, helped)
    saver, model = files.savers[0], files.model
    return Answer(
        outcome=state if isinstance(state, Outcome) else None,
        word=word,
        text=text,
        href=addresses.cell(saver, model, files.format, loader) if model else addresses.pair(saver, loader),
        cause=cause,
        cause_href=addresses.error(fingerprint) if fingerprint else None,
        remedies=_remedies(known, helped) if model else (),
        command=_command(files, loader) if state is Outcome.NOT_MEASURED else "",
    )


def _in_another_way(known: Known, files: Files, loader: str, helped: Codes) -> tuple[str, str]:
    """Of one file there is another way; of several it counts for how many."""
    if files.is_one:
        return "In another way", f"The usual way fails in {label(loader)}, but there is another one."
    many, all_ = len(np.unique(known.cube.model[helped])), files.tallies[loader].measured
    mostly = WAYS[METHODS[int(np.bincount(known.cube.method[helped]).argmax())]]
    word = "It depends on the model" if many * 100 >= all_ * STEPS[0] else "No"
    text = f"The usual way fails in {label(loader)} for all {all_} models; {many} of them load by another, mostly {mostly}."
    return ("In another way" if many == all_ else word), text


def _yes_or_no(files: Files, state: State, loader: str) -> tuple[str, str]:
    where, one = label(loader), files.is_one
    if isinstance(state, Share):
        return "It depends on the model", f"In {where} {words_of_many(state, [files.tallies[loader]])}."
    match state:
        case Outcome.PASS | Outcome.LOADS:
            answers = "the answers are the saver's" if state is Outcome.PASS else "there is no answer to compare with"
            return "Yes", f"{where} loads {'it' if one else 'every model'}, and {answers}."
        case Outcome.DRIFT:
            return (
                "With other answers",
                f"{where} loads {'it' if one else 'them'}, but the answers are not the saver's.",
            )
        case Outcome.FAIL | Outcome.TIMEOUT | Outcome.CRASH | Outcome.OUT_OF_MEMORY:
            return "No", f"{where} does not load {'it' if one else 'any of the models'}."
        case Outcome.NOT_MEASURED | Outcome.HARNESS_BROKEN:
            return "Not known", _NOTHING[state]
        case _:
            return "Nothing to load", _NOTHING[state]


def _nothing(files: Files) -> Answer:
    """Of what no loader could load, because nothing was saved or nobody tried."""
    known = files.known
    cause, fingerprint = main_cause(known, files.primary)
    seen = {files.state(one.id) for one in known.environments}
    state = next((one for one in _NOTHING if one in seen), Outcome.NOT_MEASURED)
    is_known = state not in {Outcome.NOT_MEASURED, Outcome.HARNESS_BROKEN, Outcome.TOO_LARGE}
    return Answer(
        outcome=state,
        word="Nothing to load" if is_known else "Not known",
        text=_NOTHING[state] if is_known else "Nothing of it is measured yet.",
        cause=cause,
        cause_href=addresses.error(fingerprint) if fingerprint else None,
        command="" if is_known else _command(files),
    )


def _remedies(known: Known, helped: Codes) -> tuple[tuple[str, str], ...]:
    rows = (known.cube.row(int(place)) for place in helped)
    return tuple((f"It loads {WAYS[row.method]}", addresses.of_row(row)) for row in rows)


def _command(files: Files, loader: str | None = None) -> str:
    """What measures it."""
    saver = files.savers[0]
    if files.model and loader:
        return f"tfmatrix cell {saver} {files.model} {files.format} {loader}"
    environments = f"{saver},{loader}" if loader else "base"
    return f"tfmatrix run --environments {environments} --models {files.model or 'all'} --formats {files.format}"
