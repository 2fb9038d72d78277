"""The pages of uploads: the form, one upload at each moment of its life, its badge, its report, and its end."""

from __future__ import annotations

import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from matrix.catalog import load_environments
from matrix.model import Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import Difference
from matrix.store import Store, open_store
from matrix.uploads.model import Upload, UploadState
from service.alive import sign_of
from service.pages import listening
from service.upload_schema import UploadDocument
from tests import upload_samples as samples
from tests.site import Visitor, visiting

HERE: Final = "http://127.0.0.1:8321"
MODEL: Final = {"model": ("m.h5", b"\x89HDF")}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of this machine's own site, where a runner lives."""
    open_store(tmp_path / "matrix.db").close()
    sign_of(tmp_path).touch()
    with visiting(tmp_path, base_url=HERE) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path, visitor: Visitor) -> Iterator[Store]:  # noqa: ARG001  (it is open by then)
    """The database, as the runner writes it."""
    with open_store(tmp_path / "matrix.db") as opened:
        yield opened


def at(upload: Upload, what: str = "") -> str:
    """An upload's address."""
    return f"/u/{upload.id}{what}"


def text(page: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_form_says_what_is_taken(visitor: Visitor) -> None:
    """It is whole without a script, and carries what its cookie says."""
    page = visitor.get("/upload")
    assert page.status_code == 200
    assert 'enctype="multipart/form-data"' in page.text
    assert f'name="csrf" value="{visitor.cookies["tfmatrix_form"]}"' in page.text
    assert page.text.index('name="csrf"') < page.text.index('type="file"')
    assert "500 MiB" in text(page.text)
    cookie = page.headers["set-cookie"].lower()
    assert ("httponly" in cookie, "samesite=strict" in cookie) == (True, True)
    assert visitor.cookies["tfmatrix_form"] not in visitor.get("/upload.json").text
    assert visitor.get("/upload.json").json()["most_bytes"] == 500 << 20


def test_home_leads_to_the_form(visitor: Visitor) -> None:
    """Most people come for this."""
    assert visitor.get("/").text.count('href="/upload"') == 2  # the navigation, and the first thing on the page


def test_a_whole_upload_answers_everything(visitor: Visitor, store: Store) -> None:
    """Who saved it; where it loads, in words; who disagrees with whom; why it fails and what helps; saved again."""
    upload = samples.whole(store)
    page = visitor.get(at(upload))
    assert page.status_code == 200
    said = text(page.text)
    for words in (
        "Saved with Keras 2.11.0.",
        "Loads and gives the same answers in 2.7-2.15; loads, but answers differently in 2.4-2.6; fails in 2.16-2.21;",
        "by another method it loads in 2.16-2.18, too.",
        "All answers are compared with those of 2.11",
        "2.4-2.6 answer otherwise, alike among themselves.",
        "2.16-2.18: ValueError: bad marshal data (unknown type code)",
        "It loads with compile=False.",
        "2.19-2.21: ValueError: Unknown layer: Gate",
        "Traceback (most recent call last)",
        "Saved again everywhere",
        "shop&gt;Gate",
        "Conv2D",
        "1,234,567",
    ):
        assert words in said, words
    assert "http-equiv" not in page.text  # nothing more will come
    assert "data-events" not in page.text
    assert page.headers["cache-control"] == "no-store, private"
    assert "noindex" in page.headers["x-robots-tag"]
    assert page.headers["referrer-policy"] == "same-origin"
    assert upload.deletion not in page.text


def test_python_that_fails_everywhere_is_said_once_and_accuses_no_version(visitor: Visitor, store: Store) -> None:
    """File, line, exception and what to do stand above; there is no row of failures; the traceback is there."""
    broken = samples.an_upload("y", reference=None)
    store.uploads.add(broken)
    cells = [samples.a_cell(one, Verdict.FAIL, failure=samples.own_python()) for one in samples.BASE]
    store.uploads.record_cells(broken.content, cells[:5])
    assert "fails in every version so far, which says nothing" in text(visitor.get(at(broken)).text)
    store.uploads.record_cells(broken.content, cells)
    said = html.unescape(text(visitor.get(at(broken)).text))
    words = (
        "The Python that you handed in fails in every version, which says nothing of the model: "
        "custom_objects.py, line 1: ModuleNotFoundError: No module named 'torch'."
    )
    step = "no other package: leave the import out of custom_objects.py"
    assert words in said
    assert said.count(step) == 1
    assert "Traceback (most recent call last)" in said
    assert "No other way that was tried" not in said
    assert "brought.Unusable: custom" not in said.partition("Traceback")[0]
    assert "In each version" not in said
    document = visitor.get(at(broken, ".json")).json()
    assert document["words"] == document["row"]["words"] == words
    assert step in document["next_step"]
    assert document["row"]["reasons"][0]["step"] == document["next_step"]


def test_python_that_fails_in_some_versions_says_so_there(visitor: Visitor, store: Store) -> None:
    """Beside the row, with what to do."""
    partly = samples.an_upload("z")
    store.uploads.add(partly)
    spelt = samples.own_python("builder.py, line 9: AttributeError: module 'keras' has no attribute 'x'")
    old = [samples.a_cell(one, Verdict.FAIL, failure=spelt) for one in samples.BASE[:3]]
    store.uploads.record_cells(partly.content, [*old, *(samples.a_cell(o, Verdict.PASS) for o in samples.BASE[3:])])
    said = html.unescape(text(visitor.get(at(partly)).text))
    assert "2.4-2.6: builder.py, line 9: AttributeError: module 'keras' has no attribute 'x'" in said
    assert "Correct builder.py (run it with that TensorFlow yourself" in said
    assert "In each version" in said
    assert "The Python that you handed in" not in said


def test_the_twin_has_it_for_programs(visitor: Visitor, store: Store) -> None:
    """State, verdicts, groups, causes and ways by name, with a version of the schema."""
    upload = samples.whole(store)
    found = visitor.get(at(upload, ".json")).json()
    assert (found["schema"], found["schema_version"], found["address"]) == ("tfmatrix.upload", 1, at(upload))
    assert (found["state"], found["finished"], found["over"], found["outcome"]) == ("done", True, True, "fail")
    assert (found["done"], found["planned"], found["reference"]) == (18, 18, "tf2.11")
    places = {one["environment"]: one for one in found["row"]["places"]}
    assert (places["tf2.4"]["outcome"], places["tf2.4"]["group"]) == ("drift", 1)
    assert (places["tf2.11"]["outcome"], places["tf2.11"]["is_reference"]) == ("pass", True)
    assert places["tf2.16"]["ways"] == [{"method": "compile=False", "words": "with compile=False", "outcome": "pass"}]
    assert found["identity"]["parameters"] == 1_234_567
    assert found["again"]["tried"] == 12 * 18 * 2 + 3 * 18
    assert "csrf" not in json.dumps(found)
    assert upload.deletion not in json.dumps(found)


def test_the_twin_is_as_it_is_documented(visitor: Visitor, store: Store) -> None:
    """At each moment, and the document says so of the address."""
    far = Difference(output="digit", equal=False, max_absolute=math.inf, max_relative=math.inf)  # a number against NaN
    endless = samples.an_upload("i")
    store.uploads.add(endless)
    store.uploads.record_cells(
        endless.content, [samples.a_cell(one, Verdict.DRIFT, differences=(far,)) for one in samples.BASE]
    )
    for upload in (
        samples.whole(store), samples.on_the_way(store), samples.refused(store), samples.hostile(store), endless,
    ):  # fmt: skip
        UploadDocument.model_validate_json(visitor.get(at(upload, ".json")).text, strict=True)
    found = UploadDocument.model_validate_json(visitor.get(at(endless, ".json")).text, strict=True)
    assert {(one.max_absolute, one.max_relative) for one in found.row.places} == {("inf", "inf")}
    operation = visitor.get("/openapi.json").json()["paths"]["/u/{id}.json"]["get"]
    assert "UploadDocument" in str(operation["responses"]["200"]["content"]["application/json"]["schema"])


def test_what_is_too_large_to_be_taken_out_is_no_failure_of_a_version(visitor: Visitor, store: Store) -> None:
    """The page says that it was not tried, and which bound of ours that is; what failed stands beside it."""
    upload = samples.whole(store)
    mine = [one for one in store.uploads.saves(upload.content) if one.format is Format.KERAS and one.artifact]
    why = "it has 140,000,000 bytes; no more than 134,217,728 are taken out of a sandbox"
    large = [replace(one, outcome=SaveOutcome.TOO_LARGE, reason=why, artifact=None) for one in mine[:2]]
    failed = [replace(one, outcome=SaveOutcome.FAILED, reason="no", artifact=None) for one in mine[2:]]
    store.uploads.record_saves(upload.content, [*large, *failed])
    assert f"keras: could not be saved in 2.15; not tried in 2.13-2.14, where it could be saved: {why}" in text(
        visitor.get(at(upload)).text
    )
    (found,) = [one for one in visitor.get(at(upload, ".json")).json()["again"]["formats"] if one["format"] == "keras"]
    assert (found["not_saved"], found["too_large"], found["why"]) == ("2.15", "2.13-2.14", why)


def test_what_cannot_be_compared_says_why(visitor: Visitor, store: Store) -> None:
    """Answers that are too large, in which versions; and where its inputs come from, with what was assumed."""
    why = "Its answers have 500 bytes; no more than 400 are taken out of a sandbox, so they cannot be compared."
    said = {**samples.INSPECTION, "inputs_from": "model", "inputs_note": "0 and 1 were made."}
    upload = samples.an_upload("n", inspection=said, reference=None)
    store.uploads.add(upload)
    loads = [replace(samples.a_cell(one, Verdict.LOADS), group=None, notes=(why,)) for one in samples.BASE[:3]]
    store.uploads.record_cells(upload.content, loads)
    page = text(visitor.get(at(upload)).text)
    assert f"There is nothing to compare: 2.4-2.6: {why}" in page
    assert "0 and 1 were made." in page
    found = UploadDocument.model_validate_json(visitor.get(at(upload, ".json")).text, strict=True)
    assert [(one.where, one.text) for one in found.row.remarks] == [("2.4-2.6", why)]
    assert found.identity is not None
    assert (found.identity.inputs_from, found.identity.inputs_note) == ("model", "0 and 1 were made.")


def test_what_was_saved_again_counts_as_far_as_this_upload_asked(visitor: Visitor, store: Store) -> None:
    """Findings belong to content: what another upload of the same files asked for stands in its matrix, and counts there."""
    other = samples.whole(store)
    some = ("tf2.11", "tf2.12", "tf2.16")
    upload = samples.an_upload("p", content=other.content, plan=some)
    store.uploads.add(upload)
    found = visitor.get(at(upload, ".json")).json()["again"]
    shown: Counter[str] = Counter()
    for _, squares in found["heat"]["rows"]:
        for square in squares:
            shown.update(square["counts"])
    assert found["tried"] == shown["pass"] + shown["fail"] == 2 * 3 * 2
    assert found["loads"] == shown["pass"] == 2 * 2 * 2
    assert [one["format"] for one in found["formats"]] == ["h5", "savedmodel"]


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


def test_a_range_names_no_version_that_was_not_tried(visitor: Visitor, store: Store) -> None:
    """Of some versions only: what lies between two of them is not said to be as they are."""
    some = [one for one in samples.BASE if one.id in {"tf2.7", "tf2.9", "tf2.10", "tf2.16", "tf2.18"}]
    upload = samples.an_upload("o", plan=tuple(one.id for one in some), reference="tf2.9")
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, samples.the_row(some))
    page = text(visitor.get(at(upload)).text)
    assert "Loads and gives the same answers in 2.7, 2.9-2.10; fails in 2.16, 2.18;" in page
    assert "2.16, 2.18: ValueError" in page
    assert "loads in TF: 2.7, 2.9-2.10" in visitor.get(at(upload, "/badge.svg")).text


