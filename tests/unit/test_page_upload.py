"""The form for uploads, and the page of one that was tried: what it says, of whom, and what it leaves out."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import replace

import pytest

from matrix.catalog import load_environments
from matrix.model import Format, Method, Rung, SaveOutcome, Verdict
from matrix.store import Store
from service.upload_schema import UploadDocument
from tests import upload_samples as samples
from tests.site import Visitor
from tests.upload_pages import at, store, text, visitor

__all__ = ["store", "visitor"]


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
