"""The documents: one page that needs nothing and runs nothing of others, a table that fits, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from matrix.errors import TfmatrixError
from matrix.model import Environment, Method, Verdict
from matrix.results import Failure
from reports.downloads import SCHEMA_VERSION
from reports.grid import Results, Selection, tally
from reports.page import page, shortened
from reports.render import as_csv, as_json, html, site, terminal_table, write_atomically
from reports.terminal import fits
from tests import fake_matrix

FAKE = fake_matrix.results()
PAGE = html(FAKE)


def _data(document: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', document, re.DOTALL)
    assert found
    return json.loads(found[1])


def _printed(results: Results, width: int, selection: Selection | None = None) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(terminal_table(results, selection or Selection(), width=width))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_the_page_fetches_nothing() -> None:
    """No address but its own: the page opens from disk, on a plane."""
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", PAGE)
    assert "@import" not in PAGE
    assert "url(" not in PAGE
    assert "default-src 'none'" in PAGE


def test_the_page_is_light() -> None:
    """Thirteen thousand rows stay under two megabytes."""
    assert len(FAKE.rows) > 13_000
    assert len(PAGE.encode()) < 2_000_000


def test_error_texts_end_no_script_and_open_no_tag() -> None:
    """Error texts and names come from strangers: only our two script elements exist."""
    assert len(re.findall(r"<script", PAGE)) == 2
    assert len(re.findall(r"</script", PAGE)) == 2
    assert "<!--" not in PAGE
    assert "<img" not in PAGE
    assert "{{ 7 * 7 }}" in PAGE


def test_hostile_names_are_text() -> None:
    """A model whose name is markup neither breaks the page nor its data."""
    evil = "</script><script>alert(1)</script><!--\"'>"
    rows = tuple(replace(row, model=evil) for row in FAKE.rows if row.model == "dense")
    document = html(replace(FAKE, rows=rows))
    assert len(re.findall(r"<script", document)) == 2
    assert evil in _data(document)["models"]


def test_the_data_holds_each_row() -> None:
    """What the script counts is what the table shows: one entry a row, each outcome as often."""
    data = _data(PAGE)
    assert len(data["loads"]) == len(FAKE.rows)
    for outcome, count in tally(FAKE.rows).counts.items():
        place = data["outcomes"].index(outcome)
        assert sum(load[4] == place and load[3] == 1 for load in data["loads"]) == count


def test_the_static_matrix_is_whole() -> None:
    """Without JavaScript each of the 324 squares has its look, its sign and its words."""
    grid = PAGE[PAGE.index('id="grid"') : PAGE.index('id="by-model"')]
    assert len(re.findall(r"<td class=\"(?!corner)", grid)) == 18 * 18
    assert 'title="saved in 2.4, loaded in 2.16: 7 of 20 pass (35 %): 7 pass, 1 drift, 12 fail, 20 unsupported"' in grid


def test_the_empty_page_says_what_to_run() -> None:
    """An empty matrix shows its axes and the command that fills it."""
    document = html(fake_matrix.empty())
    assert "make matrix" in document
    assert "Nothing measured yet" in document
    assert document.count('data-row="tf2.4" data-column=') == 18
    html(replace(fake_matrix.empty(), environments=(), models=()))


def test_infinite_and_missing_numbers() -> None:
    """NaN and infinity are no JSON; they arrive as words."""
    row = next(row for row in FAKE.rows if row.verdict is Verdict.DRIFT)
    odd = replace(FAKE, rows=(replace(row, max_absolute=float("inf"), max_relative=float("nan"), wall_seconds=None),))
    assert _data(html(odd))["loads"][0][7:10] == ["inf", "nan", -1]
    assert json.loads(as_json(odd))["rows"][0]["max_absolute"] == "inf"


def test_many_long_errors_stay_bounded() -> None:
    """A thousand kinds of failure with long tracebacks do not blow up the page."""
    failures = {
        f"f{n}": Failure(exception="E", message="m" * 20_000, traceback="t" * 20_000, frames=(), fingerprint=f"f{n}")
        for n in range(500)
    }
    rows = tuple(replace(FAKE.rows[0], verdict=Verdict.FAIL, fingerprint=name) for name in failures)
    assert len(html(replace(FAKE, rows=rows, failures=failures)).encode()) < 2_500_000
    assert "characters left out" in shortened("a" * 900, 300)


def test_commands_reproduce() -> None:
    """Each error carries the line that shows it again; another method is named."""
    entries = page(FAKE).errors
    assert all(re.match(r"tfmatrix cell tf\S+ \S+ \S+ tf\S+( --method \S+)?$", entry.reproduce) for entry in entries)
    assert sum(entry.count for entry in entries) == sum(row.fingerprint is not None for row in FAKE.rows)


def test_site_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A page is replaced in one step, its folder made, and no temporary file stays."""
    target = tmp_path / "var" / "site" / "index.html"
    assert site(FAKE, target) == target
    assert target.read_text(encoding="utf-8") == PAGE
    write_atomically(target, "newer")
    assert target.read_text(encoding="utf-8") == "newer"
    assert [entry.name for entry in target.parent.iterdir()] == ["index.html"]


