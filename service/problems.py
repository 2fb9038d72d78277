"""What can be wrong with a request to the site: an address that nothing has, a filter that makes no sense."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from matrix.errors import TfmatrixError, UsageError

_LIKE: Final = 0.5
_MOST: Final = 3


class NotFound(UsageError):  # noqa: N818  (as HTTP calls it)
    """Nothing is at this address; ``nearest`` names what there is instead."""

    def __init__(self, what: str, name: str, among: Iterable[str], *, next_step: str = "") -> None:
        self.nearest = nearest(name, among)
        meant = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"There is no {what} {name[:80]!r}.{meant}", next_step=next_step)


class BadFilter(TfmatrixError):  # noqa: N818
    """A filter names what there is not, or two of them exclude each other."""


class NoToken(TfmatrixError):  # noqa: N818  (as HTTP calls it)
    """Who asks did not show the token that is asked for, or a wrong one."""


class Forbidden(TfmatrixError):  # noqa: N818
    """It is not for who asks, or for nobody."""


class Gone(TfmatrixError):  # noqa: N818
    """Something was here, and is removed."""


class TooSlow(TfmatrixError):  # noqa: N818
    """What was to follow did not come in time."""


class TooLarge(TfmatrixError):  # noqa: N818
    """More was sent than is taken."""


class WrongType(TfmatrixError):  # noqa: N818
    """What was sent is not of the kind that is read here."""


class BadUpload(TfmatrixError):  # noqa: N818
    """What was sent is nothing that could be loaded."""


class TooMany(TfmatrixError):  # noqa: N818
    """Enough for now; ``seconds`` later more is taken."""

    def __init__(self, message: str, *, seconds: float, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.seconds = max(1, round(seconds))


def unknown(what: str, name: str, among: Iterable[str]) -> BadFilter:
    """Return what a filter that names nothing is answered with."""
    names = [one for one in among if one]
    meant = nearest(name, names)
    step = f"Did you mean {' or '.join(meant)}?" if meant else f"Take one of {', '.join(sorted(names)[:12])}."
    return BadFilter(f"The filter {what}={name[:80]!r} names nothing.", next_step=step)


def nearest(word: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``words`` that are spelt most like ``word``, the best first."""
    spelt = {one.lower(): one for one in words}
    return tuple(spelt[one] for one in get_close_matches(word[:80].lower(), list(spelt), n=_MOST, cutoff=_LIKE))
