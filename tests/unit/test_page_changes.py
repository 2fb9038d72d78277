"""Two loaders beside each other: as the rows say, grouped, and served."""

from __future__ import annotations

from typing import Final

import pytest

from matrix.model import Verdict
from matrix.results import MatrixRow
from reports.changes import Change, compare, groups, steps
from tests import fake_matrix
from tests.known import known_of
from tests.site import Visitor, empty_visitor, visitor

__all__ = ["empty_visitor", "visitor"]

FAKE: Final = fake_matrix.results()
KNOWN: Final = known_of(FAKE)
FAILING: Final = {Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH, Verdict.OUT_OF_MEMORY}


def by_file(loader: str) -> dict[tuple[str, str, str], MatrixRow]:
    """The primary rows of one loader."""
    return {(row.saver, row.model, row.format): row for row in FAKE.rows if row.primary and row.loader == loader}


@pytest.mark.parametrize(("before", "after"), [("tf2.15", "tf2.16"), ("tf2.16", "tf2.15"), ("tf2.11", "tf2.12")])
def test_what_broke_and_was_fixed_is_what_the_rows_say(before: str, after: str) -> None:
    """Counted from arrays and from rows it is the same."""
    was, now = by_file(before), by_file(after)
    pairs = [(was[key].verdict, now[key].verdict) for key in was]
    counts = compare(KNOWN, before, after).counts()
    assert sum(counts.values()) == len(pairs)
    good = {Verdict.PASS, Verdict.DRIFT}
    assert counts.get(Change.BROKE, 0) == sum(one in good and other in FAILING for one, other in pairs)
    assert counts.get(Change.DRIFTS, 0) == sum(
        one in FAILING | {Verdict.PASS} and other is Verdict.DRIFT for one, other in pairs
    )
    assert counts.get(Change.FIXED, 0) == sum(
        one in FAILING | {Verdict.DRIFT} and other is Verdict.PASS for one, other in pairs
    )


def test_a_version_beside_itself_changes_nothing() -> None:
    """All files are the same, or not measured."""
    assert compare(KNOWN, "tf2.15", "tf2.15").counts().keys() <= {Change.SAME, Change.UNKNOWN}


def test_files_are_grouped_with_their_cause() -> None:
    """A group is one model in one format for one cause, and its savers are ranges; no file is in two groups."""
    compared = compare(KNOWN, "tf2.15", "tf2.16")
    found, _ = groups(KNOWN, compared, Change.BROKE)
    assert sum(one.files for one in found) == compared.counts()[Change.BROKE]
    one = next(one for one in found if one.model == "dense" and one.format == "savedmodel")
    assert (one.savers, one.files) == ("2.4-2.15", 12)
    assert "File format not supported" in one.cause
    assert one.cause_href == "/errors/no-savedmodel"


def test_what_was_fixed_is_told_by_what_failed_before() -> None:
    """Its cause is the older loader's."""
    compared = compare(KNOWN, "tf2.11", "tf2.12")
    found, _ = groups(KNOWN, compared, Change.FIXED)
    assert any("file signature" in one.cause for one in found)


def test_steps_go_along_the_line() -> None:
    """Newest first, each with the version before it, and the one that broke most names why."""
    found = steps(KNOWN)
    assert (found[0].before, found[0].after, len(found)) == ("tf2.20", "tf2.21", 17)
    assert max(found, key=lambda one: one.counts.get(Change.BROKE, 0)).after == "tf2.16"
    assert found[5 - 1].cause or found[5].cause


def test_the_page_is_served(visitor: Visitor) -> None:
    """By itself of the newest two; ids go without tf; what there is not is refused with what was meant."""
    assert visitor.get("/changes.json").json()["after"] == "tf2.21"
    page = visitor.get("/changes?before=tf2.15&after=2.16")
    assert page.status_code == 200
    assert "What broke" in page.text
    wrong = visitor.get("/changes.json?before=tf2.155")
    assert (wrong.status_code, "tf2.15" in wrong.json()["error"]["next_step"]) == (422, True)
    assert "nothing differs" in visitor.get("/changes?before=tf2.15&after=tf2.15").text


def test_nothing_measured_says_what_to_run(empty_visitor: Visitor) -> None:
    """The form is there, and the command."""
    assert "make matrix" in empty_visitor.get("/changes").text


def test_a_version_says_what_it_broke(visitor: Visitor) -> None:
    """Its page has the counts of the step to it, and the way to what they are."""
    counts = visitor.get("/changes.json?before=tf2.15&after=tf2.16").json()["counts"]
    assert visitor.get("/environments/tf2.16.json").json()["step"]["counts"] == counts
    page = visitor.get("/environments/tf2.16").text
    assert f"{counts['broke']:,} broke" in page
    assert visitor.get("/environments/tf2.4.json").json()["step"] is None
