"""What comes in is bounded: how long a file is, how slowly it comes, how many come at once, and how much lies here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from matrix.config import Settings
from matrix.store import open_store
from matrix.uploads.door import new_id
from service.problems import TooMany, TooSlow
from service.uploads import limits as limits_of_uploads
from service.uploads import taking
from service.uploads.limits import AT_ONCE, AT_ONCE_OF_ONE, Limits, Pace
from tests.loops import run
from tests.site import HERE, Visitor, visiting
from tests.upload_forms import API, MODEL, asked, body, door, files, in_pieces, left, visitor

__all__ = ["visitor"]


def test_who_falls_silent_is_not_waited_for(visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """408, and its place is free for others."""
    monkeypatch.setattr(taking, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr("service.pages.uploading.DRAIN_SECONDS", 0.05)
    slow = in_pieces(body(("model", "m.h5", MODEL))[:5000], wait=5)
    assert run(asked(visitor.app, slow)) == 408  # type: ignore[arg-type]
    assert left(tmp_path) == []


class Clock:
    """A clock that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def at_a_pace(visitor: Visitor, size: int, seconds: float, pieces: int) -> int:
    """The status of what is answered to pieces of so many bytes, one every so many seconds."""
    clock = Clock()
    visitor.app.state.service.limits._clock = clock  # type: ignore[attr-defined]
    whole = body(("model", "m.h5", bytes(size * pieces)))

    async def slowly() -> AsyncIterator[dict[str, Any]]:
        async for message in in_pieces(*[whole[at : at + size] for at in range(0, len(whole), size)]):
            clock.now += seconds
            yield message

    return run(asked(visitor.app, slowly()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "seconds", "pieces", "status"),
    [
        (1, 29, 40, 408),  # a byte now and then held a place for an hour
        (8 << 10, 1, 40, 408),
        (20 << 10, 1, 45, 201),
        (8 << 10, 1, 28, 201),  # slow, and soon over
        (250 << 10, 11, 4, 201),  # in bursts
    ],
)
def test_who_sends_too_slowly_makes_room_for_others(  # noqa: PLR0913, PLR0917
    visitor: Visitor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    seconds: float,
    pieces: int,
    status: int,
) -> None:
    """408 with a sentence, once half a minute has brought less than a telephone does."""
    monkeypatch.setattr("service.pages.uploading.DRAIN_SECONDS", 0.05)
    assert at_a_pace(visitor, size, seconds, pieces) == status
    assert len(left(tmp_path)) == (status == 201)
    assert not visitor.app.state.service.limits._now  # type: ignore[attr-defined]


def test_how_slow_is_a_setting(tmp_path: Path) -> None:
    """None is too slow where that is said."""
    with visiting(tmp_path, base_url=HERE, upload_rate=0) as visitor:
        assert at_a_pace(visitor, 100, 20, 5) == 201


def test_time_that_we_take_for_writing_is_not_the_sender_s() -> None:
    """Only while it is waited for it can be slow."""
    clock = Clock()
    pace = Pace(1000, clock)
    for _ in range(100):
        with pace.waiting():
            clock.now += 0.1
        clock.now += 10
        pace.came(100)
    with pace.waiting():
        clock.now += 30
    with pytest.raises(TooSlow, match="less than 1000 bytes a second"):
        pace.came(100)


def test_places_of_one_address_are_few_of_all() -> None:
    """Ten at once are taken of one; it takes more than a few to keep everybody else out."""
    limits, one = Limits(Settings()), ExitStack()
    with one:
        for _ in range(AT_ONCE_OF_ONE):
            one.enter_context(limits.sending("::1", 10))
        with pytest.raises(TooMany), limits.sending("::1", 10):
            pass
        with limits.sending("::2", 10):
            pass
    assert 10 <= AT_ONCE_OF_ONE <= AT_ONCE // 6


