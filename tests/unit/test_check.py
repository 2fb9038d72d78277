"""``tfmatrix check`` as a gate: what it prints, and what it says to a script."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from matrix.errors import ExitCode
from matrix.model import Verdict
from matrix.uploads.model import UploadCell, UploadState
from reports.pages.uploaded import Found, uploaded
from service import check
from service.cli import app
from tests.upload_samples import BASE, HOSTILE, a_cell, an_upload, failure, the_row

ASKED = {one.id: one for one in BASE}


def document(cells: Sequence[UploadCell], **changes: Any) -> dict[str, Any]:
    """What is known of an upload, as a gate reads it."""
    return uploaded(
        Found(upload=an_upload(**changes), cells=tuple(cells)), BASE, frozenset(), datetime.now(UTC)
    ).document(datetime.now(UTC))


def code(cells: Sequence[UploadCell], *asked: str, **changes: Any) -> ExitCode:
    """The exit code."""
    return check.exit_code(document(cells, **changes), {name: ASKED[name] for name in asked})


def test_it_loads_and_agrees_in_all_that_were_asked() -> None:
    """What happens elsewhere is another's concern."""
    assert code([a_cell(one, Verdict.PASS) for one in BASE]) is ExitCode.FINE
    assert code(the_row(), "tf2.11", "tf2.15") is ExitCode.FINE


@pytest.mark.parametrize("asked", ["tf2.4", "tf2.16", "tf2.21", ""])
def test_it_fails_or_drifts_somewhere(asked: str) -> None:
    """Drift is as bad as failure, and so is what loads only another way."""
    assert code(the_row(), *filter(None, [asked])) is ExitCode.FINDINGS


def test_unknown_is_no_success() -> None:
    """Not tried, not built, not comparable, our fault, or cut short: a gate that lets that through is none."""
    passing = [a_cell(one, Verdict.PASS) for one in BASE[:5]]
    assert code(passing) is ExitCode.INCOMPLETE
    assert code(passing, "tf2.21") is ExitCode.INCOMPLETE
    assert code([a_cell(one, Verdict.LOADS) for one in BASE]) is ExitCode.INCOMPLETE
    assert code([a_cell(one, Verdict.HARNESS_BROKEN) for one in BASE]) is ExitCode.INCOMPLETE
    assert code([], plan=()) is ExitCode.INCOMPLETE
    whole = [a_cell(one, Verdict.PASS) for one in BASE]
    assert code(whole, state=UploadState.FAILED) is ExitCode.INCOMPLETE
    assert code(whole, state=UploadState.LOADING, row_at=None) is ExitCode.INCOMPLETE


def test_what_is_refused_is_found_wanting() -> None:
    """A file that nobody can read loads nowhere."""
    assert code([], state=UploadState.REFUSED, plan=()) is ExitCode.FINDINGS


def printed(found: dict[str, Any]) -> str:
    """What a person reads."""
    written = io.StringIO()
    check.show(Console(width=160, file=written), found)
    return written.getvalue()


def test_a_person_reads_what_it_is_where_it_loads_why_not_and_what_helps() -> None:
    """All of it on one screen."""
    text = printed(document(the_row()))
    assert "It is a whole model in HDF5. Saved with Keras 2.11.0." in text
    assert "Classes of its own: shop>Gate" in text
    assert "reference" in text
    assert "0.0421" in text
    assert "with compile=False" in text
    assert "tried, and works" in text
    assert "Unknown layer: 'Gate'" in text


def test_markup_of_a_stranger_is_text() -> None:
    """Neither a name nor an error is taken for the terminal's markup."""
    bad = failure("[bold]no[/] [link=x]", exception=HOSTILE)
    text = printed(document([a_cell(one, Verdict.FAIL, failure=bad) for one in BASE]))
    assert "[bold]no[/] [link=x]" in text
    assert HOSTILE in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.keras"], "There is no file"),
        (["."], "is a folder"),
        (["model.h5", "--custom-objects", "nowhere.py"], "There is no file"),
        (["model.h5", "--serve-with", "2.99"], "2.99"),
        (["model.h5", "--server", "nonsense"], "does not answer as a tfmatrix does"),
    ],
)
def test_bad_words_are_told_in_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    """With what to do, and no traceback; nothing is left at the door."""
    monkeypatch.chdir(home)
    (home / "model.h5").write_bytes(b"model")
    result = CliRunner().invoke(app, ["check", *words])
    assert isinstance(result.exception, Exception)
    assert said in str(result.exception)
    assert not list(home.glob("uploads/door/*"))
