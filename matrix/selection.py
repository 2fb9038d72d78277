"""Turns what a person wrote (ids, globs, ranges) into what exists, or says what they may have meant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from matrix.errors import UsageError
from matrix.model import Environment, Format, Method, Model, natural_key


def select_environments(words: str, environments: Sequence[Environment]) -> tuple[Environment, ...]:
    """Select environments by ids (``tf2.12`` or ``2.12``), globs (``2.1*``) and ranges (``2.10..2.15``)."""
    by_id = {environment.id: environment for environment in environments}
    chosen = _select("environment", words, list(by_id), shorten=_bare)
    return tuple(environment for environment in environments if environment.id in chosen)


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


def _bare(identifier: str) -> str:
    return identifier.removeprefix("tf")


def _select(
    kind: str, words: str, existing: list[str], shorten: Callable[[str], str] = str, groups: Sequence[str] = ()
) -> set[str]:
    chosen: set[str] = set()
    for word in filter(None, (word.strip() for word in words.split(","))):
        found = {*_matching(word, existing, shorten), *({word} & {*groups})}
        if not found:
            raise _unknown(kind, word, existing, shorten, groups)
        chosen |= found
    if not chosen:
        raise UsageError(
            f"No {kind} is named.", next_step=f"Name some of: {', '.join(existing)}; or leave it out for all."
        )
    return chosen


def _matching(word: str, existing: Iterable[str], shorten: Callable[[str], str]) -> Iterable[str]:
    if word == "all":
        return existing
    if ".." in word:
        first, _, last = word.partition("..")
        names = sorted(existing, key=natural_key)
        short = [shorten(name) for name in names]
        if shorten(first) in short and shorten(last) in short:
            return names[short.index(shorten(first)) : short.index(shorten(last)) + 1]
        return ()
    return [name for name in existing if fnmatchcase(name, word) or fnmatchcase(shorten(name), word)]


def _unknown(
    kind: str, word: str, existing: list[str], shorten: Callable[[str], str], groups: Sequence[str]
) -> UsageError:
    ends = [end for end in word.split("..") if end] if ".." in word else [word]
    wrong = next((end for end in ends if not _exists(end, existing, shorten)), None)
    if ".." in word and len(ends) < 2:  # noqa: PLR2004
        return UsageError(f"The {kind} range {word!r} lacks an end.", next_step="Write both ends: 2.10..2.15.")
    if wrong is None:
        return UsageError(f"The {kind} range {word!r} is empty.", next_step="Write the older end first: 2.10..2.15.")
    near = _nearest(wrong, [*existing, *map(shorten, existing), *groups])
    hint = f"Did you mean {near!r}? " if near else ""
    whole = f" Groups: {', '.join(groups)}." if groups else ""
    return UsageError(f"There is no {kind} {wrong!r}.", next_step=f"{hint}There are: {', '.join(existing)}.{whole}")


def _nearest(word: str, existing: list[str]) -> str | None:
    """Return what a person may have meant: what the word begins with (2.12 of 2.12.1), else what is spelt alike."""
    begins = [name for name in existing if word.startswith(f"{name}.")]
    return next(iter(sorted(begins, key=len, reverse=True) or get_close_matches(word, existing, n=1, cutoff=0.4)), None)


def _exists(word: str, existing: list[str], shorten: Callable[[str], str]) -> bool:
    return shorten(word) in [shorten(name) for name in existing]
