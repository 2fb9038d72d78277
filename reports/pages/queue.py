"""What runs, what waits and what ended last. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from matrix.model import RequestState
from matrix.records import Request
from reports import addresses, asked
from reports.pages.page import Page
from reports.pages.parts import Empty

_EMPTY: Final = Empty(
    title="Nothing was asked for yet",
    text="A request waits here until a runner takes it up. What is known already is not run again.",
    command="tfmatrix request --models dense",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRow:
    """One request; ``position`` is its place among those that wait."""

    id: int
    state: RequestState
    position: int | None
    asked: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    run: int | None
    run_href: str | None
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Requests:
    """The page's content; of those that wait, ``more`` are not listed."""

    empty: Empty | None
    runner_alive: bool
    running: tuple[RequestRow, ...]
    waiting: tuple[RequestRow, ...]
    more: int
    ended: tuple[RequestRow, ...]


def queue(
    running: Sequence[Request],
    waiting: Sequence[Request],
    ended: Sequence[Request],
    *,
    more: int,
    runner_alive: bool,
) -> Page:
    """Return the page; ``waiting`` is in the order in which it is taken up, and ``more`` wait behind."""
    content = Requests(
        empty=None if running or waiting or ended else _EMPTY,
        runner_alive=runner_alive,
        running=tuple(_row(one) for one in running),
        waiting=tuple(_row(one, place) for place, one in enumerate(waiting, start=1)),
        more=more,
        ended=tuple(_row(one) for one in ended),
    )
    return Page(
        template="queue",
        title="The queue",
        address=addresses.queue(),
        nav=addresses.runs(),
        trail=(("Runs", addresses.runs()),),
        content=content,
        live=True,
        kept=False,
    )


def _row(one: Request, position: int | None = None) -> RequestRow:
    return RequestRow(
        id=one.id,
        state=one.state,
        position=position,
        asked=asked.of_request(one.body),
        requested_at=one.requested_at,
        started_at=one.started_at,
        finished_at=one.finished_at,
        attempts=one.attempts,
        run=one.run_id,
        run_href=addresses.run(one.run_id) if one.run_id else None,
        message=one.message,
    )
