"""What ``tfmatrix show`` prints: a table that fits, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from matrix.model import Environment, Method, Verdict
from reports.downloads import SCHEMA_VERSION
from reports.export import as_csv, as_json
from reports.grid import Results, Selection
from reports.terminal import fits, terminal_table
from tests import fake_matrix

FAKE = fake_matrix.results()


def _printed(results: Results, width: int, selection: Selection | None = None) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(terminal_table(results, selection or Selection(), width=width))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


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


def test_infinite_and_missing_numbers() -> None:
    """NaN and infinity are no JSON; they arrive as words, and what is not known as nothing."""
    row = next(row for row in FAKE.rows if row.verdict is Verdict.DRIFT)
    odd = replace(FAKE, rows=(replace(row, max_absolute=float("inf"), max_relative=float("nan"), wall_seconds=None),))
    found = json.loads(as_json(odd))["rows"][0]
    assert [found[name] for name in ("max_absolute", "max_relative", "wall_seconds")] == ["inf", "nan", None]


def test_csv_has_one_line_a_row_and_no_formulas() -> None:
    """Each line carries the schema version; no cell can be taken for a formula."""
    failures = {**FAKE.failures, "x": replace(FAKE.failures["no-zip"], exception="=HYPERLINK(1)", fingerprint="x")}
    rows = (*FAKE.rows, replace(FAKE.rows[0], fingerprint="x"))
    lines = list(csv.DictReader(io.StringIO(as_csv(replace(FAKE, rows=rows, failures=failures)))))
    assert len(lines) == 18 * 10 * 4 * 18 + 1
    assert {line["schema_version"] for line in lines} == {str(SCHEMA_VERSION)}
    assert sum(line["exception"] == "'=HYPERLINK(1)" for line in lines) == 1
