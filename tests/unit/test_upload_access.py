"""Who may upload and delete: tokens, forms of this browser alone, other sites, other names of this machine, proxies."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import Request

from matrix.config import Settings
from matrix.store import open_store
from matrix.uploads.door import Door
from matrix.uploads.model import UploadState
from service.uploads import access
from tests import upload_samples as samples
from tests.fake_uploads import World, work_on
from tests.site import Visitor, visiting

API: Final = "/api/uploads"
THERE: Final = "http://models.example:8321"
MODEL: Final = {"model": ("m.h5", b"\x89HDF")}
BROWSER: Final = {"accept": "text/html,*/*;q=0.8"}


@contextmanager
def site(home: Path, base_url: str = THERE, **settings: Any) -> Iterator[Visitor]:
    """A site with its database; by itself open to everybody."""
    open_store(home / "matrix.db").close()
    with visiting(home, base_url=base_url, **{"uploads": "open", **settings}) as visitor:
        yield visitor


def taken(home: Path) -> int:
    """How many uploads lie at the door."""
    return len(Door(home / "uploads" / "door").waiting())


def left_at_the_door(home: Path) -> list[str]:
    """All that lies there."""
    return [one.name for one in (home / "uploads" / "door").iterdir()]


def form(visitor: Visitor, **others: str) -> dict[str, str]:
    """The hidden fields of our form, as this browser got it."""
    found = re.search(r'name="csrf" value="(\w+)"', visitor.get("/upload").text)
    assert found is not None
    return {"csrf": found[1], **others}


def test_our_form_is_taken_and_leads_to_the_page(tmp_path: Path) -> None:
    """303, with the token that deletes it in a cookie that goes nowhere else."""
    with site(tmp_path) as visitor:
        answer = visitor.post("/upload", data=form(visitor), files=MODEL, headers={"origin": THERE})
        assert answer.status_code == 303, answer.text
        assert re.fullmatch(r"/u/[\w-]{22}", answer.headers["location"])
        cookie = answer.headers["set-cookie"]
        assert f"Path={answer.headers['location']}" in cookie
        assert ("HttpOnly" in cookie, "SameSite=strict" in cookie) == (True, True)
        page = visitor.get(answer.headers["location"]).text
        assert visitor.cookies["tfmatrix_deletion"] in page  # to this browser alone
        visitor.cookies.clear()
        assert "tfmatrix_deletion" not in visitor.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("fields", "cookie", "others"),
    [
        ({}, True, {}),
        ({"csrf": "0" * 32}, True, {}),
        ({"csrf": ""}, False, {}),
        (None, False, {}),
        (None, True, {"origin": "http://evil.example"}),
        (None, True, {"origin": "null"}),
        (None, True, {"origin": THERE, "sec-fetch-site": "cross-site"}),
        (None, True, {"sec-fetch-site": "same-site"}),
    ],
)
def test_forms_that_are_not_ours_are_refused(
    tmp_path: Path, fields: dict[str, str] | None, *, cookie: bool, others: dict[str, str]
) -> None:
    """Without the cookie, with another token, or from another site: 403, and nothing is kept of the file."""
    with site(tmp_path) as visitor:
        words = form(visitor) if fields is None else fields
        if not cookie:
            visitor.cookies.clear()
        elif fields is not None:
            visitor.get("/upload")
        answer = visitor.post("/upload", data=words, files=MODEL, headers=BROWSER | others)
        assert answer.status_code == 403, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert taken(tmp_path) == 0


def test_a_file_before_the_token_is_not_kept(tmp_path: Path) -> None:
    """Who sends the file first has proved nothing when it comes."""
    with site(tmp_path) as visitor:
        token = form(visitor)["csrf"]
        answer = visitor.post("/upload", files=[("model", MODEL["model"]), ("csrf", (None, token))])
        assert (answer.status_code, taken(tmp_path)) == (403, 0)


@pytest.mark.parametrize(
    ("others", "status"),
    [
        ({}, 201),
        ({"origin": THERE}, 201),
        ({"sec-fetch-site": "same-origin"}, 201),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://models.example.evil.example:8321"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": THERE}, 403),
    ],
)
def test_an_open_api_is_not_open_to_other_sites(tmp_path: Path, others: dict[str, str], status: int) -> None:
    """A program marks nothing; a browser marks whose page it was, and only ours may."""
    with site(tmp_path) as visitor:
        assert visitor.post(API, files=MODEL, headers=others).status_code == status
        assert taken(tmp_path) == (status == 201)


@pytest.mark.parametrize(
    ("base_url", "status"),
    [("http://127.0.0.1:8321", 201), ("http://localhost:8321", 201), ("http://[::1]:8321", 201), (THERE, 403)],
)
def test_this_machine_is_named_as_this_machine(tmp_path: Path, base_url: str, status: int) -> None:
    """A name of another site that leads here is another site's, whatever its pages say of themselves."""
    with site(tmp_path, base_url=base_url, uploads="auto") as visitor:
        assert visitor.post(API, files=MODEL, headers={"origin": base_url}).status_code == status
        assert taken(tmp_path) == (status == 201)


