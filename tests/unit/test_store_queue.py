"""The queue of requests: who is first, who holds one, and what becomes of one whose runner died."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from matrix.errors import UsageError
from matrix.model import RequestKind, RequestState
from matrix.store import Queue, Request, Store, open_store
from matrix.store.queue import MOST_ATTEMPTS
from tests.databases import Place
from tests.store_samples import NOON

BODY = {"environments": "2.4..2.6", "models": ["dense", "conv"], "again": True}
ONE, OTHER = "host:1:a", "host:2:b"
SILENCE = timedelta(seconds=30)


def after(seconds: float) -> Any:
    """A moment so long after noon."""
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """An empty database."""
    with open_store(place) as opened:
        yield opened


@pytest.fixture
def queue(store: Store) -> Queue:
    """Its queue."""
    return store.queue


def put(queue: Queue, *priorities: int) -> list[int]:
    """Ask once for each priority, a second apart."""
    return [
        queue.put(RequestKind.RUN, BODY, after(number), priority=priority) for number, priority in enumerate(priorities)
    ]


def claimed(queue: Queue, runner: str = ONE, seconds: float = 60) -> Request:
    """Take up what is there."""
    found = queue.claim(runner, after(seconds))
    assert found is not None
    return found


def test_a_request_is_kept_as_it_was_asked(queue: Queue) -> None:
    """Every word of it, waiting, by nobody, for no run yet."""
    assert put(queue, 0) == [1]
    assert queue.get(1) == Request(
        id=1,
        kind=RequestKind.RUN,
        body=BODY,
        state=RequestState.WAITING,
        priority=0,
        requested_at=NOON,
        started_at=None,
        finished_at=None,
        claimed_by=None,
        heartbeat_at=None,
        attempts=0,
        run_id=None,
        message=None,
    )


def test_the_highest_priority_is_taken_up_first_and_of_equals_the_oldest(queue: Queue) -> None:
    """What waits is listed in the same order, and each knows its place."""
    put(queue, 0, 5, 0, -1, 5)
    order = [2, 5, 1, 3, 4]
    assert [one.id for one in queue.waiting()] == order
    assert [queue.position(one) for one in order] == [1, 2, 3, 4, 5]
    assert [claimed(queue).id for _ in order] == order
    assert queue.claim(ONE, NOON) is None
    assert [queue.position(one) for one in order] == [None] * 5


def test_what_is_taken_up_has_a_holder_and_a_time(queue: Queue) -> None:
    """It runs, since when and by whom; it waits no more."""
    put(queue, 0)
    found = claimed(queue)
    assert found == queue.get(1)
    assert (found.state, found.claimed_by, found.started_at, found.heartbeat_at) == (
        RequestState.RUNNING,
        ONE,
        after(60),
        after(60),
    )
    assert (queue.waiting(), queue.running()) == ((), (found,))


def test_threads_never_get_the_same_request(queue: Queue) -> None:
    """Forty requests, eight that take up: each request once."""
    put(queue, *[0] * 40)

    def take(runner: int) -> list[int]:
        found = []
        while (one := queue.claim(str(runner), NOON)) is not None:
            found.append(one.id)
        return found

    with ThreadPoolExecutor(8) as threads:
        taken = [one for found in threads.map(take, range(8)) for one in found]
    assert sorted(taken) == list(range(1, 41))


def test_a_request_ends_done_or_failed(store: Store) -> None:
    """With its run, when it ended, and what there is to say; the newest is listed first."""
    queue = store.queue
    put(queue, 0, 0, 0)
    run = store.write.begin_run({}, {}, NOON)
    claimed(queue)
    queue.note_run(1, ONE, run)
    assert queue.finish(1, ONE, after(90), "tf2.9 is missing")
    claimed(queue)
    assert queue.fail(2, ONE, after(99), "There is no model 'dnese'.")
    done, failed = queue.get(1), queue.get(2)
    assert (done.state, done.run_id, done.finished_at, done.message) == (
        RequestState.DONE,
        run,
        after(90),
        "tf2.9 is missing",
    )
    assert (failed.state, failed.run_id, failed.message) == (RequestState.FAILED, None, "There is no model 'dnese'.")
    assert queue.ended(10) == (failed, done)
    assert queue.ended(1) == (failed,)


def test_only_the_holder_may_end_a_request(queue: Queue) -> None:
    """Another runner's word is not noted, nor is that of a runner who has let it go."""
    put(queue, 0)
    claimed(queue)
    assert not queue.heartbeat(1, OTHER, after(70))
    assert not queue.finish(1, OTHER, after(70))
    assert not queue.fail(1, OTHER, after(70), "no")
    assert queue.get(1).heartbeat_at == after(60)
    assert queue.heartbeat(1, ONE, after(70))
    assert queue.get(1).heartbeat_at == after(70)
    assert queue.release(ONE, "stopped")
    assert not queue.finish(1, ONE, after(80))
    assert queue.get(1).state is RequestState.WAITING


