"""The rows behind a page, as CSV and JSON: the same columns everywhere, whole, inert, and sent part by part."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from matrix.config import ROOT
from matrix.model import Verdict
from matrix.results import MatrixRow
from reports import downloads
from reports.cube import cube_of
from reports.downloads import COLUMNS, csv_parts, json_parts
from reports.export import as_csv, as_json, plain
from reports.grid import outcome_of
from tests import fake_matrix
from tests.site import Visitor, empty_visitor, visitor

__all__ = ["empty_visitor", "visitor"]

FAKE = fake_matrix.results()
CUBE = cube_of(FAKE)
ALL = np.arange(len(CUBE))


def lines(text: str) -> list[dict[str, str]]:
    """CSV as rows."""
    return list(csv.DictReader(io.StringIO(text)))


def document(**changes: Any) -> Any:
    """JSON of all rows of the fake matrix, but for changes."""
    found = replace(FAKE, **changes)
    cube = cube_of(found)
    return json.loads("".join(json_parts(cube, found.failures, np.arange(len(cube)), {"run": "7"})))


def test_columns_are_those_of_a_row() -> None:
    """In the order of the domain's row; marks are no single value."""
    own = [one.name for one in fields(MatrixRow) if one.name != "marks"]
    assert [*own, "outcome", "exception"] == list(COLUMNS)
    assert list(document()["rows"][0]) == list(COLUMNS)
    assert next(csv.reader(io.StringIO(as_csv(FAKE)))) == ["schema_version", *COLUMNS]
    assert set(json.loads(as_json(FAKE))["rows"][0]) - {"marks"} == set(COLUMNS) - {"exception"}


def test_columns_say_what_rows_say() -> None:
    """Column by column, the same as row by row."""
    expected = {(row.saver, row.model, row.format, row.loader, row.method): row for row in FAKE.rows}
    rows = document()["rows"]
    assert len(rows) == len(expected)
    for found in rows:
        row = expected[found["saver"], found["model"], found["format"], found["loader"], found["method"]]
        for name in ("primary", "save_outcome", "verdict", "rung", "fingerprint", "repeated", "shared"):
            assert found[name] == plain(getattr(row, name)), name
        assert found["outcome"] == str(outcome_of(row))
        assert (found["max_absolute"] is None) is (row.max_absolute is None)
        assert found["max_absolute"] is None or found["max_absolute"] == pytest.approx(row.max_absolute, rel=1e-6)
        assert found["measured_at"] == (row.measured_at.isoformat() if row.measured_at else None)


def test_parts_come_to_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small they are, also where there is no row."""
    whole = document(), as_csv(FAKE)
    monkeypatch.setattr(downloads, "AT_ONCE", 7)
    assert (document(), as_csv(FAKE)) == whole
    assert len(list(csv_parts(CUBE, FAKE.failures, ALL[:70]))) == 11
    assert document(rows=())["rows"] == []


def test_errors_are_told_once() -> None:
    """By fingerprint, with their message; a row names its error's class."""
    found = document()
    assert set(found["errors"]) == {row["fingerprint"] for row in found["rows"]} - {None}
    assert found["errors"]["no-zip"]["exception"] == "OSError"
    assert {row["exception"] for row in found["rows"] if row["fingerprint"] == "no-zip"} == {"OSError"}


def test_no_number_breaks_json() -> None:
    """Infinite is a word, and not a number is nothing."""
    row = next(row for row in FAKE.rows if row.verdict is Verdict.DRIFT)
    (found,) = document(rows=(replace(row, max_absolute=float("inf"), max_relative=float("nan")),))["rows"]
    assert (found["max_absolute"], found["max_relative"]) == ("inf", None)


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever an error's class is called."""
    failures = {**FAKE.failures, "no-zip": replace(FAKE.failures["no-zip"], exception=text)}
    said = {line["exception"] for line in lines(as_csv(replace(FAKE, failures=failures)))}
    line = text.replace("\r", " ")
    assert f"'{line}" in said
    assert line not in said


def test_the_docs_name_every_column() -> None:
    """docs/data.md tells what each means."""
    told = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert [name for name in (*COLUMNS, "schema_version") if f"`{name}`" not in told] == []


def test_the_rows_are_those_on_the_screen(visitor: Visitor) -> None:
    """As many as the matrix counts, under the same filters."""
    for query in ("", "?format=h5", "?model=dense&format=h5", "?method=default"):
        page = visitor.get(f"/index.json{query}").json()
        rows = lines(visitor.get(f"/matrix.csv{query}").text)
        assert len(rows) == sum(page["counts"].values())
        assert len(visitor.get(f"/matrix.json{query}").json()["rows"]) == len(rows)


def test_versions_can_be_named(visitor: Visitor) -> None:
    """One saver, one loader, or both, as the pages that show them ask; all of them with the overlays."""
    pair = visitor.get("/pairs/tf2.9/tf2.15.json").json()
    rows = lines(visitor.get("/matrix.csv?saver=tf2.9&loader=2.15").text)
    assert {(row["saver"], row["loader"]) for row in rows} == {("tf2.9", "tf2.15")}
    assert len(rows) == sum(pair["counts"].values())
    model = visitor.get("/models/dense.json").json()
    found = lines(visitor.get("/matrix.csv?model=dense&environments=all").text)
    assert len(found) == sum(model["counts"].values())


def test_what_has_not_changed_is_not_sent_again(visitor: Visitor) -> None:
    """An ETag for each address; packed and plain are the same rows."""
    first = visitor.get("/matrix.json?format=h5")
    assert first.headers["content-encoding"] == "gzip"
    again = visitor.get("/matrix.json?format=h5", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert visitor.get("/matrix.json?format=keras").headers["etag"] != first.headers["etag"]
    bare = visitor.get("/matrix.json?format=h5", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in bare.headers
    assert bare.json() == first.json()
    assert visitor.head("/matrix.csv").content == b""


def test_nothing_measured_is_an_empty_table(empty_visitor: Visitor) -> None:
    """With its columns."""
    assert lines(empty_visitor.get("/matrix.csv").text) == []
    assert empty_visitor.get("/matrix.json").json()["rows"] == []


@pytest.mark.parametrize(
    "query", ["saver=tf2.99", "loader=x", "model=dens", "format=h6", "environments=some", "group=x"]
)
def test_nonsense_is_refused(visitor: Visitor, query: str) -> None:
    """422, and no half of a table."""
    assert visitor.get(f"/matrix.csv?{query}").status_code == 422
    assert visitor.get(f"/matrix.json?{query}").status_code == 422