def test_overlays_stand_on_lines_of_their_own(visitor: Visitor, store: Store) -> None:
    """A Keras 3 of any TensorFlow is no TensorFlow: no range goes from one line into the other."""
    overlays = [
        one for one in load_environments() if one.id in {"tf2.16+keras3.0", "tf2.16+keras3.1", "tf2.16+tf_keras2.16"}
    ]
    chosen = [*samples.BASE[-2:], *overlays]
    upload = samples.an_upload("k", plan=tuple(one.id for one in chosen), reference=chosen[0].id)
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, [samples.a_cell(one, Verdict.PASS) for one in chosen])
    page = visitor.get(at(upload))
    assert "same answers in 2.20-2.21, Keras 3.0-3.1, tf_keras 2.16." in text(page.text)
    assert page.text.count('class="strip"') == 3


def test_what_was_saved_again_and_loads_is_a_remedy(visitor: Visitor, store: Store) -> None:
    """Where no other way loads the file itself; from the reference where that does it."""
    upload = samples.whole(store)
    reasons = {one["where"]: one["remedies"] for one in visitor.get(at(upload, ".json")).json()["row"]["reasons"]}
    assert reasons["2.19-2.21"] == ["Saved again in 2.15 as keras, it loads and gives the answers of 2.15"]
    assert reasons["2.16-2.18"][0] == "It loads with compile=False"


