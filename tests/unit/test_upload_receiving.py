"""A file comes in: whole and to the door alone, or not at all, with a sentence, the right status and nothing left behind."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI

from matrix.config import Settings
from matrix.store import open_store
from matrix.uploads.door import Door, new_id
from matrix.uploads.model import Part, hashed
from service.problems import TooMany, TooSlow
from service.uploads import intake, taking
from service.uploads import limits as limits_of_uploads
from service.uploads.limits import AT_ONCE, AT_ONCE_OF_ONE, Limits, Pace
from tests.loops import run
from tests.site import Visitor, visiting

API: Final = "/api/uploads"
HERE: Final = "http://127.0.0.1:8321"
MODEL: Final = b"PK\x03\x04" + bytes(range(256)) * 40
BOUNDARY: Final = "abc123"


def files(**given: bytes | tuple[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """Files of a form; a name of its own where one is given."""
    return {part: one if isinstance(one, tuple) else (f"{part}.bin", one) for part, one in given.items()}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of this machine's own site, where nothing was handed in yet."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path, base_url=HERE, upload_bytes=1 << 20) as one:
        yield one


def door(home: Path) -> Door:
    """The door of a home."""
    return Door(home / "uploads" / "door")


def left(home: Path) -> list[str]:
    """All that lies at the door, half or whole."""
    root = home / "uploads" / "door"
    return sorted(one.name for one in root.iterdir()) if root.exists() else []


def test_a_model_reaches_the_door_whole(visitor: Visitor, tmp_path: Path) -> None:
    """201 with its address, its sha256 and the token; at the door lies the file, and of the token the hash alone."""
    options = {"environments": "2.4,2.9..2.10", "overlays": "yes", "save_again": "no"}
    sent = files(model=('modèle "1".keras', MODEL), inputs=("in.npz", b"numbers"), custom_objects=("own.py", b"x = 1"))
    answer = visitor.post(API, files=sent, data=options)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert answer.headers["location"] == found["address"] == f"/u/{found['id']}"
    assert answer.headers["cache-control"] == "no-store, private"
    assert {one["part"]: one["sha256"] for one in found["files"]}["model"] == hashlib.sha256(MODEL).hexdigest()
    assert left(tmp_path) == [found["id"]]
    ticket = door(tmp_path).ticket(found["id"])
    assert ticket.names == {Part.MODEL: "modèle %221%22.keras", Part.INPUTS: "in.npz", Part.CUSTOM_OBJECTS: "own.py"}
    assert ticket.options.environments == ("tf2.4", "tf2.9", "tf2.10")
    assert (ticket.options.overlays, ticket.options.save_again) == (True, False)
    assert ticket.deletion == hashed(found["deletion_token"])
    assert found["deletion_token"] not in (tmp_path / "uploads" / "door" / found["id"] / "ticket.json").read_text()
    with door(tmp_path).part(found["id"], Part.MODEL) as file:
        assert file.read() == MODEL


def test_a_script_that_came_as_the_model_is_a_builder(visitor: Visitor, tmp_path: Path) -> None:
    """By its name alone: nothing here looks into it."""
    found = visitor.post(API, files=files(model=("build.py", b"def build_model(): ..."))).json()
    assert [one["part"] for one in found["files"]] == ["builder"]
    assert door(tmp_path).ticket(found["id"]).names == {Part.BUILDER: "build.py"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\models\\m.h5", "m.h5"),
        ("<img src=x onerror=alert(1)>.h5", "<img src=x onerror=alert(1)>.h5"),
        ("a\u202egnp.h5", "agnp.h5"),
        ("x" * 5000 + ".h5", None),
        ("/", "model"),
        ("日本語.h5", "日本語.h5"),
    ],
)
def test_names_are_words_and_never_paths(visitor: Visitor, tmp_path: Path, name: str, shown: str | None) -> None:
    """What a file is called is kept as text; where it lies is its part. A header without end is refused."""
    answer = visitor.post(API, files=files(model=(name, MODEL)))
    if shown is None:
        assert answer.status_code == 422
        assert left(tmp_path) == []
        return
    found = answer.json()
    assert found["files"][0]["name"] == shown
    assert sorted(one.name for one in (tmp_path / "uploads" / "door" / found["id"]).iterdir()) == [
        "model",
        "ticket.json",
    ]


@pytest.mark.parametrize(
    ("sent", "words", "status", "message"),
    [
        (files(model=b""), {}, 422, "model.bin is empty"),
        (files(inputs=b"numbers"), {}, 422, "but no model"),
        ({}, {"overlays": "yes"}, 415, "a form with files"),
        (files(model=MODEL, photo=b"x"), {}, 422, "'photo'"),
        (files(model=MODEL), {"nonsense": "1"}, 422, "'nonsense'"),
        (files(inputs=b"1"), {"model": "text"}, 422, "has to be a file"),
        (files(model=MODEL), {"overlays": "perhaps"}, 422, "overlays is yes or no"),
        (files(model=MODEL), {"environments": "2.99"}, 422, "2.99"),
        (files(model=MODEL), {"environments": "2" * 5000}, 422, "longer than"),
        (files(model=bytes(1 << 21)), {}, 413, "more than 1 MiB"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_makes_no_sense_is_told_and_leaves_nothing(  # noqa: PLR0913, PLR0917
    visitor: Visitor, tmp_path: Path, sent: Any, words: dict[str, str], status: int, message: str
) -> None:
    """Each with its status and a sentence."""
    answer = visitor.post(API, files=sent, data=words) if sent else visitor.post(API, data=words)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]
    assert left(tmp_path) == []


def test_two_files_for_one_part_are_too_many(visitor: Visitor, tmp_path: Path) -> None:
    """A model of several files comes packed."""
    answer = visitor.post(API, files=[("model", ("a.h5", MODEL)), ("model", ("b.h5", MODEL))])
    assert answer.status_code == 422
    assert "zip" in answer.json()["error"]["next_step"]
    assert left(tmp_path) == []


def body(*parts: tuple[str, str | None, bytes], end: bool = True) -> bytes:
    """A form by hand: names, file names, contents."""
    found = b""
    for name, file, content in parts:
        of_file = f'; filename="{file}"' if file is not None else ""
        found += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'.encode()
            + content
            + b"\r\n"
        )
    return found + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def headers(**others: str) -> dict[str, str]:
    """What goes before a form by hand."""
    return {"host": "127.0.0.1:8321", "content-type": f"multipart/form-data; boundary={BOUNDARY}", **others}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no form at all",
        body(("model", "m.h5", MODEL), end=False),
        body(*[("csrf", None, b"")] * 2),
        body(*[("model", "", b"")] * 40),
        b"--abc123\r\nContent-Type: text/plain\r\n\r\nx\r\n--abc123--\r\n",
        b"--abc123\r\n" + b"X-Header: 1\r\n" * 50 + b"\r\nx\r\n--abc123--\r\n",
        b'--abc123\r\nContent-Disposition: attachment; name="model"; filename="a"\r\n\r\nx\r\n--abc123--\r\n',
        b"--abc123\r\n\x00\x00\r\n",
    ],
    ids=range(9),
)
def test_a_broken_form_is_no_fault_of_ours(visitor: Visitor, tmp_path: Path, content: bytes) -> None:
    """422, whatever it is."""
    answer = visitor.post(API, content=content, headers=headers(accept="application/json"))
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["next_step"]
    assert left(tmp_path) == []


def test_a_form_in_single_bytes_is_the_same_form(tmp_path: Path) -> None:
    """However a network cuts it up."""
    whole = body(("overlays", None, b"yes"), ("model", "m.h5", MODEL[:700]), ("inputs", "", b""))
    with intake.Intake(tmp_path, BOUNDARY.encode(), most_bytes=1 << 20, admit=lambda _: None) as one:
        for place in range(len(whole)):
            one.feed(whole[place : place + 1])
        one.finish()
    assert one.fields == {"overlays": "yes"}
    assert list(one.files) == [Part.MODEL]
    assert (tmp_path / "model").read_bytes() == MODEL[:700]


async def asked(app: FastAPI, sent: AsyncIterator[dict[str, Any]], **others: str) -> int:
    """The status of what an app answers to a body that comes in as it does; 0 where it answers nothing."""
    found = 0

    async def receive() -> dict[str, Any]:
        return await anext(sent)

    async def send(message: Any) -> None:
        nonlocal found
        found = message.get("status", found)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": API, "raw_path": API.encode(), "query_string": b"",
        "scheme": "http", "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8321),
        "headers": [(name.encode(), value.encode()) for name, value in headers(**others).items()],
    }  # fmt: skip
    await app(scope, receive, send)
    return found


async def in_pieces(*pieces: bytes, gone: bool = False, wait: float = 0) -> AsyncIterator[dict[str, Any]]:
    """A body as a server hands it on."""
    for piece in pieces:
        yield {"type": "http.request", "body": piece, "more_body": True}
    await asyncio.sleep(wait)
    yield {"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False}


def test_who_goes_away_in_the_middle_leaves_nothing(visitor: Visitor, tmp_path: Path) -> None:
    """Nor is it a fault in the log."""
    half = body(("model", "m.h5", MODEL))[:5000]
    seen: list[list[str]] = []

    async def watched() -> AsyncIterator[dict[str, Any]]:
        async for message in in_pieces(half, gone=True):
            seen.append([one.name for one in (tmp_path / "uploads" / "door").glob(".*/*")])
            yield message

    assert run(asked(visitor.app, watched())) == 400  # type: ignore[arg-type]
    assert seen[-1] == ["model"]  # it was on its way
    assert left(tmp_path) == []


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


def test_a_full_disk_is_told_and_leaves_nothing(
    visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """507 in the middle, and the half that fitted is gone; a folder that cannot be written is 503."""
    for number, status in ((errno.ENOSPC, 507), (errno.EACCES, 503)):

        def full(_file: object, _data: bytes, number: int = number) -> None:
            raise OSError(number, "injected")

        monkeypatch.setattr(intake._File, "write", full)
        answer = visitor.post(API, files=files(model=MODEL), headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]["next_step"] != "") == (status, True)
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


def test_ten_at_once_all_arrive(visitor: Visitor, tmp_path: Path) -> None:
    """None is lost, none is mixed with another."""
    contents = {number: bytes([number]) * 50_000 for number in range(10)}

    async def send(content: bytes) -> int:
        whole = body(("model", "m.h5", content))
        pieces = [whole[place : place + 4096] for place in range(0, len(whole), 4096)]
        return await asked(visitor.app, in_pieces(*pieces))  # type: ignore[arg-type]

    async def all_of_them() -> list[int]:
        return list(await asyncio.gather(*map(send, contents.values())))

    assert run(all_of_them()) == [201] * 10
    found = {(tmp_path / "uploads" / "door" / one / "model").read_bytes() for one in left(tmp_path)}
    assert found == set(contents.values())


def test_scripts_are_taken_only_where_they_are(tmp_path: Path) -> None:
    """A site that takes no scripts says so, and takes the rest."""
    with visiting(tmp_path, base_url=HERE, upload_kinds="keras,h5") as visitor:
        for sent in (
            files(builder=("b.py", b"x")),
            files(model=("b.py", b"x")),
            files(model=MODEL, custom_objects=b"x"),
        ):
            answer = visitor.post(API, files=sent)
            assert (answer.status_code, "is a script" in answer.json()["error"]["message"]) == (403, True)
        assert visitor.post(API, files=files(model=MODEL)).status_code == 201
        assert len(left(tmp_path)) == 1


def test_the_ticket_is_what_the_door_reads(visitor: Visitor, tmp_path: Path) -> None:
    """The owner is a word that tells senders apart and nothing else of them."""
    found = visitor.post(API, files=files(model=MODEL)).json()
    ticket = json.loads((tmp_path / "uploads" / "door" / found["id"] / "ticket.json").read_text())
    assert len(ticket["owner"]) == 16
    assert "127" not in ticket["names"].values()
    assert door(tmp_path).waiting() == (found["id"],)
