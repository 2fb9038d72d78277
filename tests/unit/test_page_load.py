"""Can I load it? The answer as ranges, the remedy, and an answer for all models that hides no one of them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matrix.model import Format, Method, Rung, Verdict
from reports.cube import OUTCOMES, tally_of
from reports.grid import Look, Outcome, Tally
from reports.links import ServerLinks
from reports.pages.alike import _fate
from reports.pages.load import Load, Question, load
from reports.pages.stretches import Share, coarse, state_of
from reports.rendering import html
from tests import fake_matrix
from tests.known import known_of, with_tfsm_layer
from tests.site import Visitor, visitor
from tests.unit.test_lines import MIXED

__all__ = ["visitor"]

FAKE = fake_matrix.results()
KNOWN = known_of(FAKE)
BROWSER = {"accept": "text/html"}


def asked(known: Any = KNOWN, **words: str) -> Load:
    """The content of the page for a choice."""
    content = load(known, question(known, **words)).content
    assert isinstance(content, Load)
    return content


def question(known: Any = KNOWN, **words: str) -> Question:
    """A choice from words."""
    return Question(
        saver=known.environment(words.get("saver", "")),
        loader=known.environment(words.get("loader", "")),
        model=known.model(words.get("model", "")),
        format=Format(words["format"]) if "format" in words else None,
    )


def said(content: Load, line: int = 0) -> list[str]:
    """The stretches of one line in words."""
    return [f"{part.label} {part.words}" for part in content.strips[line].stretches]


def test_neighbours_of_one_outcome_are_one_stretch() -> None:
    """Contiguous versions of equal outcome are one, in numeric order, with the main cause and its error."""
    content = asked(saver="tf2.9", model="dense", format="savedmodel")
    assert said(content) == ["2.4-2.15 loads", "2.16-2.21 fails"]
    broken = content.strips[0].stretches[1]
    assert broken.width == 6
    assert broken.cause.startswith("ValueError: File format not supported")
    assert broken.cause_href == "/errors/no-savedmodel"
    assert content.answer is not None
    assert content.answer.text == "It loads in 2.4-2.15; it fails in 2.16-2.21."


def test_failures_of_several_causes_are_one_stretch() -> None:
    """The outcome is the same for who wants to load; the cause that most share is named, the others counted."""
    row = next(one for one in FAKE.rows if one.primary and one.verdict is Verdict.FAIL and one.saver == "tf2.9")
    prints = ["unknown"] * 10 + ["marshal"] * 8
    rows = tuple(
        replace(row, loader=f"tf2.{minor}", fingerprint=prints[minor - 4], model="dense", format=Format.H5)
        for minor in range(4, 22)
    )
    content = asked(known_of(replace(FAKE, rows=rows)), saver="tf2.9", model="dense", format="h5")
    assert said(content) == ["2.4-2.21 fails"]
    assert content.strips[0].stretches[0].cause.endswith("Unknown layer: Swish (and 1 other cause)")


def test_a_gap_is_not_measured() -> None:
    """A version without a row breaks the range and says so."""
    rows = [one for one in FAKE.rows if one.model == "dense" and one.format is Format.H5 and one.saver == "tf2.9"]
    rows = [replace(one, verdict=Verdict.PASS, fingerprint=None, rung=Rung.OUTPUTS_EQUAL) for one in rows]
    known = known_of(replace(FAKE, rows=tuple(one for one in rows if one.loader != "tf2.12")))
    content = asked(known, saver="tf2.9", model="dense", format="h5")
    assert said(content) == ["2.4-2.11 loads", "2.12 not measured yet", "2.13-2.21 loads"]


def test_overlays_are_lines_of_their_own() -> None:
    """No range goes from TensorFlow's line into that of Keras 3 or of tf_keras."""
    content = asked(known_of(MIXED), saver="tf2.21", model="dense", format="h5")
    assert said(content, 0) == ["2.4-2.16 fails", "2.17-2.21 loads"]
    assert said(content, 1) == ["Keras 3.0-3.4 fails", "Keras 3.5-3.15 loads"]
    assert said(content, 2) == ["tf_keras 2.16-2.21 fails"]


def helped(*loaders: str) -> Any:
    """The fake matrix with SavedModels of 2.9 that TFSMLayer loads in these."""
    return with_tfsm_layer(
        FAKE, lambda one: one.saver == "tf2.9" and one.format is Format.SAVEDMODEL and one.loader in loaders
    )


