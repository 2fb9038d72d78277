"""A file comes in: whole and to the door alone, or not at all, with a sentence, the right status and nothing left behind."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from matrix.uploads.model import Part, hashed
from service.uploads import intake
from tests.loops import run
from tests.site import HERE, Visitor, visiting
from tests.upload_forms import API, BOUNDARY, MODEL, asked, body, door, files, headers, in_pieces, left, visitor

__all__ = ["visitor"]


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
