"""One cell with its whole story."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from matrix.model import Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import Difference, Mark, Marks
from reports.grid import Outcome
from reports.links import ServerLinks
from reports.pages.cell import Cell, Story, Subject, cell
from reports.pages.rungs import ladder
from reports.rendering import html
from tests import fake_matrix, store_samples
from tests.known import known_of, with_tfsm_layer
from tests.site import Visitor, visitor

__all__ = ["visitor"]

KNOWN = known_of(fake_matrix.results())
BROWSER = {"accept": "text/html"}
HOSTILE = "<script>window.pwned = 1</script>"
SAVED = store_samples.save()
RESULT = store_samples.cell()


def subject(**changes: Any) -> Subject:
    """Dense as h5 of 2.9 in 2.15."""
    saver, loader, model = KNOWN.environment("tf2.9"), KNOWN.environment("tf2.15"), KNOWN.model("dense")
    assert saver and loader and model  # noqa: PT018
    fields = {"saver": saver, "loader": loader, "model": model, "format": Format.H5}
    return Subject(**{**fields, "method": Method.DEFAULT, "primary": Method.DEFAULT, **changes})


def content(story: Story, **changes: Any) -> Cell:
    """The content of a cell's page."""
    found = cell(KNOWN, subject(**changes), story, (), ()).content
    assert isinstance(found, Cell)
    return found


def states(**changes: Any) -> list[str]:
    """The ladder of a result."""
    return [step.state for step in ladder(replace(RESULT, **changes))]


def test_a_pass_reached_every_rung() -> None:
    """Each with the time that the probe took of it."""
    effort = replace(RESULT.effort, steps={"opened": 0.001, "deserialized": 0.04, "called": 0.002})
    steps = ladder(replace(RESULT, verdict=Verdict.PASS, rung=Rung.OUTPUTS_EQUAL, signature_equal=True, effort=effort))
    assert {step.state for step in steps} == {"reached"}
    assert [step.seconds for step in steps] == [0.001, 0.04, None, 0.002, None]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"verdict": Verdict.FAIL, "rung": Rung.OPENED, "signature_equal": None},
            ["reached", "stopped", "not reached", "not reached", "not reached"],
        ),
        (
            {"verdict": Verdict.FAIL, "rung": Rung.NOTHING, "signature_equal": None},
            ["stopped", "not reached", "not reached", "not reached", "not reached"],
        ),
        (
            {"verdict": Verdict.DRIFT, "rung": Rung.CALLED, "signature_equal": True},
            ["reached", "reached", "reached", "reached", "differs"],
        ),
        (
            {"verdict": Verdict.PASS, "rung": Rung.OUTPUTS_EQUAL, "signature_equal": False},
            ["reached", "reached", "differs", "reached", "reached"],
        ),
        (
            {"verdict": Verdict.FAIL, "rung": Rung.DESERIALIZED, "signature_equal": False},
            ["reached", "reached", "differs", "stopped", "not reached"],
        ),
    ],
)
def test_a_ladder_says_where_it_ended(changes: dict[str, Any], expected: list[str]) -> None:
    """A signature that differs stops no load; the rung that was not reached first is where it ended."""
    assert states(**changes) == expected


def test_words_say_what_came_of_it() -> None:
    """Drift with its size, a crash with its signal, a failure with how far it got."""
    off = Difference(output="digit", equal=False, max_absolute=0.25, max_relative=1.0)
    drift = replace(RESULT, verdict=Verdict.DRIFT, rung=Rung.CALLED, differences=(off,))
    assert "the largest difference is 0.25" in content(Story(save=SAVED, result=drift)).words
    crash = replace(RESULT, verdict=Verdict.CRASH, rung=Rung.OPENED, signal=11, failure=None)
    assert "by signal 11. It got as far as “opened”." in content(Story(save=SAVED, result=crash)).words


def test_a_cell_that_nobody_measured_is_there_with_its_command() -> None:
    """Also with another method than the usual one."""
    found = content(Story())
    assert (found.outcome, found.command) == (Outcome.NOT_MEASURED, "tfmatrix cell tf2.9 dense h5 tf2.15")
    found = content(Story(save=SAVED), method=Method.WEIGHTS)
    assert found.command.endswith("--method weights")
    assert found.before is not None
    assert (found.before.label, found.before.href) == ("2.14", "/cells/tf2.9/dense/h5/tf2.14?method=weights")


def test_a_save_that_failed_says_why_on_the_same_page() -> None:
    """Its error, and that there is nothing to load."""
    failed = replace(
        SAVED, outcome=SaveOutcome.FAILED, artifact=None, reason=HOSTILE, failure=store_samples.failure(HOSTILE)
    )
    page = cell(KNOWN, subject(), Story(save=failed), (), ())
    assert page.content.outcome is Outcome.SAVE_FAILED
    document = html(page, ServerLinks(), fake_matrix.NOW)
    assert "Why there is nothing to load" in document
    assert HOSTILE not in document
    assert "&lt;script&gt;window.pwned" in document


