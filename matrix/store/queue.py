"""Requests that wait for a runner. One that is taken up has one holder, who is heard of again and again or loses it.

Every change is one short write transaction, and these come one after the other on each database: no two runners get the
same request. What is asked often, by those who wait, is asked of the read side first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from matrix.errors import UsageError
from matrix.model import RequestKind, RequestState
from matrix.records import Request
from matrix.store.rows import AnyRow, Columns, member
from matrix.store.shelf import Shelf
from matrix.store.tables import requests

MOST_ATTEMPTS: Final = 3

_WAITS: Final = requests.c.state == RequestState.WAITING.value
_RUNS: Final = requests.c.state == RequestState.RUNNING.value
_ORDER: Final = (requests.c.priority.desc(), requests.c.id)
_LET_GO: Final[Columns] = {
    "state": RequestState.WAITING.value,
    "started_at": None,
    "claimed_by": None,
    "heartbeat_at": None,
}


class Queue(Shelf):
    """The requests of a database, for those who ask and those who take up."""

    def put(self, kind: RequestKind, body: Mapping[str, Any], now: datetime, *, priority: int = 0) -> int:
        """Ask for something; its number names it from now on. Of two, that of the higher priority goes first."""
        values = {"kind": kind.value, "body": dict(body), "state": RequestState.WAITING.value, "priority": priority}
        new = insert(requests).values(**values, requested_at=now, attempts=0).returning(requests.c.id)
        with self._transaction() as connection:
            return int(connection.execute(new).scalar_one())

    def claim(self, runner: str, now: datetime) -> Request | None:
        """Take up the first that waits: the highest priority, then the oldest. Nobody else gets it."""
        first = select(requests.c.id).where(_WAITS).order_by(*_ORDER).limit(1)
        if not self._rows(first):
            return None
        taken = {"state": RequestState.RUNNING.value, "started_at": now, "claimed_by": runner, "heartbeat_at": now}
        with self._transaction() as connection:
            found = connection.execute(first).scalar()
            if found is None:
                return None
            is_it = requests.c.id == found
            connection.execute(update(requests).where(is_it).values(**taken, message=None, run_id=None))
            return _request(connection.execute(select(requests).where(is_it)).one())

    def heartbeat(self, request_id: int, runner: str, now: datetime) -> bool:
        """Say that a runner still works on a request; false when it is no longer the runner's."""
        return self._change(_held(request_id, runner), heartbeat_at=now)

    def note_run(self, request_id: int, runner: str, run_id: int) -> None:
        """Note which run a request has become."""
        self._change(_held(request_id, runner), run_id=run_id)

    def finish(self, request_id: int, runner: str, now: datetime, message: str | None = None) -> bool:
        """Note that a request is done; false, and nothing noted, when it is no longer the runner's."""
        return self._end(request_id, runner, RequestState.DONE, now, message)

    def fail(self, request_id: int, runner: str, now: datetime, message: str) -> bool:
        """Note why a request cannot be done; false, and nothing noted, when it is no longer the runner's."""
        return self._end(request_id, runner, RequestState.FAILED, now, message)

    def release(self, runner: str, message: str) -> bool:
        """Let whatever a runner holds wait again, in its old place; that it was taken up does not count."""
        return self._change(_RUNS & (requests.c.claimed_by == runner), **_LET_GO, message=message)

    def cancel(self, request_id: int, now: datetime) -> Request:
        """Take a request back, and return it as it was. The runner that holds it is told at its next heartbeat.

        Raises:
            UsageError: There is no such request, or it has ended.
        """
        found = self.get(request_id)
        ended = {"state": RequestState.CANCELLED.value, "finished_at": now, "message": None}
        if not self._change((requests.c.id == request_id) & or_(_WAITS, _RUNS), **ended):
            state = self.get(request_id).state
            raise UsageError(
                f"Request {request_id} has ended: it is {state}.",
                next_step="`tfmatrix requests` lists those that wait.",
            )
        return found

    def requeue_stale(self, now: datetime, silence: timedelta) -> tuple[Request, ...]:
        """Let wait again what runners hold that were not heard of for so long; return it as it is now.

        A request on which several runners died is not tried for ever.
        """
        stale = _RUNS & (requests.c.heartbeat_at < now - silence)
        if not self._rows(select(requests.c.id).where(stale)):
            return ()
        with self._transaction() as connection:
            found = [_request(row) for row in connection.execute(select(requests).where(stale).order_by(*_ORDER))]
            for one in found:
                connection.execute(update(requests).where(requests.c.id == one.id).values(**_given_up(one, now)))
        return tuple(self.get(one.id) for one in found)

    def get(self, request_id: int) -> Request:
        """A request by its number."""
        found = self._requests(select(requests).where(requests.c.id == request_id))
        if not found:
            message = f"There is no request {request_id}."
            raise UsageError(message, next_step="`tfmatrix requests` lists them.")
        return found[0]

    def position(self, request_id: int) -> int | None:
        """Which place a request has among those that wait, from 1; nothing when it does not wait."""
        one = self.get(request_id)
        if one.state is not RequestState.WAITING:
            return None
        earlier = (requests.c.priority == one.priority) & (requests.c.id < one.id)
        before = select(func.count()).where(_WAITS, or_(requests.c.priority > one.priority, earlier))
        return 1 + int(self._rows(before)[0][0])

    def running(self) -> tuple[Request, ...]:
        """What runners hold."""
        return self._requests(select(requests).where(_RUNS).order_by(*_ORDER))

    def waiting(self) -> tuple[Request, ...]:
        """What waits, in the order in which it is taken up."""
        return self._requests(select(requests).where(_WAITS).order_by(*_ORDER))

    def lengths(self) -> dict[RequestState, int]:
        """How many requests are in each state; states that none is in are left out."""
        found = self._rows(select(requests.c.state, func.count()).group_by(requests.c.state))
        return {member(RequestState, state): int(many) for state, many in found}

    def ended(self, limit: int) -> tuple[Request, ...]:
        """The newest of those that are done, failed or cancelled, newest first."""
        over = select(requests).where(~or_(_WAITS, _RUNS)).order_by(requests.c.id.desc())
        return self._requests(over.limit(limit))

    def _end(self, request_id: int, runner: str, state: RequestState, now: datetime, message: str | None) -> bool:
        return self._change(_held(request_id, runner), state=state.value, finished_at=now, message=message)

    def _change(self, which: ColumnElement[bool], **values: Any) -> bool:  # noqa: ANN401  (a column's)
        with self._transaction() as connection:
            return bool(connection.execute(update(requests).where(which).values(**values)).rowcount)

    def _requests(self, wanted: Select[Any]) -> tuple[Request, ...]:
        return tuple(map(_request, self._rows(wanted)))


def _held(request_id: int, runner: str) -> ColumnElement[bool]:
    return (requests.c.id == request_id) & _RUNS & (requests.c.claimed_by == runner)


def _given_up(one: Request, now: datetime) -> Columns:
    """What becomes of a request whose runner is silent."""
    attempts = one.attempts + 1
    last = f"the last, {one.claimed_by}, was not heard of since {one.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
    if attempts < MOST_ATTEMPTS:
        return {
            **_LET_GO,
            "attempts": attempts,
            "message": f"{attempts} of {MOST_ATTEMPTS} runners ended on it; {last}.",
        }
    message = f"{attempts} runners ended while they worked on it; {last}. The runner's log says why; then ask again."
    return {"state": RequestState.FAILED.value, "attempts": attempts, "finished_at": now, "message": message}


def _request(row: AnyRow) -> Request:
    kind, state = member(RequestKind, row.kind), member(RequestState, row.state)
    return Request(**{**row._asdict(), "kind": kind, "state": state})