def test_the_remedy_is_named() -> None:
    """Where the usual way fails and another works, the stretch says which one, in which versions, with the cell."""
    known = helped("tf2.16", "tf2.17", "tf2.18", "tf2.19", "tf2.20", "tf2.21")
    part = asked(known, saver="tf2.9", model="dense", format="savedmodel").strips[0].stretches[1]
    assert part.remedy == "loads as a TFSMLayer"
    assert part.remedy_href == "/cells/tf2.9/dense/savedmodel/tf2.16?method=TFSMLayer"
    part = asked(helped("tf2.18", "tf2.19"), saver="tf2.9", model="dense", format="savedmodel").strips[0].stretches[1]
    assert (part.label, part.remedy) == ("2.16-2.21", "loads as a TFSMLayer in 2.18-2.19")


@pytest.mark.parametrize(
    ("words", "word", "text"),
    [
        ({"format": "h5", "loader": "tf2.15"}, "Yes", "2.15 loads it, and the answers are the saver's."),
        ({"format": "savedmodel", "loader": "tf2.18"}, "No", "2.18 does not load it."),
        ({"format": "keras", "loader": "tf2.18"}, "Nothing to load", "does not write this format"),
        ({"format": "checkpoint", "loader": "tf2.18"}, "Not known", "not been loaded"),
        ({"model": "recurrent", "format": "h5", "loader": "tf2.20"}, "With other answers", "are not the saver's"),
    ],
)
def test_a_loader_is_answered_yes_or_no(words: dict[str, str], word: str, text: str) -> None:
    """In one sentence, whatever came of it."""
    answer = asked(**{"saver": "tf2.9", "model": "dense", **words}).answer
    assert answer is not None
    assert answer.word == word
    assert text in answer.text


def test_a_loader_is_answered_with_what_works() -> None:
    """Another way is offered with its cell, in place of a bare no."""
    answer = asked(helped("tf2.18"), saver="tf2.9", model="dense", format="savedmodel", loader="tf2.18").answer
    assert answer is not None
    assert answer.word == "In another way"
    assert answer.remedies == (("It loads as a TFSMLayer", "/cells/tf2.9/dense/savedmodel/tf2.18?method=TFSMLayer"),)


def test_another_way_of_a_few_models_is_not_one_of_all() -> None:
    """Of all models it is counted for how many there is one; a handful makes no yes."""
    answer = asked(helped("tf2.18"), saver="tf2.9", format="savedmodel", loader="tf2.18").answer
    assert answer is not None
    assert answer.word == "In another way"
    assert "10 of them load by another, mostly as a TFSMLayer" in answer.text
    asked_of = ("tf2.9", "tf2.18", "savedmodel")
    lonely = replace(
        next(one for one in FAKE.rows if one.primary and (one.saver, one.loader, one.format) == asked_of),
        method=Method.TFSM_LAYER, primary=False, verdict=Verdict.PASS, fingerprint=None, rung=Rung.OUTPUTS_EQUAL,
    )  # fmt: skip
    known = known_of(replace(FAKE, rows=(*FAKE.rows, lonely)))
    answer = asked(known, saver="tf2.9", format="savedmodel", loader="tf2.18").answer
    assert answer is not None
    assert answer.word == "No"
    assert "1 of them" in answer.text


def test_what_is_not_measured_says_what_measures_it() -> None:
    """A command that a person can paste."""
    answer = asked(saver="tf2.21", model="lambda", format="h5", loader="tf2.21").answer
    assert answer is not None
    assert answer.command == "tfmatrix cell tf2.21 lambda h5 tf2.21"


def test_all_models_are_never_one_outcome_where_they_differ() -> None:
    """Where some load and some do not, the stretch counts them and has no outcome of its own."""
    content = asked(saver="tf2.9", format="h5")
    assert said(content) == ["2.4-2.15 9 to 10 of 10 models load", "2.16-2.21 7 of 10 models load"]
    mixed = [part for part in content.strips[0].stretches if part.outcome is None]
    assert len(mixed) == 2
    assert all(part.look not in {Look.ALL, Look.NONE} for part in mixed)
    assert content.answer is not None
    assert content.answer.text == (
        "Every model loads in 2.5-2.14; nearly all models load in 2.4, 2.15; some models load in 2.16-2.21."
    )


def test_all_models_are_told_apart() -> None:
    """Each model is in one group, with the others that fare alike, the largest group first."""
    groups = asked(saver="tf2.9", format="h5").alike
    ids = [model.id for group in groups for model in group.models]
    assert sorted(ids) == sorted(model.id for model in fake_matrix.models())
    assert [len(group.models) for group in groups] == sorted((len(group.models) for group in groups), reverse=True)
    lonely = next(group for group in groups if group.models[0].id == "lambda")
    assert lonely.stretches[0].words == "fails"


