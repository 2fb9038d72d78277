"""The process that takes up requests: what becomes of each, what lets it wait, and how it shows that it lives."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from matrix.config import Settings
from matrix.errors import EngineError, StoreError, UsageError
from matrix.model import RequestKind, RequestState, RunStatus
from matrix.store import Request, Store, open_store
from service import measuring, wiring
from service.alive import SILENCE, is_alive, sign_of
from service.heartbeat import Heartbeat
from service.runner_process import LONGEST_PAUSE, QueueRunner, pause_after
from tests.fake_runs import FakeEngine, ToldLanes, engine_of
from tests.store_samples import NOON

SMALL = {"environments": "2.4,2.9", "models": ["dense"], "formats": "h5"}


class Pauses(list[float]):
    """Remembers how long was paused for, and lets something happen meanwhile."""

    def __init__(self, *then: Any) -> None:
        super().__init__()
        self.then = list(then)

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        if not self.then:
            raise KeyboardInterrupt
        self.then.pop(0)()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home of its own, where runs are made up."""
    monkeypatch.setattr(platform, "platform", lambda: "machine")
    monkeypatch.setattr(wiring, "engine", engine_of)
    monkeypatch.setattr(measuring, "Runner", ToldLanes)
    return Settings(home=tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database."""
    with open_store(tmp_path / "matrix.db") as opened:
        yield opened


def asked(store: Store, **words: Any) -> Request:
    """Ask for a run."""
    return store.queue.get(store.queue.put(RequestKind.RUN, {**SMALL, **words}, NOON))


def nothing() -> None:
    """Nothing happens during a pause."""


def test_what_was_asked_for_is_run_and_noted(settings: Settings, store: Store) -> None:
    """Each request becomes a run of what it names, and ends done with the run's number."""
    first, second = asked(store), asked(store, again=True)
    assert QueueRunner(settings, store).work(once=True) == 0
    runs = [store.queue.get(one.id).run_id for one in (first, second)]
    assert runs == [1, 2]
    assert [store.read.run(number).status for number in (1, 2)] == [RunStatus.FINISHED] * 2
    assert [(store.read.run(number).cost or {})["cells"] for number in (1, 2)] == [6, 6]
    assert {store.queue.get(one.id).state for one in (first, second)} == {RequestState.DONE}


def test_what_a_run_lacks_is_said(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that is not there leaves the request done, with the reason."""
    monkeypatch.setattr(FakeEngine, "missing", lambda *_: {"tf2.9": "its image is not built"})
    one = asked(store)
    assert QueueRunner(settings, store).work(once=True) == 0
    found = store.queue.get(one.id)
    assert (found.state, found.message) == (
        RequestState.DONE,
        "Not everything could be measured. tf2.9: its image is not built",
    )


@pytest.mark.parametrize(
    ("words", "fault", "says"),
    [
        ({"models": "dnese"}, False, "There is no model 'dnese'. Did you mean 'dense'?"),
        ({"formats": 7}, False, "A request's words are 7."),
        ({}, True, "A fault in tfmatrix (ZeroDivisionError)."),
    ],
)
def test_what_is_wrong_with_a_request_fails_it_alone(
    settings: Settings, store: Store, words: dict[str, Any], *, fault: bool, says: str
) -> None:
    """It fails with a sentence, counts, and the next one is run."""
    if fault:
        (settings.home / "fault").touch()
    wrong = asked(store, **words)
    assert QueueRunner(settings, store).work(once=True) == 1
    (settings.home / "fault").unlink(missing_ok=True)
    found = store.queue.get(wrong.id)
    assert (found.state, says in (found.message or "")) == (RequestState.FAILED, True)
    right = asked(store)
    assert QueueRunner(settings, store).work(once=True) == 0
    assert store.queue.get(right.id).state is RequestState.DONE


def test_without_an_engine_a_request_waits(settings: Settings, store: Store) -> None:
    """With the reason, through pauses that grow to a minute and no further; no attempt counts; then it is run."""
    absent = settings.home / "no-engine"
    absent.touch()
    one = asked(store)
    seen: list[Request] = []
    pauses = Pauses(*[lambda: seen.append(store.queue.get(one.id))] * 6, absent.unlink)
    with pytest.raises(KeyboardInterrupt):
        QueueRunner(settings, store, pauses).work(once=False)
    assert pauses[:7] == [4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert {(found.state, found.message, found.attempts) for found in seen} == {
        (RequestState.WAITING, "No container engine answers. `tfmatrix setup` starts one.", 0)
    }
    assert store.queue.get(one.id).state is RequestState.DONE
    assert pauses[7:] == [settings.poll_seconds]


def test_pauses_grow_to_a_minute_and_no_further() -> None:
    """Also for an engine that is away for days: powers of two soon are no number that one can wait for."""
    assert [pause_after(troubles, 2) for troubles in (1, 2, 3, 4, 5)] == [4, 8, 16, 32, LONGEST_PAUSE]
    assert pause_after(10_000, 2) == LONGEST_PAUSE


def test_once_without_an_engine_ends(settings: Settings, store: Store) -> None:
    """Nobody waits for it; the request waits on."""
    (settings.home / "no-engine").touch()
    one = asked(store)
    with pytest.raises(EngineError):
        QueueRunner(settings, store, Pauses()).work(once=True)
    assert store.queue.get(one.id).state is RequestState.WAITING


def test_another_run_is_waited_for(settings: Settings, store: Store) -> None:
    """While somebody holds the home, a request waits and says so, also with ``--once``."""
    one = asked(store)
    holding = ToldLanes(settings, FakeEngine(), store, None)._alone()
    holding.__enter__()
    seen: list[Request] = []

    def end() -> None:
        seen.append(store.queue.get(one.id))
        holding.__exit__(None, None, None)

    assert QueueRunner(settings, store, Pauses(nothing, end)).work(once=True) == 0
    assert (seen[0].state, "Another run is writing" in (seen[0].message or "")) == (RequestState.WAITING, True)
    assert store.queue.get(one.id).state is RequestState.DONE


def test_what_a_stopped_runner_held_waits_again(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a run ends the runner; no attempt counts, and the run is one that was interrupted."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ToldLanes, "_load_one", stop)
    one = asked(store)
    with pytest.raises(KeyboardInterrupt):
        QueueRunner(settings, store).work(once=True)
    found = store.queue.get(one.id)
    assert (found.state, found.attempts, found.run_id) == (RequestState.WAITING, 0, 1)
    assert store.read.run(1).status is RunStatus.INTERRUPTED


def test_a_request_that_is_taken_back_stops_its_run_alone(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is interrupted at the next heartbeat; the runner goes on with the next request."""
    runner = QueueRunner(settings, store)
    first, second = asked(store), asked(store)
    load_one = ToldLanes._load_one

    def cancel(lanes: ToldLanes, task: Any) -> Any:
        if store.queue.get(first.id).state is RequestState.RUNNING:
            store.queue.cancel(first.id, NOON)
            runner._heart.beat()
        return load_one(lanes, task)

    monkeypatch.setattr(ToldLanes, "_load_one", cancel)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as the command line does: a shell may ignore it
    try:
        assert runner.work(once=True) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert [store.queue.get(one.id).state for one in (first, second)] == [RequestState.CANCELLED, RequestState.DONE]
    assert [store.read.run(number).status for number in (1, 2)] == [RunStatus.INTERRUPTED, RunStatus.FINISHED]


def test_a_broken_database_ends_the_runner(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no request's fault, and nothing that waiting would mend."""

    def broken(*_: object, **__: object) -> None:
        raise StoreError("matrix.db is damaged.")

    asked(store)
    monkeypatch.setattr(measuring, "measure", broken)
    with pytest.raises(StoreError):
        QueueRunner(settings, store, Pauses()).work(once=True)


def test_a_dead_runners_request_is_run_first(settings: Settings, store: Store) -> None:
    """What was held by one that fell silent is taken up again, with the attempt counted."""
    one = asked(store)
    store.queue.claim("dead", datetime.now(UTC) - 2 * SILENCE)
    assert QueueRunner(settings, store).work(once=True) == 0
    assert (store.queue.get(one.id).state, store.queue.get(one.id).attempts) == (RequestState.DONE, 1)


def test_a_runner_is_alive_while_it_works(settings: Settings, store: Store) -> None:
    """Its sign is there from the start, is renewed at each beat, and is gone when it ends."""
    home, now = settings.home, datetime.now(UTC)
    assert not is_alive(home, now)
    with Heartbeat(store.queue, "me", home, nothing, seconds=3600) as heart:
        assert is_alive(home, now)
        os.utime(sign_of(home), (0, 0))
        assert not is_alive(home, now)
        heart.beat()
        assert is_alive(home, now)
        assert not is_alive(home, now + SILENCE + timedelta(seconds=60))
    assert not is_alive(home, now)


def test_a_heartbeat_keeps_a_request_and_tells_of_its_loss_once(settings: Settings, store: Store) -> None:
    """While it is held its time is renewed; when it is taken back, that is told once; of what is not held, nothing."""
    one = asked(store)
    store.queue.claim("me", NOON)
    told: list[bool] = []
    with Heartbeat(store.queue, "me", settings.home, lambda: told.append(True), seconds=3600) as heart:
        heart.beat()
        assert store.queue.get(one.id).heartbeat_at == NOON
        with heart.holding(one.id):
            heart.beat()
            assert (store.queue.get(one.id).heartbeat_at or NOON) > NOON
            store.queue.cancel(one.id, NOON)
            heart.beat()
            heart.beat()
        assert (told, heart.has_lost(one.id), heart.has_lost(2)) == ([True], True, False)


def test_a_beat_that_fails_is_left_out(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is busy for a while costs a beat and not the run."""

    def busy(*_: object) -> bool:
        raise StoreError("busy")

    told: list[bool] = []
    monkeypatch.setattr(type(store.queue), "heartbeat", busy)
    with (
        Heartbeat(store.queue, "me", settings.home, lambda: told.append(True), seconds=3600) as heart,
        heart.holding(1),
    ):
        heart.beat()
    assert told == []


def test_a_home_that_cannot_be_written_is_said(store: Store, tmp_path: Path) -> None:
    """Exit code 2 with the setting, and no traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught, Heartbeat(store.queue, "me", tmp_path / "file" / "home", nothing):
        pass
    assert "TFMATRIX_HOME" in caught.value.next_step
