"""What an upload has beside its page: a twin for programs, a badge, a report, and its part in the figures."""

from __future__ import annotations

import json
import math
import re

from matrix.model import Verdict
from matrix.results import Difference
from matrix.store import Store
from service.upload_schema import UploadDocument
from tests import upload_samples as samples
from tests.site import HERE, Visitor
from tests.upload_pages import MODEL, at, store, visitor

__all__ = ["store", "visitor"]


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