def test_a_place_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    """No traceback: what happened and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TfmatrixError, match="could not be written") as caught:
        write_atomically(tmp_path / "file" / "index.html", "")
    assert caught.value.next_step


@pytest.mark.parametrize(("width", "heading"), [(80, ".4"), (120, "2.4")])
def test_the_terminal_table_fits(width: int, heading: str) -> None:
    """Eighteen loaders fit, nothing is cut, and the counts stand below."""
    lines = _printed(FAKE, width)
    assert max(map(len, lines)) <= width
    assert lines[1].split()[0] == heading
    assert "35≠" in lines[2]
    assert not any("…" in line for line in lines)
    assert "5,580 pass" in " ".join(lines)


def test_the_terminal_table_filters_and_says_when_it_is_empty() -> None:
    """A selection changes the counts; nothing at all says what to run."""
    assert " 0 pass" not in " ".join(_printed(FAKE, 80))
    chosen = Selection(models=frozenset({"custom-activation"}), methods=frozenset({Method.DEFAULT}))
    assert "pass," not in " ".join(_printed(FAKE, 80, chosen)[-2:])
    assert _printed(fake_matrix.empty(), 80)[-1] == "Nothing measured yet. Run: make matrix"


def test_overlays_get_their_own_headings() -> None:
    """An overlay's column has its Keras below the TensorFlow it stands on; its row has the whole name."""
    base = FAKE.environments[-1]
    keras: Environment = replace(base, id="tf2.21+keras3.5", keras="3.5.0", base="tf2.21")
    legacy: Environment = replace(base, id="tf2.21+tf_keras2.21", keras="2.21.0", base="tf2.21")
    lines = _printed(replace(FAKE, environments=(legacy, keras, *FAKE.environments)), 150)
    assert lines[1].split() == ["2.21", "2.21"]
    assert lines[2].split()[-3:] == ["2.21", "+3.5", "+tf"]
    assert any(line.startswith("2.21+tf_keras2.21 ") for line in lines)


def test_a_matrix_that_does_not_fit_is_told_before_it_is_printed() -> None:
    """Eighteen fit into 80 columns, as they are printed; forty do not fit into 120."""
    base = FAKE.environments[-1]
    overlays = [replace(base, id=f"tf2.21+keras3.{minor}", keras=f"3.{minor}.0", base="tf2.21") for minor in range(22)]
    assert fits(FAKE.environments, 80)
    assert not fits((*FAKE.environments, *overlays), 120)
    assert fits((), 80)


def test_json_is_versioned_and_complete() -> None:
    """Rows, tallies, errors and findings, with the schema version."""
    document = json.loads(as_json(FAKE))
    assert document["schema_version"] == SCHEMA_VERSION
    assert len(document["pairs"]) == 18 * 18
    assert len(document["rows"]) == 18 * 10 * 4 * 18
    assert {row["fingerprint"] for row in document["rows"]} - {None} == set(document["errors"])
    assert document["counts"]["drift"] == 45
    assert document["rows"][0]["rung"] == "outputs equal"


def test_csv_has_one_line_a_row_and_no_formulas() -> None:
    """Each line carries the schema version; no cell can be taken for a formula."""
    failures = {**FAKE.failures, "x": replace(FAKE.failures["no-zip"], exception="=HYPERLINK(1)", fingerprint="x")}
    rows = (*FAKE.rows, replace(FAKE.rows[0], fingerprint="x"))
    lines = list(csv.DictReader(io.StringIO(as_csv(replace(FAKE, rows=rows, failures=failures)))))
    assert len(lines) == 18 * 10 * 4 * 18 + 1
    assert {line["schema_version"] for line in lines} == {str(SCHEMA_VERSION)}
    assert sum(line["exception"] == "'=HYPERLINK(1)" for line in lines) == 1