def test_a_site_with_a_token_asks_for_it(tmp_path: Path) -> None:
    """401 without and with a wrong one; by bearer for programs, in the form for people."""
    with site(tmp_path, uploads="auto", upload_token="sesame") as visitor:  # noqa: S106
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic sesame"}):
            answer = visitor.post(API, files=MODEL, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
        assert visitor.post(API, files=MODEL, headers={"authorization": "bearer sesame"}).status_code == 201
        assert visitor.post("/upload", data=form(visitor), files=MODEL).status_code == 401
        assert visitor.post("/upload", data=form(visitor, token="wrong"), files=MODEL).status_code == 401  # noqa: S106
        assert taken(tmp_path) == 1
        assert visitor.post("/upload", data=form(visitor, token="sesame"), files=MODEL).status_code == 303  # noqa: S106
        assert 'type="password"' in visitor.get("/upload").text


def test_a_token_is_not_guessed_at_leisure(tmp_path: Path) -> None:
    """Wrong ones count as uploads: then not even the right one is heard for a while."""
    with site(tmp_path, uploads="token", upload_token="sesame", uploads_per_hour=3) as visitor:  # noqa: S106
        for _ in range(3):
            assert visitor.post(API, files=MODEL, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert visitor.post(API, files=MODEL, headers={"authorization": "Bearer sesame"}).status_code == 429
        assert taken(tmp_path) == 0


def test_a_site_that_takes_none_says_so(tmp_path: Path) -> None:
    """403 for whoever tries, and a page without a form."""
    with site(tmp_path, uploads="off") as visitor:
        assert visitor.post(API, files=MODEL).status_code == 403
        assert visitor.post("/upload", files=MODEL).status_code == 403
        page = visitor.get("/upload")
        assert (page.status_code, "<form" in page.text, "takes no uploads" in page.text) == (200, False, True)
        assert taken(tmp_path) == 0


def test_whoever_has_the_token_deletes(tmp_path: Path) -> None:
    """401 without, 403 with another, 202 with it; from then on it is gone, also before a runner heard of it."""
    with site(tmp_path) as visitor:
        with open_store(tmp_path / "matrix.db") as store:
            address = f"{API}/{samples.whole(store).id}"
        page = address.replace(API, "/u")
        assert visitor.delete(address).status_code == 401
        assert visitor.delete(address, headers={"authorization": "Bearer wrong"}).status_code == 403
        assert visitor.get(page).status_code == 200
        right = {"authorization": f"Bearer {samples.TOKEN}"}
        assert visitor.delete(address, headers=right | {"sec-fetch-site": "cross-site"}).status_code == 403
        assert visitor.delete(address, headers=right).status_code == 202
        assert visitor.get(page).status_code == 410
        assert visitor.delete(address, headers=right).status_code == 410
        (asked,) = Door(tmp_path / "uploads" / "door").removals()
        assert (asked.id, asked.token) == (page.removeprefix("/u/"), samples.TOKEN)
        assert visitor.delete(f"{API}/{'x' * 22}", headers=right).status_code == 404


def test_a_disk_that_is_full_deletes_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """507, and the upload is there as before."""
    with site(tmp_path) as visitor:
        with open_store(tmp_path / "matrix.db") as store:
            upload = samples.whole(store)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "injected")

        monkeypatch.setattr(Door, "ask_removal", full)
        right = {"authorization": f"Bearer {samples.TOKEN}"}
        assert visitor.delete(f"{API}/{upload.id}", headers=right).status_code == 507
        assert visitor.get(f"/u/{upload.id}").status_code == 200


def test_what_still_lies_at_the_door_is_deleted_there(tmp_path: Path) -> None:
    """No runner needs to live for that; and once one has heard of it, its address is not forgotten."""
    with site(tmp_path) as visitor:
        found = visitor.post(API, files=MODEL).json()
        wrong = visitor.delete(f"{API}/{found['id']}", headers={"authorization": "Bearer wrong"})
        assert (wrong.status_code, taken(tmp_path)) == (403, 1)
        right = {"authorization": f"Bearer {found['deletion_token']}"}
        assert visitor.delete(f"{API}/{found['id']}", headers=right).status_code == 202
        assert taken(tmp_path) == 0
        assert visitor.get(found["address"]).status_code == 410
        with open_store(tmp_path / "matrix.db") as store:
            work_on(tmp_path, store, World()).look()
        assert left_at_the_door(tmp_path) == []
        assert visitor.get(found["address"]).status_code == 410
        assert visitor.delete(f"{API}/{found['id']}", headers=right).status_code == 410


def test_a_person_deletes_by_the_form(tmp_path: Path) -> None:
    """With the browser's own token, or one that was typed; a form of another site deletes nothing."""
    with site(tmp_path) as visitor:
        sent = visitor.post("/upload", data=form(visitor), files=MODEL)
        address = sent.headers["location"]
        assert visitor.post(f"{address}/delete", data={"csrf": "0" * 32}).status_code == 403
        assert visitor.post(f"{address}/delete", data=form(visitor), headers={"origin": "null"}).status_code == 403
        assert taken(tmp_path) == 1
        answer = visitor.post(f"{address}/delete", data=form(visitor))
        assert (answer.status_code, answer.headers["location"]) == (303, address)
        assert visitor.get(address).status_code == 410
        with open_store(tmp_path / "matrix.db") as store:
            other = samples.an_upload("t", state=UploadState.REFUSED)
            store.uploads.add(other)
        assert visitor.post(f"/u/{other.id}/delete", data=form(visitor, token="wrong")).status_code == 403  # noqa: S106
        assert visitor.post(f"/u/{other.id}/delete", data=form(visitor, token=samples.TOKEN)).status_code == 303
        assert visitor.post(f"/u/{other.id}/delete", content=b"x" * 20_000).status_code == 413


def asked(client: str, **headers: str) -> Request:
    """A request from somewhere."""
    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {"type": "http", "client": (client, 1), "headers": listed, "scheme": "http", "path": "/", "server": ("a", 80)}
    )


