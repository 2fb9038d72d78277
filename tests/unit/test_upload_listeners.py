"""Who watches an upload is told when it changes, hears that the line holds, and is let go at the end; there is a limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from matrix.errors import StoreError
from service.problems import TooMany
from service.uploads import listeners
from service.uploads.listeners import Listeners, Moment
from tests import loops

NOW = Moment(revision=1, state="loading", ahead=0, seconds_left=None, runner_alive=True, over=False)


class World:
    """What is true of uploads, and how often that was asked."""

    def __init__(self, **moments: Moment) -> None:
        self.moments = moments
        self.asked = 0
        self.is_away = False

    def look(self, ids: tuple[str, ...]) -> dict[str, Moment]:
        """Tell what is true of these."""
        self.asked += 1
        if self.is_away:
            raise StoreError("The database is away.")
        return {one: self.moments[one] for one in ids}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long in a test."""
    monkeypatch.setattr(listeners, "LOOK_SECONDS", 0.01)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test in a loop of its own."""
    loops.run(asyncio.wait_for(test, 20))


async def event(events: AsyncIterator[bytes]) -> tuple[str, dict[str, Any]]:
    """The next event that is not a comment, by its kind and data."""
    async for text in events:
        lines = dict(line.split(": ", 1) for line in text.decode().splitlines() if line and not line.startswith(":"))
        if "event" in lines:
            return lines["event"], json.loads(lines["data"])
    return "", {}


def test_each_change_is_told_once_and_the_end_is_the_end() -> None:
    """What is true at first, then only what is new."""

    async def test() -> None:
        world = World(a=NOW)
        all_ = Listeners(world.look)
        events = all_.events("a", "::1")
        said = {"revision": 1, "state": "loading", "ahead": 0, "seconds_left": None, "runner_alive": True}
        assert await event(events) == ("changed", said)
        later = asyncio.ensure_future(event(events))
        await asyncio.sleep(0.1)
        assert not later.done()  # nothing is new
        world.moments["a"] = replace(NOW, revision=2)
        assert (await later)[1]["revision"] == 2
        world.moments["a"] = replace(NOW, revision=2, runner_alive=False)
        assert (await event(events))[1]["runner_alive"] is False  # its death, too
        world.moments["a"] = replace(NOW, revision=3, over=True)
        assert (await event(events))[0] == "end"
        assert [one async for one in events] == []
        assert all_.count == 0

    run(test())


def test_one_look_serves_all() -> None:
    """However many listen, the database is asked as often; and not at all when nobody does."""

    async def test() -> None:
        world = World(a=NOW, b=NOW)
        all_ = Listeners(world.look)
        streams = [all_.events(name, "::1") for name in "ab" * 10]
        await asyncio.gather(*map(event, streams))
        assert (all_.count, world.asked < 15) == (20, True)
        for one in streams:
            await one.aclose()  # type: ignore[attr-defined]
        assert all_.count == 0
        await asyncio.sleep(0.1)
        asked = world.asked
        await asyncio.sleep(0.1)
        assert world.asked == asked

    run(test())


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one upload, from one address and of all: who is too many may look every few seconds."""
    monkeypatch.setattr(listeners, "MOST_OF_ONE", 2)
    monkeypatch.setattr(listeners, "MOST", 3)

    async def test() -> None:
        all_ = Listeners(World(a=NOW, b=NOW).look)
        streams = [all_.events("a", "::1"), all_.events("a", "::2")]
        await asyncio.gather(*map(event, streams))
        with pytest.raises(TooMany):
            all_.events("a", "::3")
        streams.append(all_.events("b", "::1"))
        await event(streams[-1])
        with pytest.raises(TooMany):
            all_.events("b", "::1")
        with pytest.raises(TooMany):
            all_.events("b", "::3")
        all_.close()

    run(test())


def test_a_line_on_which_nothing_happens_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment now and then, so that no proxy cuts it and a browser that is gone is noticed."""
    monkeypatch.setattr(listeners, "HEARTBEAT_SECONDS", 0.02)

    async def test() -> None:
        events = Listeners(World(a=NOW).look).events("a", "::1")
        said = [await anext(events) for _ in range(6)]
        assert said.count(b": still here\n\n") >= 3
        await events.aclose()  # type: ignore[attr-defined]

    run(test())


def test_a_database_that_is_away_ends_nothing() -> None:
    """What was true holds until it is back."""

    async def test() -> None:
        world = World(a=NOW)
        events = Listeners(world.look).events("a", "::1")
        await event(events)
        world.is_away = True
        await asyncio.sleep(0.1)
        world.moments["a"] = replace(NOW, revision=7)
        world.is_away = False
        assert (await event(events))[1]["revision"] == 7
        await events.aclose()  # type: ignore[attr-defined]

    run(test())


def test_a_server_that_goes_lets_all_go() -> None:
    """At once: nobody waits for what would go on for ever."""

    async def test() -> None:
        all_ = Listeners(World(a=NOW).look)
        events = all_.events("a", "::1")
        await event(events)
        later = asyncio.ensure_future(event(events))
        await asyncio.sleep(0.05)
        all_.close()
        assert await later == ("", {})
        assert all_.count == 0

    run(test())
