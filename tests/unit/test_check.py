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

from matrix.catalog import load_environments
from matrix.errors import ExitCode
from matrix.model import Verdict
from matrix.uploads.model import UploadCell, UploadState
from reports.pages.uploaded import Found, uploaded
from service import check
from service.cli import app
from service.gate import Asked, exit_code, incomplete
from tests.upload_samples import BASE, HOSTILE, INSPECTION, a_cell, an_upload, failure, own_python, the_row

EVERY = tuple(one.id for one in BASE)


def document(cells: Sequence[UploadCell], **changes: Any) -> dict[str, Any]:
    """What is known of an upload, as a gate reads it."""
    return uploaded(Found(upload=an_upload(**changes), cells=tuple(cells)), BASE, frozenset()).document(
        datetime.now(UTC)
    )


def code(cells: Sequence[UploadCell], *asked: str, **changes: Any) -> ExitCode:
    """The exit code."""
    return exit_code(document(cells, **changes), asked_for(*asked))


def asked_for(*names: str, server: str = "") -> Asked:
    """What a gate asks: some, or by default all."""
    return Asked(environments=names or EVERY, words=",".join(one.removeprefix("tf") for one in names), server=server)


def told(cells: Sequence[UploadCell], *asked: str, server: str = "", **changes: Any) -> tuple[str, str]:
    """What is said where the answer is incomplete, and what helps."""
    error = incomplete(document(cells, **changes), asked_for(*asked, server=server))
    return error.message, error.next_step


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


def test_what_is_not_built_is_unknown_where_all_were_asked_for() -> None:
    """The plan leaves out what is not built: with 2.15 alone a gate for all would otherwise pass."""
    only = [one for one in BASE if one.id == "tf2.15"]
    passing, plan = [a_cell(one, Verdict.PASS) for one in only], ("tf2.15",)
    assert code(passing, plan=plan) is ExitCode.INCOMPLETE
    assert code(passing, "tf2.15", plan=plan) is ExitCode.FINE
    assert code([a_cell(only[0], Verdict.FAIL)], plan=plan) is ExitCode.FINDINGS


def test_python_that_fails_everywhere_is_said_with_what_to_do() -> None:
    """Once, and what to do once; in some versions alone below these."""
    said = printed(document([a_cell(one, Verdict.FAIL, failure=own_python()) for one in BASE]))
    assert "The Python that you handed in fails in every version" in said
    assert said.count("no other package: leave the import out of custom_objects.py") == 1
    assert said.count("No module named 'torch'") == 1
    assert "brought.Unusable" not in said
    assert "2.4" not in said.partition("The Python")[0], "a row of failures stands before it"
    some = [a_cell(BASE[0], Verdict.FAIL, failure=own_python()), *(a_cell(one, Verdict.PASS) for one in BASE[1:])]
    assert printed(document(some)).count("no other package: leave the import out of custom_objects.py") == 1
    assert "fails in 2.4" in printed(document(some))


def test_what_was_tried_beside_all_counts_as_well() -> None:
    """A file of Keras 3 is tried in overlays, too; where versions are named, only these count."""
    overlay = next(one for one in load_environments() if one.base is not None)
    row = [*(a_cell(one, Verdict.PASS) for one in BASE), a_cell(overlay, Verdict.DRIFT)]
    plan = (*EVERY, overlay.id)
    found = uploaded(Found(upload=an_upload(plan=plan), cells=tuple(row)), (*BASE, overlay), frozenset()).document(
        datetime.now(UTC)
    )
    assert exit_code(found, asked_for()) is ExitCode.FINDINGS
    assert exit_code(found, asked_for("tf2.15")) is ExitCode.FINE


def test_what_is_absent_is_named_with_what_builds_it() -> None:
    """As ranges; with the words that were asked with; at a server whoever runs that can do it."""
    passing, plan = [a_cell(one, Verdict.PASS) for one in BASE if one.id == "tf2.15"], ("tf2.15",)
    assert told(passing, plan=plan) == (
        "2.4-2.14, 2.16-2.21 are not built here, so nothing is known of them.",
        "`tfmatrix setup` builds what is missing; then ask again.",
    )
    assert told(passing, "tf2.15", "tf2.16", plan=plan) == (
        "2.16 is not built here, so nothing is known of it.",
        "`tfmatrix setup --environments 2.15,2.16` builds what is missing; then ask again.",
    )
    message, step = told(passing, "tf2.15", "tf2.16", plan=plan, server="https://there")
    assert message == "2.16 is not built at https://there, so nothing is known of it."
    assert "Whoever runs https://there" in step


@pytest.mark.parametrize(
    ("changes", "said", "step"),
    [
        ({}, "not called", "--inputs"),
        ({"note": "It answers differently each time."}, "It answers differently each time.", "the same each time"),
        ({"note": "Built anew.", "inspection": {**INSPECTION, "kind": "builder"}}, "Built anew.", "--save-again"),
    ],
)
@pytest.mark.parametrize("server", ["", "https://there"])
def test_what_loads_and_is_compared_with_nothing_is_not_missing(
    changes: dict[str, Any], said: str, step: str, server: str
) -> None:
    """Building something would not help: the next step is one that does, here as at a server."""
    row = [a_cell(one, Verdict.LOADS) for one in BASE]
    message, next_step = told(row, server=server, reference=None, **changes)
    assert "2.4-2.21" in message
    assert said in message
    assert step in next_step
    assert "setup" not in next_step