def test_what_is_let_go_waits_in_its_old_place(queue: Queue) -> None:
    """Before what was asked later; no attempt is counted; why it waits again is said until it is taken up."""
    put(queue, 0, 0)
    claimed(queue)
    assert queue.release(ONE, "No container engine answers.")
    assert not queue.release(ONE, "again")
    again = queue.get(1)
    assert (again.attempts, again.message, again.claimed_by, again.started_at) == (
        0,
        "No container engine answers.",
        None,
        None,
    )
    assert queue.position(1) == 1
    assert (claimed(queue).id, queue.get(1).message) == (1, None)


def test_what_a_silent_runner_held_waits_again(queue: Queue) -> None:
    """After the silence, not before it; with a word on who died; others' requests are left alone."""
    put(queue, 0, 0)
    claimed(queue, ONE, 60)
    claimed(queue, OTHER, 80)
    assert queue.requeue_stale(after(90), SILENCE) == ()
    assert [one.id for one in queue.requeue_stale(after(91), SILENCE)] == [1]
    found = queue.get(1)
    assert (found.state, found.attempts, found.claimed_by) == (RequestState.WAITING, 1, None)
    assert found.message == (
        "1 of 3 runners ended on it; the last, host:1:a, was not heard of since 2026-11-24 12:01:00 UTC."
    )
    assert queue.get(2).state is RequestState.RUNNING
    assert not queue.heartbeat(1, ONE, after(92))


def test_a_request_that_ends_every_runner_fails(queue: Queue) -> None:
    """The third is the last: it fails with a sentence and stays failed."""
    put(queue, 0)
    for _ in range(MOST_ATTEMPTS):
        claimed(queue)
        assert len(queue.requeue_stale(after(1000), SILENCE)) == 1
    found = queue.get(1)
    assert (found.state, found.attempts, found.finished_at) == (RequestState.FAILED, 3, after(1000))
    assert found.message is not None
    assert "3 runners ended while they worked on it" in found.message
    assert queue.claim(ONE, NOON) is None
    assert queue.requeue_stale(after(2000), SILENCE) == ()


def test_a_waiting_request_is_cancelled(queue: Queue) -> None:
    """It is not taken up, and cannot be cancelled twice."""
    put(queue, 0, 0)
    assert queue.cancel(1, after(9)).state is RequestState.WAITING
    assert (queue.get(1).state, queue.get(1).finished_at) == (RequestState.CANCELLED, after(9))
    assert claimed(queue).id == 2
    with pytest.raises(UsageError, match="Request 1 has ended: it is cancelled"):
        queue.cancel(1, after(10))


def test_a_running_request_is_cancelled(queue: Queue) -> None:
    """Its runner hears of it at the next heartbeat, and what it says afterwards changes nothing."""
    put(queue, 0)
    claimed(queue)
    assert queue.cancel(1, after(70)).state is RequestState.RUNNING
    assert not queue.heartbeat(1, ONE, after(71))
    assert not queue.finish(1, ONE, after(72))
    assert not queue.release(ONE, "stopped")
    assert queue.get(1).state is RequestState.CANCELLED


@pytest.mark.parametrize("ask", [Queue.get, Queue.position, lambda queue, number: queue.cancel(number, NOON)])
def test_a_request_that_does_not_exist_is_said(queue: Queue, ask: Any) -> None:
    """A sentence and the next step, whatever is asked of it."""
    with pytest.raises(UsageError, match="There is no request 7") as caught:
        ask(queue, 7)
    assert "tfmatrix requests" in caught.value.next_step


def test_looking_at_an_empty_queue_writes_nothing(store: Store, place: Place) -> None:
    """A runner that polls does not wait for, nor hold up, whoever writes."""
    with open_store(place, busy_seconds=0) as other, store.write._transaction():
        assert other.queue.claim(ONE, NOON) is None
        assert other.queue.requeue_stale(NOON, SILENCE) == ()