def test_a_body_of_no_said_length_holds_a_step_of_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the most that it may come to; each further step is asked for, and there is none where the room is full."""
    monkeypatch.setattr(limits_of_uploads, "STEP", 1 << 16)
    monkeypatch.setattr(taking, "STEP", 1 << 16)
    monkeypatch.setattr("service.pages.uploading.DRAIN_SECONDS", 0.05)
    with visiting(tmp_path, base_url=HERE, upload_disk=1 << 20, upload_bytes=1 << 20) as visitor:
        limits = visitor.app.state.service.limits  # type: ignore[attr-defined]
        with limits.sending("::5", None) as count:
            assert limits.coming == 1 << 16
            count(1 << 19)
            assert limits.coming == 1 << 16
            assert run(asked(visitor.app, in_pieces(body(("model", "m.h5", bytes(1 << 17)))))) == 201  # type: ignore[arg-type]
        assert limits.coming == 0
        much = in_pieces(
            *[body(("model", "m.h5", bytes(1 << 18)), end=False)[:-2], *[bytes(1 << 18)] * 2, b"\r\n--abc123--\r\n"]
        )
        with door(tmp_path).handing_in(new_id()) as folder:
            (folder / "model").write_bytes(bytes(1 << 19))
            assert run(asked(visitor.app, much)) == 507  # type: ignore[arg-type]
        assert len(left(tmp_path)) == 1


def test_what_is_too_long_is_refused_before_it_is_read(visitor: Visitor, tmp_path: Path) -> None:
    """By its length, if that is told; and who waits to be told to go on is told at once."""

    async def never() -> AsyncIterator[dict[str, Any]]:
        raise AssertionError
        yield {}

    told = asked(visitor.app, never(), **{"content-length": str(1 << 40), "expect": "100-continue"})  # type: ignore[arg-type]
    assert run(told) == 413
    endless = in_pieces(*[body(("model", "m.h5", bytes(1 << 18)), end=False)[:-2]] + [bytes(1 << 18)] * 40)
    assert run(asked(visitor.app, endless)) == 413  # type: ignore[arg-type]
    assert left(tmp_path) == []


def test_the_room_for_uploads_has_an_end(tmp_path: Path) -> None:
    """507 once what lies here and what comes would be more than is set."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path, base_url=HERE, upload_disk=1 << 20, upload_bytes=1 << 20) as visitor:
        half = files(model=bytes(600_000))
        assert visitor.post(API, files=half).status_code == 201
        assert visitor.post(API, files=half).status_code == 507
        assert len(left(tmp_path)) == 1


def test_what_comes_in_at_the_same_time_counts_as_well(tmp_path: Path) -> None:
    """Two that would fit alone are not let in together where they would not."""
    with visiting(tmp_path, base_url=HERE, upload_disk=1 << 20, upload_bytes=1 << 20) as visitor:
        half = files(model=bytes(600_000))
        with visitor.app.state.service.limits.sending("::5", 600_000):  # type: ignore[attr-defined]
            assert visitor.post(API, files=half).status_code == 507
        assert visitor.post(API, files=half).status_code == 201


def test_what_is_half_in_counts_once(tmp_path: Path) -> None:
    """As what lies on the disk, and no longer as what is still to come; once it is in, nothing is."""
    with visiting(tmp_path, base_url=HERE, upload_disk=1 << 20, upload_bytes=1 << 20) as visitor:
        limits = visitor.app.state.service.limits  # type: ignore[attr-defined]
        with limits.sending("::5", 600_000) as count, door(tmp_path).handing_in(new_id()) as folder:
            (folder / "model").write_bytes(bytes(500_000))
            count(500_000)
            assert limits.coming == 100_000
            assert visitor.post(API, files=files(model=bytes(400_000))).status_code == 201
            count(200_000)  # more than was said
            assert limits.coming == 0
        assert limits.coming == 0


def test_the_queue_has_an_end(tmp_path: Path) -> None:
    """429 with when to come again; also without a database, which the runner makes."""
    with visiting(tmp_path, base_url=HERE, upload_queue=2) as visitor:
        for _ in range(2):
            assert visitor.post(API, files=files(model=MODEL)).status_code == 201
        answer = visitor.post(API, files=files(model=MODEL))
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
        assert len(left(tmp_path)) == 2


def test_an_address_has_its_share_of_an_hour(tmp_path: Path) -> None:
    """Uploads and bytes; a trusted proxy says whose they are, nobody else does."""
    words: dict[str, Any] = {"uploads": "open", "uploads_per_hour": 2, "upload_bytes_per_hour": 100_000}
    with visiting(tmp_path, **words) as visitor:
        assert [visitor.post(API, files=files(model=MODEL)).status_code for _ in range(3)] == [201, 201, 429]
        claimed = visitor.post(API, files=files(model=MODEL), headers={"x-forwarded-for": "203.0.113.7"})
        assert claimed.status_code == 429
        assert int(claimed.headers["retry-after"]) > 3000
    with visiting(tmp_path, **words) as visitor:
        answer = visitor.post(API, files=files(model=bytes(200_000)))
        assert (answer.status_code, len(left(tmp_path))) == (429, 2)
