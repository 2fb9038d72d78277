"""Cells in company: what they are found to be is what processes of their own find, on real files and real loaders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from matrix import loading, protocol
from matrix.blobs import Blobs
from matrix.catalog import load_models
from matrix.messages import Arrays
from matrix.model import CellRequest, Environment, Format, Method, SaveKey, SaveOutcome, Verdict
from matrix.plan import LoadTask, Plan, Selection, load_tasks, make_plan, save_batches
from matrix.repeat import NEVER
from matrix.results import CellResult, Mark, Marks, SaveResult
from matrix.saving import Saves
from matrix.session import Session
from tests.containers.conftest import PATIENCE, TESTED, MakeSession

pytestmark = [pytest.mark.containers, pytest.mark.everything]

MODELS = ("dense", "custom-activation", "lambda")
SLOW = replace(PATIENCE, load=replace(PATIENCE.load, seconds=30), save=replace(PATIENCE.save, seconds=120))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found of each cell, and the seconds by the way in which cells were run."""

    results: dict[CellRequest, CellResult]
    spent: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The same cells twice: in company as it is, and each in a process of its own."""

    saves: dict[SaveKey, SaveResult]
    in_company: Found
    alone: Found


@pytest.fixture(scope="module")
def measured(make_session: MakeSession, blobs: Blobs, environments: dict[str, Environment]) -> Measured:
    """Everything that the oldest, a middle and the newest TensorFlow save of three models, loaded by each of them."""
    plan = make_plan(
        Selection(
            environments=tuple(environments[name] for name in TESTED),
            models=tuple(one for one in load_models() if one.id in MODELS),
            formats=tuple(Format),
            methods=tuple(Method),
        )
    )
    with ExitStack() as stack, ThreadPoolExecutor(len(TESTED)) as pool:
        sessions = {name: stack.enter_context(make_session(name, patience=SLOW)) for name in TESTED}
        saves = {one.key: one for made in pool.map(lambda s: _saved(s, blobs, plan), sessions.values()) for one in made}
        tasks = load_tasks(plan, saves)
        in_company = list(pool.map(lambda s: _loaded(s, blobs, tasks), sessions.values()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loading, "COMPANY", 1)
            alone = list(pool.map(lambda s: _loaded(s, blobs, tasks), sessions.values()))
    return Measured(saves=saves, in_company=_joined(in_company), alone=_joined(alone))


def _saved(session: Session, blobs: Blobs, plan: Plan) -> list[SaveResult]:
    (batch,) = (one for one in save_batches(plan, plan.saves) if one.environment == session.environment)
    return list(Saves(session, blobs, defaultdict(float)).run(batch.tasks))


def _loaded(session: Session, blobs: Blobs, tasks: tuple[LoadTask, ...]) -> Found:
    mine = {one.key: one for one in tasks if one.key.loader == session.environment.recipe_digest}
    spent: defaultdict[str, float] = defaultdict(float)

    def outputs(digest: str) -> Arrays:
        return protocol.arrays(blobs.get(digest))

    loads = loading.Loads(session, blobs, outputs=outputs, repeats=NEVER, stopped=lambda: False, spent=spent)
    found = {result.key: result for result in loads.run(mine.values())}
    return Found(results={mine[key].request: result for key, result in found.items()}, spent=dict(spent))


def _joined(parts: list[Found]) -> Found:
    spent: defaultdict[str, float] = defaultdict(float)
    for part in parts:
        for what, seconds in part.spent.items():
            spent[what] += seconds
    return Found(results={key: one for part in parts for key, one in part.results.items()}, spent=dict(spent))


def _said(result: CellResult) -> tuple[Any, ...]:
    """What a cell was found to be."""
    return result.verdict, result.rung, result.signature_equal, result.failure and result.failure.fingerprint


def _differing(one: Found, other: Found) -> Iterator[str]:
    for request, result in one.results.items():
        if _said(result) != _said(other.results[request]):
            yield f"{request}: {_said(result)} in company, {_said(other.results[request])} alone"


def test_company_gives_the_verdicts_of_processes_of_their_own(measured: Measured) -> None:
    """Every verdict, rung, signature and kind of error is the same; and there was company in the one, none in the other."""
    assert set(measured.in_company.results) == set(measured.alone.results)
    assert list(_differing(measured.in_company, measured.alone)) == []
    assert measured.in_company.spent["together"] > 0
    assert "together" not in measured.alone.spent


def test_what_is_compared_is_not_all_alike(measured: Measured) -> None:
    """Of every format, method of the first round and loader some pass and some fail; nothing accuses us."""
    results = measured.in_company.results
    assert {request.format for request in results} == set(Format)
    verdicts = {one.verdict for one in results.values()}
    assert {Verdict.PASS, Verdict.FAIL} <= verdicts
    assert Verdict.HARNESS_BROKEN not in verdicts
    by_loader = {name: {one.verdict for key, one in results.items() if key.loader == name} for name in TESTED}
    assert all({Verdict.PASS, Verdict.FAIL} <= found for found in by_loader.values())


def test_each_version_loads_its_own_plain_model_but_for_a_checkpoint_in_keras_3(measured: Measured) -> None:
    """There ``load_weights`` takes no checkpoint, and ``checkpoint.read`` is what remains."""
    results = measured.in_company.results
    failing = {
        (key.loader, key.format, key.method)
        for key, one in results.items()
        if key.model == "dense" and key.saver == key.loader and one.verdict is not Verdict.PASS
    }
    assert failing == {("tf2.21", Format.CHECKPOINT, Method.WEIGHTS)}


def test_each_version_saves_the_formats_that_it_has(measured: Measured) -> None:
    """Weights, checkpoints and JSON in all of them; the zip and exports where they came; no SavedModel in Keras 3."""
    digests = {one.key.saver for one in measured.saves.values()}
    assert len(digests) == len(TESTED)
    saved: defaultdict[str, set[str]] = defaultdict(set)
    for key in measured.in_company.results:
        if key.model == "dense":
            saved[key.saver].add(key.format.value)
    everywhere = {"h5", "weights-h5", "checkpoint", "json+weights"}
    assert saved == {
        "tf2.4": everywhere | {"savedmodel"},
        "tf2.15": everywhere | {"savedmodel", "keras", "export"},
        "tf2.21": everywhere | {"keras", "export"},
    }
    assert {one.outcome for one in measured.saves.values()} <= {SaveOutcome.SAVED, SaveOutcome.UNSUPPORTED}


def _marks(measured: Measured, format_: Format) -> Marks:
    request = CellRequest(saver="tf2.21", model="dense", format=format_, loader="tf2.21", method=Method.DEFAULT)
    result = measured.in_company.results[request]
    assert result.verdict is Verdict.PASS
    assert result.marks is not None
    return result.marks


def test_marks_of_a_plain_keras_file_come_back(measured: Measured) -> None:
    """The newest loads its own zip: it can be saved again, counts the saver's step, and trains one more."""
    marks = _marks(measured, Format.KERAS)
    found = (marks.saved_again, marks.optimizer_restored, marks.trained_step)
    assert found == (Mark.YES,) * 3, marks.notes


def test_marks_of_a_plain_h5_file_say_that_keras_3_cannot_train_it(measured: Measured) -> None:
    """Keras 3 makes the optimizer of an h5 file for no variable at all: it passes, and cannot be trained on."""
    marks = _marks(measured, Format.H5)
    assert (marks.saved_again, marks.trained_step) == (Mark.YES, Mark.NO)
    assert "Unknown variable" in marks.notes["trained_step"]


def test_only_the_sample_is_marked(measured: Measured) -> None:
    """What is in no sample has no marks, in company or alone; what is in it has them where it passes."""
    for found in (measured.in_company, measured.alone):
        marked = {(key.model, key.saver, key.loader) for key, one in found.results.items() if one.marks is not None}
        assert marked == {("dense", name, name) for name in TESTED}