@pytest.mark.parametrize(
    ("client", "forwarded", "trusted", "found"),
    [
        ("203.0.113.9", "1.2.3.4", "", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4", "10.0.0.0/8", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "10.0.0.0/8", "1.2.3.4"),
        ("203.0.113.9", "1.2.3.4", "10.0.0.0/8", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.0/8", "10.0.0.1"),
        ("::1", "nonsense", "::1", "nonsense"),
    ],
)
def test_a_proxy_is_believed_only_where_it_is_trusted(client: str, forwarded: str, trusted: str, found: str) -> None:
    """Whoever is not trusted to say so is the sender, whatever he says; what he told a trusted one counts from the right."""
    settings = Settings(trusted_proxies=trusted)
    assert access.address_of(asked(client, x_forwarded_for=forwarded), settings) == found
    assert access.is_secure(asked(client, x_forwarded_proto="https"), settings) is (found != client or forwarded == "")


def test_a_sender_is_a_network_and_says_nothing_of_itself() -> None:
    """A household has many IPv6 addresses, and is one sender; its name in the queue leads back to nobody."""
    assert access.network_of("2001:db8:1:2:3::4") == access.network_of("2001:db8:1:2:ffff::1")
    assert access.network_of("2001:db8:1:2::1") != access.network_of("2001:db8:1:3::1")
    assert access.network_of("::ffff:192.0.2.1") == access.network_of("192.0.2.1") == "192.0.2.1"
    assert access.owner_of("192.0.2.1") == access.owner_of("192.0.2.1") != access.owner_of("192.0.2.2")
    assert "192" not in access.owner_of("192.0.2.1")[:3]


def test_the_log_names_no_upload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who knows an address sees the upload; the log knows the route."""
    with site(tmp_path) as visitor:
        found = visitor.post(API, files=MODEL).json()
        visitor.get(found["address"])
        visitor.delete(f"{API}/{found['id']}")
    said = "".join(capsys.readouterr())
    assert found["id"] not in said
    assert "/u/{id}" in said
