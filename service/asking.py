"""``tfmatrix request`` and ``tfmatrix requests``: put a run into the queue, see what stands there, take one back."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from matrix.config import Settings
from matrix.errors import UsageError
from matrix.model import RequestKind, RequestState
from matrix.plan import Selection
from matrix.selection import ALL, BASE, DEFAULTS
from matrix.store import Request, Store
from reports.asked import of_request
from reports.export import plain
from service import wiring
from service.alive import is_alive
from service.options import Environments, Formats, Json, Methods, Models

ENDED_SHOWN: Final = 20
WORDS: Final = tuple(DEFAULTS)

out = Console(highlight=False)


def ask(opened: Store, words: Mapping[str, str], *, again: bool) -> int:
    """Put a run into the queue and return its number. ``words`` are as ``tfmatrix run`` takes them.

    Raises:
        UsageError: They name something that does not exist.
    """
    body = {**words, "again": again}
    chosen(body)
    return opened.queue.put(RequestKind.RUN, body, datetime.now(UTC))


def chosen(body: Mapping[str, Any]) -> Selection:
    """Return the selection that a request's body asks for: words or lists of them; what is absent is everything.

    Raises:
        UsageError: It names something that does not exist.
    """
    words = [_joined(body.get(name, default)) for name, default in zip(WORDS, wiring.DEFAULTS, strict=True)]
    return wiring.select(*words)


def request(  # noqa: PLR0913  one parameter for each option
    *,
    environments: Environments = BASE,
    models: Models = ALL,
    formats: Formats = ALL,
    methods: Methods = ALL,
    again: Annotated[bool, typer.Option("--again", help="Measure again what is known.")] = False,
    as_json: Json = False,
) -> None:
    """Ask for a run: it waits in the queue until a runner takes it up."""
    words = dict(zip(WORDS, (environments, models, formats, methods), strict=True))
    chosen(words)  # before there is a database to be made
    settings = Settings()
    with wiring.store(settings, create=True) as opened:
        number = ask(opened, words, again=again)
        found, position = opened.queue.get(number), opened.queue.position(number)
    if as_json:
        _write(request=_fields(found, position))
        return
    out.print(f"request {number}: {f'number {position} of those that wait' if position else found.state}")
    if not is_alive(settings.home, datetime.now(UTC)):
        out.print("No runner is alive here: `tfmatrix runner` starts one.")


def requests(
    *,
    cancel: Annotated[int | None, typer.Option(help="Take this request back.", metavar="ID")] = None,
    as_json: Json = False,
) -> None:
    """List what runs, what waits in its order, and what ended last; or take one back."""
    with wiring.store(Settings(), create=False) as opened:
        if cancel is not None:
            _cancel(opened, cancel, as_json=as_json)
            return
        waiting = opened.queue.waiting()
        found: list[tuple[Request, int | None]] = [(one, None) for one in opened.queue.running()]
        found += [(one, place) for place, one in enumerate(waiting, start=1)]
        found += [(one, None) for one in opened.queue.ended(ENDED_SHOWN)]
    if as_json:
        _write(requests=[_fields(one, place) for one, place in found])
    elif found:
        out.print(_table(found))
    else:
        out.print("Nothing was asked for yet; `tfmatrix request` asks for a run.")


def _cancel(opened: Store, number: int, *, as_json: bool) -> None:
    before = opened.queue.cancel(number, datetime.now(UTC))
    if as_json:
        _write(request=_fields(opened.queue.get(number), None))
        return
    runs = before.state is RequestState.RUNNING
    out.print(f"request {number}: cancelled{'; its runner stops, and what it measured is kept' if runs else ''}")


def _table(found: list[tuple[Request, int | None]]) -> Table:
    table = Table("request", "state", "asked (UTC)", "for", "run", "remark")
    for one, place in found:
        state = f"{one.state}, number {place}" if place else one.state.value
        run = "" if one.run_id is None else str(one.run_id)
        asked = f"{one.requested_at:%Y-%m-%d %H:%M}"
        table.add_row(str(one.id), state, asked, escape(of_request(one.body)), run, escape(one.message or ""))
    return table


def _joined(words: object) -> str:
    match words:
        case str():
            return words
        case list() | tuple():
            return ",".join(map(str, words))
        case _:
            raise UsageError(f"A request's words are {words!r}.", next_step="Give a text, or a list of texts.")


def _fields(one: Request, position: int | None) -> dict[str, Any]:
    return {**plain(asdict(one)), "position": position}


def _write(**document: Any) -> None:  # noqa: ANN401  (what JSON takes)
    sys.stdout.write(json.dumps({"schema": 1, **document}, indent=2) + "\n")
