"""Turns what a person wrote (ids, globs, ranges) into what exists, or says what they may have meant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from matrix.errors import UsageError
from matrix.model import Environment, Format, Method, Model, natural_key

ALL: Final = "all"
BASE: Final = "base"
GROUPS: Final = (BASE, "keras3", "tf_keras", ALL)
"""Words for many environments: those of their own, every Keras 3 minor, every tf_keras, and all of these."""

DEFAULTS: Final = MappingProxyType({"environments": BASE, "models": ALL, "formats": ALL, "methods": ALL})
"""What is measured where nobody says anything, by what is selected."""


def select_environments(words: str, environments: Sequence[Environment]) -> tuple[Environment, ...]:
    """Select environments by groups, ids (``tf2.12`` or ``2.12``), globs (``2.1*``) and ranges (``2.10..2.15``).

    An overlay also goes by the name of its Keras (``keras3.5``). Globs and ranges of TensorFlows take no overlays.
    """
    own = [one.id for one in environments if one.base is None]
    everything = [one.id for one in environments]
    chosen: set[str] = set()
    for word in words.split(","):
        group = _group(word.strip(), environments)
        overlays = "+" in word or not set(_matching(word.strip(), own, _spellings))
        if group is not None:
            chosen |= {one.id for one in group}
        elif word.strip():
            among = _kin(word, environments) if ".." in word else everything if overlays else own
            chosen |= _select("environment", word, among, _spellings, GROUPS)
    if not chosen:
        raise _nothing("environment", [*GROUPS, *own])
    return tuple(environment for environment in environments if environment.id in chosen)


def _group(word: str, environments: Iterable[Environment]) -> list[Environment] | None:
    """The environments that a group's word stands for; nothing if it is no such word."""
    if word not in GROUPS:
        return None
    return [one for one in environments if word in {ALL, BASE if one.base is None else one.flavour}]


def _kin(word: str, environments: Iterable[Environment]) -> list[str]:
    """Those among which a range runs: environments of their own, or overlays of the Keras that it begins with."""
    first = word.partition("..")[0].strip()
    begins = next((one for one in environments if first in _spellings(one.id)), None)
    kind = None if begins is None or begins.base is None else begins.flavour
    return [one.id for one in environments if kind == (None if one.base is None else one.flavour)]


def _spellings(identity: str) -> tuple[str, ...]:
    """How an environment may be written: its id, without ``tf``, and an overlay by its Keras alone."""
    below, _, keras = identity.partition("+")
    return (identity, identity.removeprefix("tf"), keras) if keras else (below, below.removeprefix("tf"))


def select_models(words: str, models: Sequence[Model]) -> tuple[Model, ...]:
    """Select models by ids, globs over ids, and names of groups (``text``)."""
    groups = list(dict.fromkeys(model.group for model in models if model.group))
    chosen = _select("model", words, [model.id for model in models], groups=groups)
    return tuple(model for model in models if not chosen.isdisjoint({model.id, model.group}))


def select_formats(words: str) -> tuple[Format, ...]:
    """Select formats by ids and globs."""
    chosen = _select("format", words, [format_.value for format_ in Format])
    return tuple(format_ for format_ in Format if format_.value in chosen)


def select_methods(words: str) -> tuple[Method, ...]:
    """Select methods by ids and globs."""
    chosen = _select("method", words, [method.value for method in Method])
    return tuple(method for method in Method if method.value in chosen)


def _as_it_is(name: str) -> tuple[str, ...]:
    return (name,)


def _select(
    kind: str,
    words: str,
    existing: list[str],
    spellings: Callable[[str], tuple[str, ...]] = _as_it_is,
    groups: Sequence[str] = (),
) -> set[str]:
    chosen: set[str] = set()
    for word in filter(None, (word.strip() for word in words.split(","))):
        found = {*_matching(word, existing, spellings), *({word} & {*groups})}
        if not found:
            raise _unknown(kind, word, existing, spellings, groups)
        chosen |= found
    if not chosen:
        raise _nothing(kind, existing)
    return chosen


def _matching(word: str, existing: Iterable[str], spellings: Callable[[str], tuple[str, ...]]) -> Iterable[str]:
    if word == ALL:
        return existing
    if ".." in word:
        first, _, last = word.partition("..")
        names = sorted(existing, key=natural_key)
        starts = [place for place, name in enumerate(names) if first in spellings(name)]
        ends = [place for place, name in enumerate(names) if last in spellings(name)]
        return names[starts[0] : ends[-1] + 1] if starts and ends else ()
    return [name for name in existing if any(fnmatchcase(one, word) for one in spellings(name))]


def _nothing(kind: str, existing: Iterable[str]) -> UsageError:
    return UsageError(
        f"No {kind} is named.", next_step=f"Name some of: {', '.join(existing)}; or leave the option out."
    )


def _unknown(
    kind: str, word: str, existing: list[str], spellings: Callable[[str], tuple[str, ...]], groups: Sequence[str]
) -> UsageError:
    spelt = [one for name in existing for one in spellings(name)]
    ends = [end for end in word.split("..") if end] if ".." in word else [word]
    wrong = next((end for end in ends if end not in spelt), None)
    if ".." in word and len(ends) < 2:  # noqa: PLR2004
        return UsageError(f"The {kind} range {word!r} lacks an end.", next_step="Write both ends: 2.10..2.15.")
    if wrong is None:
        return UsageError(f"The {kind} range {word!r} is empty.", next_step="Write the older end first: 2.10..2.15.")
    near = _nearest(wrong, [*existing, *groups, *spelt])
    hint = f"Did you mean {near!r}? " if near else ""
    return UsageError(
        f"There is no {kind} {wrong!r}.", next_step=f"{hint}There are: {', '.join([*groups, *existing])}."
    )


def _nearest(word: str, existing: list[str]) -> str | None:
    """Return what a person may have meant: what the word begins with (2.12 of 2.12.1), else what is spelt alike."""
    begins = [name for name in existing if word.startswith(f"{name}.")]
    return next(iter(sorted(begins, key=len, reverse=True) or get_close_matches(word, existing, n=1, cutoff=0.4)), None)
