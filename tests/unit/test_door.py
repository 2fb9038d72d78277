"""The door: what comes in is whole, and nothing but plain files is taken."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from matrix.blobs import Blobs, TooLargeError
from matrix.uploads.door import TICKET, Door, DoorError, Removal, Ticket, new_id
from matrix.uploads.model import Options, Part, hashed

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def a_ticket(upload_id: str) -> Ticket:
    """What goes with one file."""
    return Ticket(
        id=upload_id,
        names={Part.MODEL: "my model.keras"},
        options=Options(environments=("tf2.4",)),
        owner="somebody",
        deletion="d" * 64,
        handed_in_at=NOW,
    )


def handed_in(door: Door, content: bytes = b"model") -> str:
    """Hand in one file; return its id."""
    upload_id = new_id()
    with door.handing_in(upload_id) as folder:
        (folder / Part.MODEL.value).write_bytes(content)
        door.hand_in(a_ticket(upload_id))
    return upload_id


def test_what_is_handed_in_comes_out(tmp_path: Path) -> None:
    """The other side sees the same ticket and the same bytes, and can clear them."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    assert door.waiting() == (upload_id,)
    assert door.holds(upload_id)
    assert door.ticket(upload_id) == a_ticket(upload_id)
    with door.part(upload_id, Part.MODEL) as file:
        assert file.read() == b"model"
    assert door.weight()[0] == 1
    door.clear(upload_id)
    assert door.waiting() == ()
    assert not door.holds(upload_id)


def test_half_an_upload_is_not_seen_and_not_left(tmp_path: Path) -> None:
    """A client that stops half-way leaves nothing."""
    door = Door(tmp_path / "door")

    def half_way() -> None:
        with door.handing_in(new_id()) as folder:
            (folder / Part.MODEL.value).write_bytes(b"mod")
            assert door.waiting() == ()
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        half_way()
    assert list((tmp_path / "door").iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "hard link", "missing"])
def test_only_plain_files_are_opened(tmp_path: Path, kind: str) -> None:
    """Whoever took web over cannot make the runner read another file, nor wait for ever."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    place = tmp_path / "door" / upload_id / Part.MODEL.value
    place.unlink()
    secret = tmp_path / "secret"
    secret.write_text("secret")
    match kind:
        case "link":
            place.symlink_to(secret)
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "hard link":
            place.hardlink_to(secret)
        case _:
            pass
    with pytest.raises(DoorError), door.part(upload_id, Part.MODEL):
        pytest.fail("it was opened")


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    """Nor is a whole folder somewhere else."""
    door = Door(tmp_path / "door")
    handed_in(door)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / Part.MODEL.value).write_text("secret")
    linked = new_id()
    (tmp_path / "door" / linked).symlink_to(elsewhere)
    assert linked not in door.waiting()
    with pytest.raises(DoorError), door.part(linked, Part.MODEL):
        pytest.fail("it was opened")


@pytest.mark.parametrize(
    "said",
    ["", "[]", "{}", "null", '{"names": 3}', "[" * 5000, "[" * 60_000, '{"names": {"no such part": "x"}}', "\xff"],
)
def test_a_ticket_of_nonsense_is_refused(tmp_path: Path, said: str) -> None:
    """What is no ticket of ours is an error of the door's, whatever it is."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    (tmp_path / "door" / upload_id / TICKET).write_text(said, encoding="latin-1")
    with pytest.raises(DoorError):
        door.ticket(upload_id)


def test_hostile_names_are_cleaned(tmp_path: Path) -> None:
    """A name is shown, so it holds no control or direction characters and has an end."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    path = tmp_path / "door" / upload_id / TICKET
    fields = json.loads(path.read_text())
    fields["names"]["model"] = "\x1b[31m\u202egnp.exe" + "x" * 999
    path.write_text(json.dumps(fields))
    name = door.ticket(upload_id).names[Part.MODEL]
    assert name.startswith("gnp.exe")
    assert len(name) == 200


def test_a_removal_stays_until_it_was_heard(tmp_path: Path) -> None:
    """Who dies over one loses none; an id that is none is refused before a file is made."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    door.ask_removal(upload_id, "token")
    for _ in range(2):
        assert door.removals() == (Removal(id=upload_id, token="token"),)  # noqa: S106
        assert door.is_removed(upload_id)
    door.heard(upload_id)
    assert door.removals() == ()
    assert not door.is_removed(upload_id)
    door.heard(upload_id)
    with pytest.raises(ValueError, match="no upload's id"):
        door.ask_removal("../../etc/passwd", "token")
    assert not door.holds("../elsewhere")


@pytest.mark.parametrize(
    ("field", "value"), [("handed_in_at", "0001-01-01T00:00:00+14:00"), ("deletion", "é" * 64), ("deletion", "\ud800")]
)
def test_a_ticket_with_a_field_of_nonsense_is_refused(tmp_path: Path, field: str, value: str) -> None:
    """A date before all dates, a digest that cannot be compared."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    path = tmp_path / "door" / upload_id / TICKET
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(DoorError):
        door.ticket(upload_id)


@pytest.mark.parametrize("said", ["[" * 60_000, "", "[]", '{"token": {}}', '{"token": "\\ud800"}'])
def test_a_removal_of_nonsense_stops_nobody(tmp_path: Path, said: str) -> None:
    """Whatever is in it, the next one is heard; and what is read can be hashed."""
    door = Door(tmp_path / "door")
    upload_id = handed_in(door)
    door.ask_removal(upload_id, "token")
    (tmp_path / "door" / f"{upload_id}.remove").write_text(said)
    for removal in door.removals():
        hashed(removal.token)
        door.heard(removal.id)
    assert door.removals() == ()
    assert not door.is_removed(upload_id)


def test_a_stream_becomes_a_blob_of_its_content(tmp_path: Path) -> None:
    """What is copied is named by its content; what is too large leaves nothing."""
    blobs = Blobs(tmp_path / "files")
    sha256, size = blobs.take(io.BytesIO(b"x" * 3_000_000), 3_000_000)
    assert size == 3_000_000
    assert blobs.get(sha256) == b"x" * 3_000_000
    with pytest.raises(TooLargeError):
        blobs.take(io.BytesIO(b"y" * 3_000_001), 3_000_000)
    assert [path.name for path in (tmp_path / "files").rglob("*") if path.is_file()] == [sha256]
    blobs.drop(sha256)
    blobs.drop(sha256)
    assert not blobs.path(sha256).exists()
