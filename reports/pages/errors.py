"""All kinds of failure, by cause, with search. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from reports import addresses
from reports.causes import first_line
from reports.cube import Codes
from reports.failures import Counted, Where, counted, search, slug, where
from reports.known import Known
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Empty

GROUPS_PER_PAGE: Final = 30
KINDS_PER_PAGE: Final = 50
_KINDS_SHOWN: Final = 5
_LONGEST_LINE: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class KindRow:
    """One kind of failure in a list; ``text`` is the first line of its message."""

    fingerprint: str
    exception: str
    text: str
    cells: int
    saves: int
    savers: str
    loaders: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CauseGroup:
    """Kinds that come down to one cause. ``shown`` are the most frequent of them, ``href`` lists them all."""

    cause: str
    kinds: int
    cells: int
    saves: int
    savers: str
    loaders: str
    href: str
    shown: tuple[KindRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Errors:
    """The list's content: by cause, or, where one cause is chosen, its kinds. ``previous`` and ``next`` are addresses."""

    empty: Empty | None
    query: str
    cause: str | None
    cause_slug: str | None
    kinds: int
    causes: int
    cells: int
    saves: int
    groups: tuple[CauseGroup, ...]
    rows: tuple[KindRow, ...]
    page: int
    pages: int
    previous: str | None
    next: str | None


def errors(known: Known, query: str = "", page: int = 1, cause: str | None = None) -> Page:
    """Return a page of the list: of what a query finds, by cause, or of one of ``known.causes`` its kinds."""
    count, there = counted(known), where(known)
    found = (count.all > 0) & np.array(search(known.kinds, known.cube.fingerprints, query), dtype=bool)
    if cause is not None:
        found &= known.cause_of_error == known.causes.index(cause)
    kinds = np.flatnonzero(found)[np.argsort(-count.all[found], kind="stable")]
    causes = _by_count(known.cause_of_error[kinds], count.all[kinds], len(known.causes))
    listed, size = (causes, GROUPS_PER_PAGE) if cause is None else (kinds, KINDS_PER_PAGE)
    here = listed[(page - 1) * size : page * size]
    pages = ceil(len(listed) / size)

    def group(place: int) -> CauseGroup:
        return _group(known, count, there, kinds[known.cause_of_error[kinds] == place], query)

    words = {"q": query, "cause": slug(cause) if cause else ""}
    content = Errors(
        empty=_why_empty(known, query, found=bool(len(kinds))),
        query=query,
        cause=cause,
        cause_slug=words["cause"] or None,
        kinds=len(kinds),
        causes=len(causes),
        cells=int(count.cells[kinds].sum()),
        saves=int(count.saves[kinds].sum()),
        groups=tuple(group(int(one)) for one in here) if cause is None else (),
        rows=tuple(_row(known, count, there, int(one)) for one in here) if cause is not None else (),
        page=page,
        pages=pages,
        previous=addresses.errors(**words, page=_page(min(page - 1, pages))) if page > 1 and pages else None,
        next=addresses.errors(**words, page=_page(page + 1)) if page < pages else None,
    )
    return Page(
        template="errors",
        title=cause or "What goes wrong",
        address=addresses.errors(**words, page=_page(page)),
        nav=addresses.errors(),
        trail=(("Errors", addresses.errors()),) if cause else (),
        content=content,
    )


def _page(number: int) -> str:
    return "" if number <= 1 else str(number)


def _group(known: Known, count: Counted, there: Where, members: Codes, query: str) -> CauseGroup:
    cause = known.causes[known.cause_of_error[members[0]]]
    savers, loaders = there.words(members)
    return CauseGroup(
        cause=cause,
        kinds=len(members),
        cells=int(count.cells[members].sum()),
        saves=int(count.saves[members].sum()),
        savers=savers,
        loaders=loaders,
        href=addresses.errors(q=query, cause=slug(cause)),
        shown=tuple(_row(known, count, there, int(one)) for one in members[:_KINDS_SHOWN]),
    )


def _row(known: Known, count: Counted, there: Where, place: int) -> KindRow:
    fingerprint = known.cube.fingerprints[place]
    kind = known.kinds.get(fingerprint)
    savers, loaders = there.words(np.array([place]))
    return KindRow(
        fingerprint=fingerprint,
        exception="" if kind is None else kind.exception,
        text="an error that is not recorded" if kind is None else first_line(kind.message, _LONGEST_LINE),
        cells=int(count.cells[place]),
        saves=int(count.saves[place]),
        savers=savers,
        loaders=loaders,
        href=addresses.error(fingerprint),
    )


def _by_count(groups: Codes, counts: Codes, many: int) -> Codes:
    """Return the groups that occur, the most frequent first."""
    sums = np.bincount(groups, weights=counts, minlength=many)
    return np.argsort(-sums, kind="stable")[: np.count_nonzero(sums)]


def _why_empty(known: Known, query: str, *, found: bool) -> Empty | None:
    if found:
        return None
    if known.is_empty:
        return NOTHING_YET
    if query:
        text = (
            "All words must occur in the message or in the exception's class. Try fewer of them, or a part of a word."
        )
        return Empty(title=f"No error has {query!r} in it", text=text, command="")
    return Empty(title="Nothing went wrong", text="Every model that was saved loads everywhere.", command="")