def test_without_a_choice_there_is_a_table_to_look_at() -> None:
    """Each format by savers that fare alike; a line leads to an answer; what has no results is named."""
    content = asked()
    assert content.answer is None
    by_format = content.by_format
    assert set(by_format) == set(fake_matrix.FORMATS)
    (savedmodel,) = by_format[Format.SAVEDMODEL]
    assert (savedmodel.savers, savedmodel.href) == ("2.4-2.15", "/load?saver=tf2.4&format=savedmodel")
    assert savedmodel.stretches[-1].words == "none of the models loads"
    assert Format.CHECKPOINT in content.unmeasured
    chosen = asked(saver="tf2.9")
    assert {line.savers for line in chosen.table} == {"2.9"}


def test_nothing_measured_says_what_to_run() -> None:
    """The form is there all the same."""
    content = asked(known_of(fake_matrix.empty()), saver="tf2.9", format="h5")
    assert content.empty is not None
    assert content.filters
    assert content.answer is not None
    assert content.answer.command == "tfmatrix run --environments base --models all --formats h5"


@pytest.mark.parametrize(
    ("counts", "state", "compared"),
    [
        ({Outcome.PASS: 40}, Outcome.PASS, Share.NEARLY_ALL),
        ({Outcome.PASS: 39, Outcome.FAIL: 1}, Share.NEARLY_ALL, Share.NEARLY_ALL),
        ({Outcome.PASS: 1, Outcome.FAIL: 39}, Share.HARDLY_ANY, Share.HARDLY_ANY),
        ({Outcome.FAIL: 3}, Outcome.FAIL, Share.HARDLY_ANY),
        ({Outcome.CRASH: 1, Outcome.FAIL: 1}, Outcome.FAIL, Share.HARDLY_ANY),
        ({Outcome.DRIFT: 2}, Outcome.DRIFT, Outcome.DRIFT),
        ({Outcome.HARNESS_BROKEN: 2}, Outcome.HARNESS_BROKEN, Outcome.HARNESS_BROKEN),
        ({Outcome.UNSUPPORTED: 39, Outcome.NOT_APPLICABLE: 1}, Outcome.UNSUPPORTED, Outcome.UNSUPPORTED),
        ({}, Outcome.NOT_MEASURED, Outcome.NOT_MEASURED),
    ],
)
def test_states(counts: dict[Outcome, int], state: Any, compared: Any) -> None:
    """What is one outcome is called so; else the share decides; ours and unsupported never look like failing."""
    tally = Tally(counts=counts)
    assert (state_of(tally), coarse(tally)) == (state, compared)


def test_savers_are_compared_as_versions_are() -> None:
    """Numbers for many loaders at once are the same exactly where what is said of one loader is."""
    dice = random.Random(3)  # noqa: S311  (a fixture, not a secret)
    counts = np.zeros((300, len(OUTCOMES)), dtype=np.int64)
    for row in counts:
        for _ in range(dice.randrange(4)):
            row[dice.randrange(len(OUTCOMES))] += dice.choice((1, 2, 7, 30))
    numbers, said = _fate(counts), [coarse(tally_of(row)) for row in counts]
    assert len(set(zip(numbers, said, strict=True))) == len(set(numbers)) == len(set(said)) > 8


def test_hostile_texts_are_escaped() -> None:
    """A cause that somebody wrote is text on the page."""
    known = known_of(FAKE)
    page = load(known, question(known, saver="tf2.19", model="named-io", format="h5", loader="tf2.20"))
    document = html(page, ServerLinks(), fake_matrix.NOW)
    assert "layer named" in document
    assert "<script>window" not in document
    assert "<img src=x" not in document


def test_addresses(visitor: Visitor) -> None:
    """The page and its twin are there, with and without a choice; versions may be spelt without tf."""
    for query in (
        "",
        "?saver=tf2.9&format=h5",
        "?saver=2.9&model=dense&format=h5&loader=2.15",
        "?saver=&model=&format=",
    ):
        assert visitor.get(f"/load{query}", headers=BROWSER).status_code == 200
        assert visitor.get(f"/load.json{query}").json()["schema"] == "tfmatrix.load"


@pytest.mark.parametrize("query", ["saver=tf2.99", "loader=tf2.1555", "model=dens", "format=h6"])
def test_nonsense_is_refused_with_the_nearest(visitor: Visitor, query: str) -> None:
    """422 and a suggestion, never a 500."""
    answer = visitor.get(f"/load?{query}", headers=BROWSER)
    assert answer.status_code == 422
    assert any(word in answer.text for word in ("tf2.9", "tf2.15", "dense", "h5"))