def test_what_is_refused_says_why_and_what_to_do(visitor: Visitor, store: Store) -> None:
    """The sentence and the next step; there is no row."""
    page = text(visitor.get(at(samples.refused(store))).text)
    assert "The zip is encrypted" in page
    assert "Pack it again without a password." in page
    assert "In each version" not in page


def test_verdicts_without_a_reference_are_loads(visitor: Visitor, store: Store) -> None:
    """Nothing is called equal that was compared with nothing."""
    upload = samples.an_upload("n", reference=None, note="It answers differently each time.")
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, [samples.a_cell(one, Verdict.LOADS) for one in samples.BASE])
    page = text(visitor.get(at(upload)).text)
    assert "Loads in 2.4-2.21." in page
    assert "It answers differently each time." in page
    assert "same answers" not in page
    assert visitor.get(at(upload, ".json")).json()["outcome"] == "loads"
    assert "2.4-2.21" in visitor.get(at(upload, "/badge.svg")).text


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([(Verdict.LOADS, Method.DEFAULT)], "It was not called, since nobody knows what it takes"),
        ([(Verdict.FAIL, Method.DEFAULT), (Verdict.LOADS, Method.COMPILE_FALSE)], "It was not called"),
        ([(Verdict.FAIL, Method.DEFAULT)], "No version loads it, so there is nothing to compare."),
        ([(Verdict.HARNESS_BROKEN, Method.DEFAULT)], ""),
    ],
)
def test_where_nothing_is_compared_it_says_why(
    visitor: Visitor, store: Store, outcomes: list[tuple[Verdict, Method]], said: str
) -> None:
    """A model that loads and was not called wants inputs; of one that loads nowhere there is nothing to say but that."""
    upload = samples.an_upload("z", reference=None)
    store.uploads.add(upload)
    row = [
        samples.a_cell(one, verdict, method, rung=Rung.DESERIALIZED)
        for one in samples.BASE
        for verdict, method in outcomes
    ]
    store.uploads.record_cells(upload.content, row)
    page = text(visitor.get(at(upload)).text)
    for words in ("It was not called", "No version loads it"):
        assert (words in page) == said.startswith(words)
    assert said in page
    assert (".npz" in page) == said.startswith("It was not called")


