"""Which ways a file is loaded by: first those that model and format call for, then others where these do not pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix import methods
from matrix.catalog import load_environments, load_models
from matrix.methods import Found, further_cells, further_requests
from matrix.model import CellRequest, Environment, Format, Method, Model, Verdict
from tests.probe_code import probe
from tests.store_samples import cell, failed_cell

PLAIN = Model(id="dense", title="", shows="")
CUSTOM = Model(id="custom", title="", shows="", needs_custom_objects=True)
MODULE = Model(id="module", title="", shows="", formats=("savedmodel", "checkpoint"))
MODELS = {one.id: one for one in (PLAIN, CUSTOM, MODULE)}
ALL_MODELS: Final = {one.id: one for one in load_models()}
ALL_ENVIRONMENTS: Final = {one.id: one for one in load_environments()}


def environment(name: str, keras: str = "2.9.0", base: str | None = None) -> Environment:
    """An environment with some Keras."""
    tensorflow = f"{name.removeprefix('tf').split('+')[0]}.0"
    return Environment(
        id=name,
        tensorflow=tensorflow,
        keras=keras,
        python="3.9",
        cut_off=date(2023, 1, 1),
        recipe_digest=name,
        base=base,
    )


OLD, NEW = environment("tf2.9"), environment("tf2.21", "3.13.2")
SAVERS = tuple(environment(f"tf2.{minor}") for minor in range(4, 9))
ENVIRONMENTS = {one.id: one for one in (OLD, NEW, *SAVERS)}
UNKNOWN_LAYER = Found(verdict=Verdict.FAIL, fingerprint="a", message="Unknown layer")


def request(
    saver: str,
    format_: Format = Format.H5,
    loader: str = "tf2.9",
    model: str = "dense",
    method: Method = Method.DEFAULT,
) -> CellRequest:
    """A cell as a plan names it."""
    return CellRequest(saver=saver, model=model, format=format_, loader=loader, method=method)


def by(one: CellRequest, method: Method) -> CellRequest:
    """The same file in the same loader another way."""
    return replace(one, method=method)


def asked(
    requests: list[CellRequest], known: Mapping[CellRequest, Found], ways: Mapping[str, Environment] = ENVIRONMENTS
) -> list[tuple[str, Method]]:
    """What is asked for next: saver and method, in order."""
    return [(one.saver, one.method) for one in further_requests(requests, MODELS, ways, known)]


@pytest.mark.parametrize(
    ("model", "format_", "ways"),
    [
        (PLAIN, Format.H5, (Method.DEFAULT,)),
        (PLAIN, Format.KERAS, (Method.DEFAULT,)),
        (PLAIN, Format.SAVEDMODEL, (Method.DEFAULT,)),
        (PLAIN, Format.JSON_WEIGHTS, (Method.DEFAULT,)),
        (PLAIN, Format.EXPORT, (Method.SAVED_MODEL_LOAD,)),
        (PLAIN, Format.WEIGHTS_H5, (Method.WEIGHTS,)),
        (PLAIN, Format.CHECKPOINT, (Method.WEIGHTS,)),
        (CUSTOM, Format.H5, (Method.DEFAULT, Method.CUSTOM_OBJECTS)),
        (CUSTOM, Format.KERAS, (Method.DEFAULT, Method.CUSTOM_OBJECTS)),
        (CUSTOM, Format.SAVEDMODEL, (Method.DEFAULT, Method.CUSTOM_OBJECTS)),
        (CUSTOM, Format.JSON_WEIGHTS, (Method.DEFAULT, Method.CUSTOM_OBJECTS)),
        (CUSTOM, Format.EXPORT, (Method.SAVED_MODEL_LOAD,)),
        (CUSTOM, Format.WEIGHTS_H5, (Method.WEIGHTS,)),
        (CUSTOM, Format.CHECKPOINT, (Method.WEIGHTS,)),
        (MODULE, Format.SAVEDMODEL, (Method.SAVED_MODEL_LOAD,)),
        (MODULE, Format.CHECKPOINT, (Method.CHECKPOINT_READ,)),
        (MODULE, Format.H5, (Method.SAVED_MODEL_LOAD,)),
    ],
)
def test_the_first_methods_follow_model_and_format(model: Model, format_: Format, ways: tuple[Method, ...]) -> None:
    """What needs custom objects is also loaded without; weights go into a rebuilt model; the last way is primary."""
    assert methods.first_methods(model, format_) == ways
    assert methods.primary_method(model, format_) is ways[-1]


KERAS_2: Final = {
    Format.H5: (Method.COMPILE_FALSE, Method.SAFE_MODE_FALSE, Method.WEIGHTS),
    Format.KERAS: (Method.COMPILE_FALSE, Method.SAFE_MODE_FALSE, Method.WEIGHTS),
    Format.SAVEDMODEL: (Method.COMPILE_FALSE, Method.SAVED_MODEL_LOAD, Method.WEIGHTS),
    Format.JSON_WEIGHTS: (Method.WEIGHTS,),
    Format.CHECKPOINT: (Method.CHECKPOINT_READ,),
    Format.WEIGHTS_H5: (),
    Format.EXPORT: (),
}
KERAS_3: Final = KERAS_2 | {
    Format.SAVEDMODEL: (Method.TFSM_LAYER, Method.SAVED_MODEL_LOAD),
    Format.EXPORT: (Method.TFSM_LAYER,),
}


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("model", [PLAIN, CUSTOM], ids=["plain", "custom"])
def test_further_methods_follow_the_loaders_keras(model: Model, format_: Format) -> None:
    """Keras 3 reads no SavedModel but as a layer, so there that way comes first; Keras 2 has no such layer."""
    assert methods.further_methods(model, format_, OLD) == KERAS_2[format_]
    assert methods.further_methods(model, format_, NEW) == KERAS_3[format_]
    tf_keras = environment("tf2.21+tf_keras2.21", "2.21.0", base="tf2.21")
    assert methods.further_methods(model, format_, tf_keras) == KERAS_2[format_]


@pytest.mark.parametrize("format_", Format)
def test_what_is_no_keras_model_has_no_further_methods(format_: Format) -> None:
    """A ``tf.Module`` is restored by TensorFlow alone, one way for each of its formats."""
    assert methods.further_methods(MODULE, format_, NEW) == methods.further_methods(MODULE, format_, OLD) == ()


@pytest.mark.parametrize("loader", [OLD, NEW], ids=["keras2", "keras3"])
@pytest.mark.parametrize("model", list(MODELS.values()), ids=list(MODELS))
@pytest.mark.parametrize("format_", Format)
def test_every_way_is_named_once(format_: Format, model: Model, loader: Environment) -> None:
    """All methods are the first and the further ones, and none is both."""
    ways = methods.all_methods(model, format_, loader)
    first = methods.first_methods(model, format_)
    assert ways[: len(first)] == first
    assert len(ways) == len(set(ways))


@pytest.mark.parametrize("format_", Format)
def test_the_probe_knows_what_the_host_can_ask_for(format_: Format) -> None:
    """For each format the probe has the methods that some model and loader call for, and no other."""
    can_ask = {
        method.value
        for model in ALL_MODELS.values()
        if model.formats is None or format_.value in model.formats
        for loader in ALL_ENVIRONMENTS.values()
        for method in methods.all_methods(model, format_, loader)
    }
    assert can_ask == probe("ways").METHODS[format_.value]


def test_what_is_known_of_a_result_is_its_verdict_and_its_failure() -> None:
    """A pass has neither kind nor message; a failure has both."""
    assert methods.found(cell()) == Found(verdict=Verdict.PASS)
    failed = failed_cell("unknown layer")
    assert failed.failure is not None
    assert methods.found(failed) == Found(
        verdict=Verdict.FAIL, fingerprint=failed.failure.fingerprint, message="unknown layer"
    )


def test_what_could_be_asked_for_hangs_on_primary_cells_only() -> None:
    """A model with custom objects has two first methods, and each further way once."""
    requests = [request("tf2.4", model="custom"), request("tf2.4", model="custom", method=Method.CUSTOM_OBJECTS)]
    cells = list(further_cells(requests, MODELS, ENVIRONMENTS))
    assert cells == [by(requests[0], way) for way in KERAS_2[Format.H5]]


def test_nothing_more_is_asked_where_all_pass_or_nothing_is_known() -> None:
    """Passes need no other way; what was not measured, or accuses us, says nothing."""
    requests = [request(saver.id) for saver in SAVERS]
    assert asked(requests, {}) == []
    for verdict in (Verdict.PASS, Verdict.HARNESS_BROKEN):
        assert asked(requests, dict.fromkeys(requests, Found(verdict=verdict, fingerprint="a"))) == []


def test_a_first_method_that_is_not_primary_calls_for_nothing() -> None:
    """A custom class that was not given fails as expected; with it given the file passes."""
    without, given_ = (request("tf2.4", model="custom", method=way) for way in methods.first_methods(CUSTOM, Format.H5))
    assert asked([without, given_], {without: UNKNOWN_LAYER, given_: Found(verdict=Verdict.PASS)}) == []


def test_two_files_of_each_kind_of_failure_are_probed_by_every_way() -> None:
    """Of five that fail alike two are tried by all ways; one of another kind is tried too."""
    requests = [request(saver.id) for saver in SAVERS]
    known = dict.fromkeys(requests, UNKNOWN_LAYER) | {requests[4]: replace(UNKNOWN_LAYER, fingerprint="b")}
    expected = [(saver, way) for saver in ("tf2.4", "tf2.5", "tf2.8") for way in (Method.COMPILE_FALSE, Method.WEIGHTS)]
    assert asked(requests, known) == expected


@pytest.mark.parametrize("verdict", [Verdict.DRIFT, Verdict.TIMEOUT, Verdict.CRASH, Verdict.OUT_OF_MEMORY])
def test_whatever_is_no_pass_is_probed(verdict: Verdict) -> None:
    """Drift has no fingerprint: its verdict is its kind."""
    requests = [request(saver.id) for saver in SAVERS]
    known = dict.fromkeys(requests, Found(verdict=verdict))
    assert {saver for saver, _ in asked(requests, known)} == {"tf2.4", "tf2.5"}


@pytest.mark.parametrize(
    "other", [{"loader": "tf2.21"}, {"model": "custom", "method": Method.CUSTOM_OBJECTS}, {"format_": Format.KERAS}]
)
def test_a_kind_is_of_one_loader_model_and_format(other: dict[str, object]) -> None:
    """The same fingerprint elsewhere is probed on its own."""
    here, there = request("tf2.4"), request("tf2.4", **other)  # type: ignore[arg-type]
    both = asked([here, there], {here: UNKNOWN_LAYER, there: UNKNOWN_LAYER})
    assert sorted(both) == sorted([*asked([here], {here: UNKNOWN_LAYER}), *asked([there], {there: UNKNOWN_LAYER})])
    assert len(both) == 4


def test_probes_that_are_known_are_not_asked_again() -> None:
    """An interrupted run goes on with those that are missing."""
    one = request("tf2.4")
    known = {one: UNKNOWN_LAYER, by(one, Method.COMPILE_FALSE): UNKNOWN_LAYER}
    assert asked([one], known) == [("tf2.4", Method.WEIGHTS)]


def probed(requests: list[CellRequest], passing: set[Method]) -> dict[CellRequest, Found]:
    """What is known when all fail alike and two were probed: of these the second passes by some ways."""
    known = dict.fromkeys(requests, UNKNOWN_LAYER)
    for place, one in enumerate(requests[: methods.PROBED]):
        for way in (Method.COMPILE_FALSE, Method.WEIGHTS):
            known[by(one, way)] = Found(verdict=Verdict.PASS) if place and way in passing else UNKNOWN_LAYER
    return known


def test_the_rest_is_tried_by_the_first_promising_way() -> None:
    """What passed for one of the two is tried for the others, what keeps most of the model first, one at a time."""
    requests = [request(saver.id) for saver in SAVERS]
    known = probed(requests, {Method.COMPILE_FALSE, Method.WEIGHTS})
    rest = ("tf2.6", "tf2.7", "tf2.8")
    assert asked(requests, known) == [(saver, Method.COMPILE_FALSE) for saver in rest]
    known |= {by(requests[2], Method.COMPILE_FALSE): Found(verdict=Verdict.PASS)}
    known |= {by(requests[3], Method.COMPILE_FALSE): UNKNOWN_LAYER}
    assert asked(requests, known) == [("tf2.7", Method.WEIGHTS), ("tf2.8", Method.COMPILE_FALSE)]
    known |= {by(one, way): UNKNOWN_LAYER for one in requests[3:] for way in (Method.COMPILE_FALSE, Method.WEIGHTS)}
    assert asked(requests, known) == []


def test_it_stops_where_nothing_helps() -> None:
    """When every way fails for both, the others are believed to fail as well."""
    requests = [request(saver.id) for saver in SAVERS]
    assert asked(requests, probed(requests, set())) == []


@pytest.mark.parametrize("message", ["Pass `safe_mode=False` to load it", "Deserialization of a Lambda is unsafe"])
def test_safe_mode_is_switched_off_only_where_it_refused(message: str) -> None:
    """The message says so; elsewhere the switch could change nothing."""
    one = request("tf2.4", Format.KERAS, "tf2.21")
    refused = replace(UNKNOWN_LAYER, message=message)
    assert ("tf2.4", Method.SAFE_MODE_FALSE) in asked([one], {one: refused})
    assert ("tf2.4", Method.SAFE_MODE_FALSE) not in asked([one], {one: UNKNOWN_LAYER})


ways_known = st.sampled_from([Found(verdict=Verdict.PASS), UNKNOWN_LAYER, replace(UNKNOWN_LAYER, fingerprint="b")])


@settings(derandomize=True, max_examples=80, deadline=None)
@given(data=st.data(), format_=st.sampled_from(Format), loader=st.sampled_from(["tf2.9", "tf2.21"]))
def test_asking_comes_to_an_end_and_stays_within_what_could_be_asked(
    data: st.DataObject, format_: Format, loader: str
) -> None:
    """Whatever is found, each round asks for new cells only, all of them possible ones, and there is a last round."""
    primary = methods.primary_method(PLAIN, format_)
    requests = [request(saver.id, format_, loader, method=primary) for saver in SAVERS]
    possible = set(further_cells(requests, MODELS, ENVIRONMENTS))
    known = {one: data.draw(ways_known) for one in requests}
    for _ in range(len(possible) + 1):
        wanted = set(further_requests(requests, MODELS, ENVIRONMENTS, known))
        assert wanted <= possible - set(known)
        if not wanted:
            return
        known |= {one: data.draw(ways_known) for one in wanted}
    raise AssertionError("it never came to an end")
