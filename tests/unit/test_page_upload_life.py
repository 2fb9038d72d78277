"""An upload's page from when it waits at the door until it is gone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matrix.store import Store
from matrix.uploads.model import UploadState
from service.alive import sign_of
from service.pages import listening
from tests import upload_samples as samples
from tests.site import HERE, Visitor, visiting
from tests.upload_pages import MODEL, at, store, text, visitor

__all__ = ["store", "visitor"]


def test_a_row_that_fills_in_says_how_far_it_is(visitor: Visitor, store: Store) -> None:
    """It refreshes itself, with a script or without one; what is not tried is not a failure."""
    upload = samples.on_the_way(store, tried=5)
    page = visitor.get(at(upload)).text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert f'data-events="/u/{upload.id}/events"' in page
    assert "5 of 18 versions" in text(page)
    found = visitor.get(at(upload, ".json")).json()
    assert (found["finished"], found["over"], found["done"], found["planned"]) == (False, False, 5, 18)
    assert found["seconds_left"] > 0
    assert {one["outcome"] for one in found["row"]["places"]} == {"fail", "not-measured"}


def test_whoever_waits_for_a_row_is_told_how_many_are_before_it_and_how_long(visitor: Visitor, store: Store) -> None:
    """Also once its file was looked into: on the page, for programs and in events alike."""
    samples.whole(store)
    served, waits = (
        samples.an_upload(
            letter, state=UploadState.LOADING, started_at=None, row_at=None, finished_at=None, reference=None, turn=turn
        )
        for turn, letter in enumerate("vw")
    )
    store.uploads.add(served)
    store.uploads.add(waits)
    page = text(visitor.get(at(waits)).text)
    assert "Its row waits: the row of one upload is before it." in page
    assert "0 of 18 versions, about 20 s left" in page
    assert "Conv2D" in page  # what it is, is there
    found = visitor.get(at(waits, ".json")).json()
    assert (found["ahead"], found["seconds_left"]) == (1, 20)
    told = listening._Watch(visitor.app.state.service).look((waits.id, served.id))  # type: ignore[attr-defined]
    assert (told[waits.id].ahead, told[waits.id].seconds_left, told[served.id].ahead) == (1, 20, 0)


def test_time_left_counts_from_the_first_turn_of_the_row(visitor: Visitor, store: Store) -> None:
    """Not from when its file came, or was looked into: of 18 versions, two took two seconds, so about sixteen are left."""
    now = datetime.now(UTC)
    upload = samples.an_upload(
        "t", state=UploadState.LOADING, handed_in_at=now - timedelta(seconds=62), started_at=now - timedelta(seconds=2),
        row_at=None, finished_at=None,
    )  # fmt: skip
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, samples.the_row(samples.BASE[-2:]))
    assert 14 <= visitor.get(at(upload, ".json")).json()["seconds_left"] <= 25


def test_what_waits_is_shown_before_a_runner_took_it_up(visitor: Visitor, tmp_path: Path, store: Store) -> None:
    """At the door, in the queue, and without a runner: each says where it stands."""
    first = visitor.post("/api/uploads", files=MODEL).json()
    second = visitor.post("/api/uploads", files={"model": ("other <b>.h5", b"\x89HDF")}).json()
    assert "Waits for a runner, which takes a moment." in text(visitor.get(first["address"]).text)
    page = visitor.get(second["address"]).text
    assert "Waits: 1 upload came before it; senders take turns." in text(page)
    assert "other &lt;b&gt;.h5" in page
    sign_of(tmp_path).unlink()
    assert "No runner was heard of" in text(visitor.get(first["address"]).text)
    sign_of(tmp_path).touch()
    waiting = samples.an_upload("w", state=UploadState.INSPECTING, inspection=None, plan=(), reference=None)
    store.uploads.add(waiting)
    assert "It is looked into" in text(visitor.get(at(waiting)).text)


def test_a_database_is_not_needed_for_what_waits(tmp_path: Path) -> None:
    """The runner makes it; until then the page says that it waits."""
    with visiting(tmp_path, base_url=HERE) as visitor:
        address = visitor.post("/api/uploads", files=MODEL).json()["address"]
        assert visitor.get(address).status_code == 200
        assert visitor.get(f"{address}.json").json()["runner_alive"] is False


def test_what_never_was_and_what_is_gone(visitor: Visitor, store: Store) -> None:
    """404 and 410, as page and for programs; nothing of what was known is told."""
    assert visitor.get("/u/" + "x" * 22).status_code == 404
    assert visitor.get("/u/short.json").json()["error"]["status"] == 404
    for letter, state, words in (("d", UploadState.DELETED, "is deleted"), ("e", UploadState.EXPIRED, "time is over")):
        upload = samples.whole(store, letter)
        store.uploads.forget(upload.id, state, datetime.now(UTC))
        for what in ("", ".json", "/badge.svg", "/report", "/events"):
            answer = visitor.get(at(upload, what), headers={"accept": "application/json"})
            assert (answer.status_code, words in answer.json()["error"]["message"]) == (410, True), what
        assert "classifier" not in visitor.get(at(upload)).text


def test_an_upload_whose_time_is_over_is_gone_also_where_nobody_removed_it_yet(
    visitor: Visitor, store: Store, tmp_path: Path
) -> None:
    """Such as without a runner, in the database and at the door; whoever listens is told."""
    past, later = datetime.now(UTC) - timedelta(seconds=1), datetime.now(UTC) + timedelta(hours=1)
    upload = samples.whole(store, expires_at=past)
    lying = visitor.post("/api/uploads", files=MODEL).json()
    ticket = tmp_path / "uploads" / "door" / lying["id"] / "ticket.json"
    ticket.write_text(ticket.read_text().replace(str(past.year), "2001"))
    for address in (at(upload), at(upload, ".json"), at(upload, "/report"), at(upload, "/events"), lying["address"]):
        answer = visitor.get(address, headers={"accept": "application/json"})
        assert (answer.status_code, "time is over" in answer.json()["error"]["message"]) == (410, True), address
    listened = samples.an_upload("l", state=UploadState.LOADING, expires_at=later, revision=1)
    store.uploads.add(listened)
    watch = listening._Watch(visitor.app.state.service)  # type: ignore[attr-defined]
    known = watch.look((listened.id,))[listened.id]
    assert known.state == "loading"
    assert watch._moment(listened.id, known, past, dict, alive=True) == known
    assert watch._moment(listened.id, known, later, dict, alive=True) == listening.GONE  # nothing was written since


def test_events_end_where_nothing_more_comes(visitor: Visitor, store: Store) -> None:
    """The first says what is true now; of a whole upload it is the last."""
    upload = samples.whole(store)
    answer = visitor.get(at(upload, "/events"))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, private"
    assert re.search(r"^event: end\nid: \d+\ndata: \{.*\"state\": \"done\"", answer.text, re.MULTILINE)
    assert listening.listeners_of(visitor.app.state.service).count == 0  # type: ignore[attr-defined]
