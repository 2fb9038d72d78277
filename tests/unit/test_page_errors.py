"""Kinds of failure: counted as the rows say, found by their words, and each with where it occurs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest

from matrix.model import SaveOutcome
from reports.assembly import Kind
from reports.cost import cost_of
from reports.cube import cube_of
from reports.failures import counted, search, slug
from reports.known import Known, Told
from reports.pages.errors import GROUPS_PER_PAGE, Errors, errors
from reports.pages.failure import OneError, error
from tests import fake_matrix
from tests.site import Visitor, empty_visitor, visitor

__all__ = ["empty_visitor", "visitor"]

FAKE: Final = fake_matrix.results()
ALIKE: Final = "KeyError: a layer's variable"
"""The cause that the fake world's many KeyErrors have in common."""


def kind(name: str) -> Kind:
    """What is held of an error of the fake world."""
    one = Kind.of(FAKE.failures[name])
    return replace(one, cause=ALIKE) if name.startswith("key-") else one


KNOWN: Final = Known(
    generation=1,
    told=Told(cube_of(FAKE), {name: kind(name) for name in FAKE.failures}),
    header=FAKE.header,
    cost=cost_of([]),
)


def listed(query: str = "", page: int = 1, cause: str | None = None) -> Errors:
    """The list's content."""
    content: Errors = errors(KNOWN, query, page, cause).content
    return content


def test_errors_are_counted_as_the_rows_say() -> None:
    """Each cell counts for its error; a save that failed counts once, whatever may have loaded it."""
    count = counted(KNOWN)
    wanted = Counter(row.fingerprint for row in FAKE.rows if row.verdict is not None and row.fingerprint)
    found = {name: int(count.cells[place]) for name, place in KNOWN.cube.error_at.items()}
    assert {name: many for name, many in found.items() if many} == dict(wanted)
    failed = {(row.saver, row.model, row.format) for row in FAKE.rows if row.save_outcome is SaveOutcome.FAILED}
    assert int(count.saves[KNOWN.cube.error_at["save-error"]]) == len(failed)


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("batch_shape", {"batch-shape"}),
        ("VALUEERROR layer", {"unknown", "no-savedmodel"}),
        ('"Unknown layer: Swish"', {"unknown"}),
        ('"layer: Unknown Swish"', set()),
        ("window.pwned", {"script"}),
        ("no such words anywhere", set()),
        ('"', set()),
    ],
)
def test_a_search_finds_what_has_every_word(query: str, finds: set[str]) -> None:
    """In the class or the message, whatever the case; a phrase as it is."""
    names = KNOWN.cube.fingerprints
    assert {name for name, hit in zip(names, search(KNOWN.kinds, names, query), strict=True) if hit} == finds


def test_kinds_of_one_cause_are_one_entry() -> None:
    """Their cells and kinds are added up, and a page of its own lists them."""
    group = max(listed().groups, key=lambda one: one.kinds)
    assert group.kinds > 10
    alone = listed(cause=group.cause)
    assert (alone.kinds, alone.cells, len(alone.rows)) == (group.kinds, group.cells, group.kinds)
    assert slug(group.cause) in group.href
    assert [one.cells for one in alone.rows] == sorted((one.cells for one in alone.rows), reverse=True)


def test_the_list_begins_with_the_most_frequent_and_has_a_last_page() -> None:
    """Beyond it there is nothing, and the way back leads to it."""
    first = listed()
    counts = [one.cells + one.saves for one in first.groups]
    assert counts == sorted(counts, reverse=True)
    assert len(first.groups) <= GROUPS_PER_PAGE
    beyond = listed(page=99)
    assert (beyond.groups, beyond.next, beyond.previous) == ((), None, "/errors")


def test_one_error_says_where_it_occurs() -> None:
    """Ranges, a table of savers and loaders that adds up, and cells to look at."""
    content: OneError = error(KNOWN, FAKE.failures["no-savedmodel"]).content
    rows = [row for row in FAKE.rows if row.fingerprint == "no-savedmodel"]
    assert content.cells == len(rows)
    assert content.matrix is not None
    assert sum(square.number or 0 for _, squares in content.matrix.rows for square in squares) == len(rows)
    assert (content.loaders, content.formats) == ("2.16-2.21", ("savedmodel",))
    assert content.examples[0].command.startswith("tfmatrix cell tf2.")


def test_a_failed_save_has_no_loaders() -> None:
    """Nothing was loaded: the page tells of savers alone."""
    content: OneError = error(KNOWN, FAKE.failures["save-error"]).content
    assert (content.cells, content.saves, content.loaders, content.matrix) == (0, 1, "", None)


def of_site(visitor: Visitor, address: str) -> Any:
    """A page's twin."""
    found = visitor.get(address)
    assert found.status_code == 200, found.text
    return found.json()


def test_the_list_is_served(visitor: Visitor) -> None:
    """As a page and for programs, with a search in its address, and escaped."""
    assert of_site(visitor, "/errors.json")["groups"]
    page = visitor.get("/errors", params={"q": '<script>alert(1)</script> "'})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    group = max(of_site(visitor, "/errors.json")["groups"], key=lambda one: one["kinds"])
    assert visitor.get(group["href"]).status_code == 200


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=99999999999999999999", "cause=nothing"])
def test_nonsense_is_refused(visitor: Visitor, query: str) -> None:
    """422, never a long query."""
    assert visitor.get(f"/errors.json?{query}").status_code == 422


def test_empty_fields_of_the_form_are_left_out(visitor: Visitor) -> None:
    """A form sends every field."""
    assert visitor.get("/errors?q=&page=&cause=").status_code == 200
    assert visitor.get("/errors?page=5000").status_code == 200


def test_an_error_goes_by_the_beginning_of_its_fingerprint(visitor: Visitor) -> None:
    """Eight letters are enough; what nothing begins with is not found."""
    group = of_site(visitor, "/errors.json")["groups"][0]["shown"][0]
    whole = of_site(visitor, f"/errors/{group['fingerprint']}.json")
    assert of_site(visitor, f"/errors/{group['fingerprint'][:16]}.json")["fingerprint"] == whole["fingerprint"]
    assert visitor.get(f"/errors/{group['fingerprint']}").status_code == 200
    for wrong in (group["fingerprint"][:4], f"{group['fingerprint'][:10]}zz", "nothing-at-all"):
        assert visitor.get(f"/errors/{wrong}.json").status_code == 404
    near = visitor.get(f"/errors/{group['fingerprint'][:10]}zz.json").json()["error"]
    assert near["nearest"] == [group["fingerprint"]]


def test_nothing_measured_says_what_to_run(empty_visitor: Visitor) -> None:
    """The list is empty, and says so."""
    assert "make matrix" in empty_visitor.get("/errors").text
