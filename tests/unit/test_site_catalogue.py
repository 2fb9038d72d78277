"""The matrix, models, formats, environments and the page about it all, as they are served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from matrix.catalog import load_environments, load_models
from matrix.model import LOAD_VERSION, SAVE_VERSION, Format, Rung, SaveKey, Verdict
from matrix.store import Store, open_store
from service.snapshot import primary_of
from tests.site import Visitor, empty_visitor, visiting, visitor  # noqa: F401

NOON: Final = datetime(2026, 11, 25, 12, tzinfo=UTC)
PAGES: Final = (
    "/", "/models", "/models/dense", "/formats", "/formats/h5", "/environments", "/environments/tf2.15", "/about",
    "/?format=h5", "/?group=core&method=default", "/?model=dense&flavour=keras3",
)  # fmt: skip


def twin(address: str) -> str:
    """The address of the JSON twin."""
    path, mark, query = address.partition("?")
    return f"{'/index' if path == '/' else path}.json{mark}{query}"


def squares(found: Any) -> Iterator[dict[str, int]]:
    """The counts of every square of a heat map."""
    for _, row in found["rows"]:
        yield from (square["counts"] for square in row)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_and_its_twin_say_the_same(visitor: Visitor, address: str) -> None:  # noqa: F811
    """Both are there, of one title; the twin states its schema."""
    page, document = visitor.get(address), visitor.get(twin(address)).json()
    assert page.status_code == 200
    assert "<h1>" in page.text
    assert document["schema"].startswith("tfmatrix.")
    assert document["schema_version"] == 1
    assert f"<title>{document['title']}" in page.text


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_there_before_anything_is_measured(empty_visitor: Visitor, address: str) -> None:  # noqa: F811
    """And where it would show results it says what to run."""
    page = empty_visitor.get(address)
    assert page.status_code == 200
    if address not in {"/about", "/environments"}:
        assert "make matrix" in page.text


def test_filters_take_what_they_name(visitor: Visitor) -> None:  # noqa: F811
    """The formats' squares add up to those of the whole, and each of them is of its own cells."""
    whole = visitor.get("/index.json").json()["counts"]
    parts = [visitor.get("/index.json", params={"format": one.value}).json()["counts"] for one in Format]
    assert sum(one.get("pass", 0) for one in parts) == whole["pass"]
    assert sum(one.get("fail", 0) for one in parts) == whole["fail"]


def test_the_matrix_adds_up(visitor: Visitor) -> None:  # noqa: F811
    """What stands in the squares is what is counted above them."""
    document = visitor.get("/index.json").json()
    for part in ("matrix", "models"):
        found = sum(one.get("pass", 0) for one in squares(document[part]))
        assert found == document["counts"]["pass"]


def test_a_cell_that_several_savers_stand_for_is_counted_once(visitor: Visitor) -> None:  # noqa: F811
    """The metric says what the page says; the matrix counts it for each of them."""
    about = visitor.get("/about.json").json()
    assert f"tfmatrix_cells_known {float(about['cells'])}" in visitor.get("/metrics").text
    assert about["cells"] < about["loads"]


def test_a_flavour_chooses_what_loads(tmp_path: Path) -> None:
    """By themselves the TensorFlows load; of a flavour only the environments that have it."""
    with visiting(tmp_path, filled=True) as one:
        own = one.get("/index.json").json()["matrix"]["columns"]
        keras_3 = one.get("/index.json?flavour=keras3").json()["matrix"]["columns"]
    assert [head["id"] for head in own] == [f"tf2.{minor}" for minor in range(4, 22)]
    assert [head["id"] for head in keras_3] == [f"tf2.{minor}" for minor in range(16, 22)]


@pytest.mark.parametrize(
    ("address", "nearest"),
    [
        ("/models/dnse", "dense"),
        ("/formats/keras3", "keras"),
        ("/environments/tf2.155", "tf2.15"),
    ],
)
def test_what_is_not_there_suggests_the_nearest(visitor: Visitor, address: str, nearest: str) -> None:  # noqa: F811
    """A name that nothing has is a 404 with a suggestion, for people and for programs."""
    page, twin_ = visitor.get(address), visitor.get(f"{address}.json")
    assert (page.status_code, twin_.status_code) == (404, 404)
    assert nearest in page.text
    assert nearest in twin_.json()["error"]["nearest"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("format=h6", "format"),
        ("model=dnse", "dense"),
        ("group=cor", "core"),
        ("flavour=keras4", "flavour"),
        ("model=text-vectorization&group=core", "group"),
    ],
)
def test_a_filter_that_makes_no_sense_is_told_in_a_sentence(visitor: Visitor, query: str, words: str) -> None:  # noqa: F811
    """422, with what would have made sense."""
    page = visitor.get(f"/?{query}")
    assert page.status_code == 422
    assert words in page.text
    assert "Traceback" not in page.text


def test_every_model_and_format_has_a_page(visitor: Visitor) -> None:  # noqa: F811
    """None of them breaks a template."""
    addresses = [f"/models/{one.id}" for one in load_models()] + [f"/formats/{one}" for one in Format]
    assert {visitor.get(one).status_code for one in addresses} == {200}


def test_a_changed_cell_shows_at_once(tmp_path: Path) -> None:
    """What is recorded after a page was made is on it when it is asked for again, and its name for caches changes."""
    with visiting(tmp_path, filled=True) as one, open_store(tmp_path / "matrix.db") as opened:
        before = one.get("/index.json")
        assert one.get("/index.json", headers={"If-None-Match": before.headers["etag"]}).status_code == 304
        break_a_cell(opened)
        after = one.get("/index.json", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["counts"]["pass"] < before.json()["counts"]["pass"]


def break_a_cell(opened: Store) -> None:
    """Record that a cell that passed drifts now, for each saver that wrote its file."""
    environments = {one.recipe_digest: one for one in load_environments()}
    row = next(
        one
        for one in opened.read.matrix(tuple(environments.values()), SAVE_VERSION, LOAD_VERSION, primary_of())
        if one.verdict is Verdict.PASS and one.primary
    )
    by_id = {one.id: digest for digest, one in environments.items()}
    key = SaveKey(model=row.model, saver=by_id[row.saver], format=row.format)
    detail = opened.read.cell(key, by_id[row.loader], row.method)
    assert detail is not None
    assert detail.result is not None
    run = opened.write.begin_run({}, {}, NOON)
    opened.write.record_cell(run, replace(detail.result, verdict=Verdict.DRIFT, rung=Rung.CALLED), NOON)