def test_everything_hostile_is_text() -> None:
    """Warnings, names of outputs, reasons and notes of marks come out of a process that we do not trust."""
    odd = Difference(output=HOSTILE, equal=False, max_absolute=None, max_relative=float("inf"), reason=HOSTILE)
    notes = {"saved_again": HOSTILE}
    marks = Marks(saved_again=Mark.NO, optimizer_restored=Mark.YES, trained_step=Mark.NOT_APPLICABLE, notes=notes)
    result = replace(
        RESULT,
        verdict=Verdict.FAIL,
        failure=store_samples.failure(HOSTILE),
        differences=(odd,),
        warnings=(HOSTILE,) * 3,
        marks=marks,
        repeated=Verdict.FAIL,
    )
    document = html(cell(KNOWN, subject(), Story(save=SAVED, result=result), (), ()), ServerLinks(), fake_matrix.NOW)
    assert HOSTILE not in document
    assert document.count("&lt;script&gt;") >= 5


def test_another_way_in_the_same_loader_is_offered() -> None:
    """Where this method does not pass and another one does; not where it passes anyway."""
    known = with_tfsm_layer(
        fake_matrix.results(), lambda one: (one.saver, one.loader, one.model) == ("tf2.9", "tf2.18", "dense")
    )
    here = subject(loader=known.environment("tf2.18"), format=Format.SAVEDMODEL)
    failed = replace(RESULT, verdict=Verdict.FAIL, rung=Rung.OPENED, failure=store_samples.failure())
    (found,) = cell(known, here, Story(save=SAVED, result=failed), (), ()).content.remedies
    assert (found.label, found.href) == (
        "It loads as a TFSMLayer",
        "/cells/tf2.9/dense/savedmodel/tf2.18?method=TFSMLayer",
    )
    assert cell(known, here, Story(save=SAVED, result=RESULT), (), ()).content.remedies == ()


def test_neighbours_are_all_methods_in_all_versions() -> None:
    """The usual method first; a square leads to its cell, with the method where it is not the usual one."""
    model = KNOWN.model("custom-activation")
    found = content(Story(), model=model, method=Method.CUSTOM_OBJECTS, primary=Method.CUSTOM_OBJECTS).neighbours
    assert [head.id for head, _ in found.rows] == ["custom_objects", "default"]
    assert found.rows[0][1][0].href == "/cells/tf2.9/custom-activation/h5/tf2.4"
    assert found.rows[1][1][0].href == "/cells/tf2.9/custom-activation/h5/tf2.4?method=default"


def first(visitor: Visitor, outcome: str = "pass") -> str:
    """The address of a cell of the made-up matrix with this outcome."""
    for saver in ("tf2.9", "tf2.4", "tf2.18", "tf2.13", "tf2.21"):
        pair = visitor.get(f"/pairs/{saver}/tf2.15.json").json()
        for _, row in pair["heat"]["rows"]:
            for square in row:
                if square["counts"].get(outcome) and square["href"]:
                    return str(square["href"])
    raise AssertionError(outcome)


@pytest.mark.parametrize("outcome", ["pass", "fail", "unsupported"])
def test_each_cell_has_a_page(visitor: Visitor, outcome: str) -> None:
    """And a twin, whatever came of it."""
    address = first(visitor, outcome)
    assert visitor.get(address, headers=BROWSER).status_code == 200
    twin = visitor.get(f"{address}.json").json()
    assert (twin["schema"], twin["outcome"]) == ("tfmatrix.cell", outcome)
    if outcome == "pass":
        assert twin["by_hand"][0]["title"] == "With Docker alone"
        assert {one["role"] for one in twin["places"]} == {"saved", "loads"}
        assert twin["places"][0]["packages"]["tensorflow-cpu"]


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/cells/tf2.99/dense/h5/tf2.15", 404, "tf2.9"),
        ("/cells/tf2.9/dens/h5/tf2.15", 404, "dense"),
        ("/cells/tf2.9/dense/h55/tf2.15", 404, "h5"),
        ("/cells/tf2.9/dense/h5/tf2.155", 404, "tf2.15"),
        ("/cells/tf2.9/dense/h5/tf2.15?method=magic", 422, "method"),
        ("/cells/tf2.9/dense/h5/tf2.15?method=TFSMLayer", 422, "default"),
    ],
)
def test_what_cannot_be_is_said_in_words(visitor: Visitor, address: str, status: int, said: str) -> None:
    """404 with the nearest, 422 with what may be chosen."""
    answer = visitor.get(address, headers=BROWSER)
    assert answer.status_code == status
    assert said in answer.text