def test_an_environment_that_did_not_prove_itself_is_rebuilt() -> None:
    """It says nothing of the model."""
    row = [a_cell(one, Verdict.PASS) for one in BASE[1:]] + [a_cell(BASE[0], Verdict.HARNESS_BROKEN)]
    message, step = told(row)
    assert message == "2.4 did not prove itself, so nothing is known of it."
    assert "images build --environments 2.4 --again" in step
    assert told(row, server="https://there")[1] == "Whoever runs https://there rebuilds it."
    assert "images build --environments 2.4,2.5 --again" in told([*row[1:], a_cell(BASE[1], Verdict.HARNESS_BROKEN)])[1]


def test_what_ended_without_an_answer_says_why() -> None:
    """In the words that the upload has."""
    failed = {"state": UploadState.FAILED, "message": "A fault in tfmatrix.", "next_step": "Please report it."}
    assert told(the_row(), **failed) == ("A fault in tfmatrix.", "Please report it.")


def test_what_is_refused_is_found_wanting() -> None:
    """A file that nobody can read loads nowhere."""
    assert code([], state=UploadState.REFUSED, plan=()) is ExitCode.FINDINGS


def printed(found: dict[str, Any], width: int = 160) -> str:
    """What a person reads."""
    written = io.StringIO()
    console = Console(width=width, file=written)
    check.show_identity(console, found["identity"])
    check.show(console, found)
    return written.getvalue()


def test_a_person_reads_what_it_is_where_it_loads_why_not_and_what_helps() -> None:
    """All of it on one screen."""
    text = printed(document(the_row()))
    assert text.splitlines()[:6] == [
        "It is a whole model in HDF5. Saved with Keras 2.11.0.",
        "  Known by: The attribute keras_version says 2.11.0, The backend is tensorflow.",
        "  Holds: 1,234,567 parameters, 9 layers (3 Conv2D, 2 Dense, 1 Dropout, 1 Flatten, ...), Adam with its state.",
        "  Not Keras' own: shop>Gate.",
        "  Python code or reaching outside: Lambda layers (scale).",
        "  Takes: image (?, 28, 28, 1) float32. The inputs were made from what the model says it takes: 4 rows of numbers.",
    ]
    assert "reference" in text
    assert "0.0421" in text
    assert "with compile=False" in text
    assert "tried, and works" in text
    assert "Unknown layer: 'Gate'" in text


def test_what_is_not_known_of_a_file_is_not_told() -> None:
    """A script says nothing of itself but that it is one."""
    bare: dict[str, Any] = {
        "refused": None,
        "kind": "builder",
        "saved_with": {},
        "model": {},
        "signature": None,
        "notes": ["A note."],
    }
    found = document([], inspection=bare, plan=())
    assert printed(found).splitlines()[:2] == [
        "It is a script that builds a model. The file does not say which version saved it.",
        "A note.",
    ]


def test_a_long_list_is_told_by_its_beginning() -> None:
    """The document has it whole."""
    model = {**INSPECTION["model"], "custom": [f"shop>Gate{number}" for number in range(40)]}
    text = printed(document([], inspection={**INSPECTION, "model": model}, plan=()))
    assert "shop>Gate3, and 36 more." in text
    assert "shop>Gate4" not in text


def test_a_version_takes_one_line_of_a_terminal() -> None:
    """Eighty columns are usual; a cause is told whole below, once."""
    row = [a_cell(one, Verdict.FAIL, failure=failure("a very long message " * 200)) for one in BASE]
    lines = printed(document(row), width=80).splitlines()
    header = next(number for number, line in enumerate(lines) if line.lstrip().startswith("TensorFlow"))
    versions = [line.split()[0] for line in lines[header + 1 : header + 1 + len(BASE)]]
    assert versions == [one.id.removeprefix("tf") for one in BASE]
    assert all(len(line) <= 80 for line in lines[header : header + 1 + len(BASE)])
    below = lines[header + 1 + len(BASE) :]
    assert any(line.count("a very long message") > 20 and line.endswith("...") for line in below)


class Told:
    """An upload of which a document after the other is known."""

    def __init__(self, *documents: dict[str, Any] | None) -> None:
        self.documents = list(documents)

    def look(self) -> dict[str, Any] | None:
        """What is known next."""
        return self.documents.pop(0)


@pytest.mark.parametrize("quiet", [False, True])
def test_what_it_is_is_told_once_and_before_the_row(monkeypatch: pytest.MonkeyPatch, *, quiet: bool) -> None:
    """It is known seconds before the first version has loaded it; a program reads nothing but the document."""
    written = io.StringIO()
    monkeypatch.setattr(check, "out", Console(file=written))
    monkeypatch.setattr(check, "LOOK_SECONDS", 0)
    waiting = document([], state=UploadState.INSPECTING, inspection=None, plan=(), row_at=None)
    loading = document([], state=UploadState.LOADING, row_at=None)
    seen: list[str] = []

    class Following(Told):
        def look(self) -> dict[str, Any] | None:
            seen.append(written.getvalue())
            return super().look()

    followed = Following(None, waiting, loading, loading, document(the_row()))
    assert check._followed(followed, quiet=quiet, whole=False)["finished"]
    assert [text.count("It is a whole model") for text in seen] == ([0] * 5 if quiet else [0, 0, 0, 1, 1])


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