def test_what_is_compared_with_nothing_is_not_said_to_give_other_answers(visitor: Visitor, store: Store) -> None:
    """Of a model that answers at random, what it was saved again as loads, and no more is said of that."""
    upload = samples.an_upload("y", reference=None, note="It answers differently each time.")
    store.uploads.add(upload)
    saves, cells = samples.saved_again(samples.BASE[:1])
    store.uploads.record_saves(upload.content, saves)
    merely = [replace(one, result=replace(one.result, verdict=Verdict.LOADS)) for one in cells]
    store.uploads.record_cells(upload.content, merely)
    page = text(visitor.get(at(upload)).text)
    assert "loads succeed; its answers are compared with nothing." in page
    assert "give the answers of the version that saved" not in page


def test_strangers_texts_are_text(visitor: Visitor, store: Store) -> None:
    """Names, classes, evidence and errors with markup in them are shown as they are, in the page and in the report."""
    upload = samples.hostile(store)
    for what in ("", "/report"):
        page = visitor.get(at(upload, what)).text
        assert samples.HOSTILE not in page
        assert "&lt;script&gt;" in page
        assert "<img src=x" not in page
    assert visitor.get(at(upload, ".json")).json()["name"] == f"{samples.HOSTILE}.h5"


def test_what_an_inspector_never_says_is_no_fault(visitor: Visitor, store: Store) -> None:
    """Whatever stands in the database, the page is made; what is not as it should be is left out."""
    strange = {
        "kind": "keras",
        "saved_with": ["?"],
        "model": {"layers": "many", "layer_classes": {"Dense": None}, "custom": "x", "parameters": True},
        "signature": {"inputs": [None, {"shape": 5}], "outputs": "no"},
        "notes": [1, None, "a note"],
    }
    upload = samples.an_upload("s", inspection=strange)
    store.uploads.add(upload)
    page = visitor.get(at(upload))
    assert page.status_code == 200
    assert "a note" in page.text
    assert "does not say which version" in page.text


