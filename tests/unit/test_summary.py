"""The summary: counts, shares, marks, cost, groups and the diagonal, from rows made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from matrix.model import Format, Method, SaveOutcome, Verdict
from matrix.results import Mark, Marks, MatrixRow
from reports.blocks import Block, markdown
from reports.cost import cost_of
from reports.grid import Results
from reports.groups import few
from reports.summary import Repeated, Summary, summarize
from reports.summary_text import as_markdown, blocks
from tests import fake_matrix
from tests.fake_matrix import failure

NOTED: dict[str, Any] = {
    "lane_seconds": {"started": 20.0, "saved": 40.0, "together": 60.0, "alone": 80.0, "repeated": 20.0, "other": 0.0},
    "saves": 10,
    "cells": 100,
    "known": 300,
}
FAILURES = {
    one.fingerprint: one
    for one in (
        failure("ValueError", "Unknown layer: 'Gate'. Please ensure it is there.", "gate-3"),
        failure("ValueError", "Unknown layer: Gate", "gate-2"),
        failure("KeyError", "'vars'", "vars"),
        failure("TypeError", "cannot pickle 'module' object", "pickle"),
    )
}


def row(saver: str, loader: str, verdict: Verdict | None = Verdict.PASS, **fields: Any) -> MatrixRow:
    """A row of dense in HDF5, by the default method."""
    usual: dict[str, Any] = {
        "model": "dense",
        "format": Format.H5,
        "method": Method.DEFAULT,
        "primary": True,
        "save_outcome": SaveOutcome.SAVED,
        "fingerprint": None,
    }
    nothing = dict.fromkeys(("rung", "max_absolute", "max_relative", "wall_seconds", "measured_at"))
    return MatrixRow(saver=saver, loader=loader, verdict=verdict, **{**nothing, **usual, **fields})


def summed(*rows: MatrixRow) -> Summary:
    """The summary of these rows."""
    return summarize(replace(fake_matrix.results(), rows=rows, failures=FAILURES), cost_of([NOTED]))


def test_counts_are_of_saves_cells_and_methods() -> None:
    """A save counts once, however many loaders it has; a cell that has yet to run is none."""
    found = summed(
        row("tf2.4", "tf2.4"),
        row("tf2.4", "tf2.5", Verdict.FAIL, fingerprint="vars"),
        row("tf2.4", "tf2.5", method=Method.WEIGHTS, primary=False),
        row("tf2.5", "tf2.4", None, save_outcome=SaveOutcome.FAILED, fingerprint="pickle"),
        row("tf2.6", "tf2.6", None),
    )
    assert found.saves == {SaveOutcome.SAVED: 2, SaveOutcome.FAILED: 1}
    assert found.verdicts == {Verdict.PASS: 2, Verdict.FAIL: 1}
    assert found.cells == 3
    assert found.by_method == {Method.DEFAULT: {Verdict.PASS: 1, Verdict.FAIL: 1}, Method.WEIGHTS: {Verdict.PASS: 1}}
    assert (found.by_format[Format.H5].share, found.environments_text) == (50, "2.4-2.6")


def test_savers_of_the_same_bytes_share_cells() -> None:
    """Every saver has its place in the counts; cells, marks and repeats are counted once."""
    found = summed(
        row("tf2.4", "tf2.4", repeated=Verdict.PASS), row("tf2.5", "tf2.4", repeated=Verdict.PASS, shared=True)
    )
    assert (found.verdicts, found.cells, found.repeated.cells) == ({Verdict.PASS: 2}, 1, 1)


def test_groups_are_by_cause_and_the_largest_is_first() -> None:
    """Two texts of one cause are one group, over ranges of versions; its example is a primary cell where it has one."""
    found = summed(
        row("tf2.4", "tf2.9", Verdict.FAIL, fingerprint="vars"),
        row("tf2.4", "tf2.5", Verdict.FAIL, fingerprint="gate-2", method=Method.WEIGHTS, primary=False),
        row("tf2.4", "tf2.6", Verdict.FAIL, fingerprint="gate-3", model="conv"),
        row("tf2.5", "tf2.8", Verdict.FAIL, fingerprint="gate-2", format=Format.KERAS),
        row("tf2.5", "tf2.9", Verdict.DRIFT),
    )
    largest, other = found.groups
    assert (largest.cause, largest.cells, largest.primary) == ("ValueError: Unknown layer: Gate", 3, 2)
    assert (largest.savers, largest.loaders) == ("2.4-2.5", "2.5-2.6, 2.8")
    assert (largest.formats, largest.models) == ((Format.H5, Format.KERAS), ("dense", "conv"))
    assert largest.example == "tfmatrix cell tf2.4 conv h5 tf2.6"
    assert (other.cause, found.groups_in_all) == ("KeyError: 'vars'", 2)


def test_the_diagonal_has_everything_that_needs_a_word() -> None:
    """Failures, drift and saves that failed; not formats a version never had, other methods, other loaders."""
    found = summed(
        row("tf2.4", "tf2.4", None, save_outcome=SaveOutcome.FAILED, fingerprint="pickle"),
        row("tf2.4", "tf2.5", None, save_outcome=SaveOutcome.FAILED, fingerprint="pickle"),
        row("tf2.5", "tf2.5", Verdict.DRIFT),
        row("tf2.6", "tf2.6", Verdict.FAIL, fingerprint="vars"),
        row("tf2.6", "tf2.6", Verdict.FAIL, fingerprint="vars", method=Method.WEIGHTS, primary=False),
        row("tf2.7", "tf2.7", None, save_outcome=SaveOutcome.UNSUPPORTED),
        row("tf2.8", "tf2.8"),
    )
    causes = {(one.outcome.value, one.cause): one.cells for one in found.diagonal_groups}
    assert causes == {
        ("save-failed", "TypeError: cannot pickle 'module' object"): 1,
        ("drift", "the answer differs from the saver's"): 1,
        ("fail", "KeyError: 'vars'"): 1,
    }


def test_marks_and_repeats_are_counted_where_there_are_some() -> None:
    """A cell outside the sample of marks, or measured once, is not counted."""
    marks = Marks(saved_again=Mark.YES, optimizer_restored=Mark.NO, trained_step=Mark.NOT_APPLICABLE, notes={})
    found = summed(
        row("tf2.4", "tf2.4", marks=marks, repeated=Verdict.PASS),
        row("tf2.5", "tf2.5", repeated=Verdict.CRASH),
        row("tf2.6", "tf2.6"),
    )
    assert found.marks["optimizer_restored"] == {Mark.NO: 1}
    assert found.repeated == Repeated(cells=2, differed=1)


def test_costs_add_up_and_are_shared_out() -> None:
    """What saves and loads have in common is divided as the rest is; runs that noted nothing are told apart."""
    cost = cost_of([NOTED, None, {**NOTED, "cells": 300}])
    assert (cost.runs, cost.unknown, cost.cells, cost.saves) == (2, 1, 400, 20)
    assert cost.core_hours == pytest.approx(440 / 3600)
    assert cost.per_cell == pytest.approx(440 * (320 / 400) / 400)
    assert cost.per_save == pytest.approx(440 * (80 / 400) / 20)
    assert cost.known_share == pytest.approx(600 / 1000)
    assert cost.shares["alone"] == pytest.approx(160 / 440)


def test_no_cost_is_no_sentence() -> None:
    """Without a run, or without a cell, nothing is made up."""
    assert cost_of([]).sentence is None
    assert cost_of([None]).known_share is None
    assert "core-seconds per cell" in str(cost_of([NOTED]).sentence)


def test_the_whole_fake_matrix_is_told_in_markdown() -> None:
    """It says that it is generated, by what, when and where; no text of a failure is HTML."""
    text = as_markdown(summarize(fake_matrix.results(), cost_of([NOTED])))
    assert "Generated by `tfmatrix summary --markdown`" in text[:200]
    assert all(words in text[:500] for words in ("2026-11-24", "run was 7", "Docker 26.1.5", "AMD EPYC 9R14"))
    assert all(heading in text for heading in ("## Saves", "## What it cost", "largest groups", "## The diagonal"))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in lines)


def test_nothing_known_is_told_as_nothing() -> None:
    """An empty matrix has a summary, without empty tables."""
    empty: Results = fake_matrix.empty()
    told = list(blocks(summarize(empty, cost_of([]))))
    assert told[0].lines[0].startswith("0 environments")
    assert all(block.lines or block.rows for block in told)


def test_markdown_keeps_a_cell_one_cell() -> None:
    """Bars, backticks and angle brackets of an error stay text."""
    block = Block(heading="x", columns=("cause", "n"), rows=(("a|b `c` <i>", "<b>1|2"),), code=frozenset({"cause"}))
    line = markdown("t", "a", [block]).splitlines()[-1]
    assert line == "| `` a\\|b `c` <i> `` | &lt;b>1\\|2 |"


def test_many_names_are_four_and_a_number() -> None:
    """Four are all named."""
    assert few("abcd") == "a, b, c, d"
    assert few("abcde") == "5: a, b, c, d, …"


def test_the_summary_is_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The command prints one document, also when little is known, and ends with 3 then."""
    from matrix.store import open_store  # noqa: PLC0415
    from service import cli  # noqa: PLC0415

    monkeypatch.setenv("TFMATRIX_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["tfmatrix", "summary", "--json"])
    assert cli.run_guarded(cli.app) == 3
    open_store(tmp_path / "matrix.db").close()
    capsys.readouterr()
    assert cli.run_guarded(cli.app) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["saves"], found["cost"]["cells"]) == (1, {}, 0)
    monkeypatch.setattr("sys.argv", ["tfmatrix", "summary", "--json", "--markdown"])
    assert cli.run_guarded(cli.app) == 2
