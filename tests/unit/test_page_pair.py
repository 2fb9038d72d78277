"""One saver and one loader, and one model in one format: one sign for each load, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix.model import Format, Method, Verdict
from reports.grid import Look, Outcome
from reports.links import ServerLinks
from reports.pages.model_as import ModelAs, model_as
from reports.pages.pair import Pair, neighbours, pair
from reports.rendering import html
from tests import fake_matrix
from tests.known import known_of, with_tfsm_layer
from tests.site import Visitor, visitor

__all__ = ["visitor"]

FAKE = fake_matrix.results()
KNOWN = known_of(FAKE)
BROWSER = {"accept": "text/html"}


def between(saver: str, loader: str, known=KNOWN) -> Pair:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """The content of a pair's page."""
    savers, loaders = known.environment(saver), known.environment(loader)
    assert savers is not None
    assert loaders is not None
    content = pair(known, savers, loaders).content
    assert isinstance(content, Pair)
    return content


def test_each_file_has_its_sign_and_leads_to_its_cell() -> None:
    """The heat map is of models and formats, each square one load."""
    content = between("tf2.9", "tf2.18")
    assert [head.id for head, _ in content.heat.rows] == [one.id for one in fake_matrix.models()]
    dense = dict(zip([head.id for head in content.heat.columns], content.heat.rows[0][1], strict=True))
    assert (dense["savedmodel"].drawn.look, dense["savedmodel"].drawn.text) == (Look.NONE, "✕")
    assert dense["savedmodel"].href == "/cells/tf2.9/dense/savedmodel/tf2.18"
    assert dense["keras"].drawn.look is Look.NOTHING
    assert sum(content.counts.values()) == 40


def test_what_drifts_says_by_how_much() -> None:
    """The largest difference first, each with its cell."""
    found = between("tf2.9", "tf2.18").drifts
    assert {one.model for one in found} == {"recurrent"}
    sizes = [one.absolute or 0 for one in found]
    assert sizes == sorted(sizes, reverse=True)
    assert found[0].href.startswith("/cells/tf2.9/recurrent/")


def test_why_it_fails_is_counted() -> None:
    """The cause that most files share comes first and leads to its error."""
    first = between("tf2.9", "tf2.18").reasons[0]
    assert first.cause.startswith("ValueError: File format not supported")
    assert (first.cells, first.href) == (10, "/errors/no-savedmodel")


def test_other_methods_are_counted_where_the_usual_one_fails() -> None:
    """Files that another method loads, once each, not those that load anyway."""
    known = with_tfsm_layer(FAKE, lambda one: (one.saver, one.loader) == ("tf2.9", "tf2.18"))
    (helping,) = between("tf2.9", "tf2.18", known).helps
    failing = [one for one in FAKE.rows if one.primary and (one.saver, one.loader) == ("tf2.9", "tf2.18")]
    expected = sum(one.verdict not in {Verdict.PASS, None} for one in failing)
    assert helping.files >= expected > 0
    assert helping.href.endswith("?method=TFSMLayer")


def test_neighbours_are_those_next_door() -> None:
    """In numeric order; none at the ends."""
    assert (between("tf2.9", "tf2.10").before, between("tf2.9", "tf2.10").after) == ("tf2.9", "tf2.11")
    assert neighbours("a", ["a", "b"]) == (None, "b")
    assert neighbours("b", ["a", "b"]) == ("a", None)
    assert neighbours("c", ["a", "b"]) == (None, None)


def test_a_pair_that_nobody_measured_says_what_measures_it() -> None:
    """With both versions in the command."""
    rows = tuple(one for one in FAKE.rows if one.loader != "tf2.18")
    empty = between("tf2.9", "tf2.18", known_of(replace(FAKE, rows=rows))).empty
    assert empty is not None
    assert empty.command == "tfmatrix run --environments tf2.9,tf2.18"


def test_a_model_in_a_format_leads_to_every_cell() -> None:
    """Savers down, loaders across, one sign each."""
    model = KNOWN.model("custom-activation")
    assert model is not None
    content = model_as(KNOWN, model, Format.H5).content
    assert isinstance(content, ModelAs)
    assert (content.method, content.loaded) == (Method.CUSTOM_OBJECTS, "with custom_objects")
    head, squares = content.matrix.rows[0]
    assert (head.id, squares[3].href) == ("tf2.4", "/cells/tf2.4/custom-activation/h5/tf2.7")
    assert all(sum(square.counts.values()) == 1 for _, row in content.matrix.rows for square in row)
    assert content.counts[Outcome.PASS] > 0


def test_a_format_that_makes_no_sense_says_so() -> None:
    """By design of the recipe, so there is nothing to run."""
    model = KNOWN.model("dense")
    assert model is not None
    content = model_as(KNOWN, replace(model, formats=("h5",)), Format.CHECKPOINT).content
    assert content.empty.title == "Makes no sense in this format"


def test_hostile_texts_are_escaped() -> None:
    """A cause that somebody wrote is text on the page."""
    saver, loader = KNOWN.environment("tf2.19"), KNOWN.environment("tf2.20")
    assert saver is not None
    assert loader is not None
    document = html(pair(KNOWN, saver, loader), ServerLinks(), fake_matrix.NOW)
    assert "layer named" in document
    assert "<script>window" not in document


def test_addresses(visitor: Visitor) -> None:
    """Pages and twins are there."""
    for address in ("/pairs/tf2.9/tf2.15", "/pairs/tf2.9/tf2.9", "/models/dense/h5", "/models/tf-module/h5"):
        assert visitor.get(address, headers=BROWSER).status_code == 200
        assert visitor.get(f"{address}.json").json()["schema"] in {"tfmatrix.pair", "tfmatrix.model_as"}


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("/pairs/tf2.99/tf2.4", "tf2.9"),
        ("/pairs/tf2.9/tf2.155", "tf2.15"),
        ("/models/dens/h5", "dense"),
        ("/models/dense/h6", "h5"),
    ],
)
def test_what_is_not_there_suggests_the_nearest(visitor: Visitor, address: str, meant: str) -> None:
    """404, in words."""
    answer = visitor.get(address, headers=BROWSER)
    assert answer.status_code == 404
    assert meant in answer.text