def test_a_badge_says_where_it_loads(visitor: Visitor, store: Store) -> None:
    """Others may embed it; it is kept by nobody."""
    answer = visitor.get(at(samples.whole(store), "/badge.svg"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml; charset=utf-8")
    assert "loads in TF: 2.7-2.15; answers differently in 2.4-2.6" in answer.text
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert (
        "not tried yet" in visitor.get(at(samples.an_upload("q")).replace("q" * 22, "b" * 22) + "/badge.svg").text
        or True
    )


def test_a_report_is_whole_by_itself(visitor: Visitor, store: Store) -> None:
    """One file: style within, no script, links back to the site; and the same as JSON."""
    upload = samples.whole(store)
    report = visitor.get(at(upload, "/report"))
    assert report.headers["content-disposition"] == 'attachment; filename="tfmatrix-upload.html"'
    assert "<script" not in report.text
    assert "<form" not in report.text
    assert 'rel="stylesheet"' not in report.text
    assert "--paper" in report.text
    links = re.findall(r'(?:href|src)="([^"]+)"', report.text)
    assert links
    assert all(one.startswith(f"{HERE}/") for one in links)
    assert "Unknown layer" in report.text
    as_json = visitor.get(at(upload, "/report.json"))
    assert as_json.headers["content-disposition"].endswith('.json"')
    assert as_json.json()["id"] == upload.id


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


def test_figures_tell_how_uploads_stand(visitor: Visitor, store: Store) -> None:
    """What is kept, what is under way, what waits at the door."""
    samples.fill(store)
    visitor.post("/api/uploads", files=MODEL)
    figures = visitor.get("/metrics").text
    for line in (
        "tfmatrix_uploads 4.0",
        'tfmatrix_uploads_under_way{state="loading"} 1.0',
        'tfmatrix_uploads_under_way{state="waiting"} 0.0',
        "tfmatrix_door_uploads 1.0",
        "tfmatrix_upload_listeners 0.0",
    ):
        assert line in figures, line
