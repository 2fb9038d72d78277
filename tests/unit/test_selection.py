"""What a person wrote becomes what exists, or a sentence that names the nearest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix import selection
from matrix.errors import ExitCode, UsageError
from matrix.model import Environment, Format, Method, Model
from tests.store_samples import environment

ENVIRONMENTS = tuple(environment(f"tf2.{minor}") for minor in range(4, 22))
OVERLAYS = tuple(
    replace(environment(name), base=name.partition("+")[0], keras=keras)
    for name, keras in {
        "tf2.16+keras3.0": "3.0.5",
        "tf2.18+keras3.8": "3.8.0",
        "tf2.18+keras3.9": "3.9.2",
        "tf2.18+tf_keras2.18": "2.18.0",
        "tf2.19+keras3.10": "3.10.0",
        "tf2.19+tf_keras2.19": "2.19.0",
    }.items()
)
MODELS = (
    Model(id="dense", title="", shows="", group="core"),
    Model(id="conv-bn", title="", shows="", group="core"),
    Model(id="hashing", title="", shows="", group="preprocessing"),
)


def chosen(words: str, among: tuple[Environment, ...] = ENVIRONMENTS) -> list[str]:
    """The minors that some words select."""
    return [one.id.removeprefix("tf2.") for one in selection.select_environments(words, among)]


@pytest.mark.parametrize(
    ("words", "minors"),
    [
        ("tf2.12", "12"),
        ("2.12", "12"),
        ("2.4,tf2.21", "4 21"),
        (" 2.21 , 2.4 ,", "4 21"),
        ("2.12,2.12", "12"),
        ("2.1*", "10 11 12 13 14 15 16 17 18 19"),
        ("2.?", "4 5 6 7 8 9"),
        ("2.[45]", "4 5"),
        ("2.9..2.11", "9 10 11"),
        ("tf2.9..2.11", "9 10 11"),
        ("2.20..2.20", "20"),
        ("2.20..2.21,2.4", "4 20 21"),
    ],
)
def test_ids_globs_and_ranges(words: str, minors: str) -> None:
    """With or without tf, in any order, each once, and 2.10 after 2.9."""
    assert chosen(words) == minors.split()


def test_all_is_everything() -> None:
    """The default selects whatever there is."""
    assert len(chosen("all")) == 18
    assert selection.select_formats("all") == tuple(Format)
    assert selection.select_methods("all") == tuple(Method)
    assert selection.select_models("all", MODELS) == MODELS


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("keras3", "16+keras3.0 18+keras3.8 18+keras3.9 19+keras3.10"),
        ("tf_keras", "18+tf_keras2.18 19+tf_keras2.19"),
        ("2.18", "18"),
        ("2.18+keras3.8", "18+keras3.8"),
        ("tf2.18+*", "18+keras3.8 18+keras3.9 18+tf_keras2.18"),
        ("2.16..2.18", "16 17 18"),
        ("2.1[89]*", "18 19"),
        ("keras3.9", "18+keras3.9"),
        ("keras3.8..keras3.10", "18+keras3.8 18+keras3.9 19+keras3.10"),
        ("tf2.18+tf_keras2.18..tf2.19+tf_keras2.19", "18+tf_keras2.18 19+tf_keras2.19"),
        ("2.4, keras3.?", "4 16+keras3.0 18+keras3.8 18+keras3.9"),
    ],
)
def test_overlays_are_taken_only_when_they_are_meant(words: str, found: str) -> None:
    """By group, id, the name of the Keras, or a glob with a plus; a range of TensorFlows stays one of TensorFlows."""
    assert chosen(words, (*ENVIRONMENTS, *OVERLAYS)) == found.split()


def test_groups_are_what_they_say() -> None:
    """``base`` is every environment of its own, ``all`` is everything."""
    everything = (*ENVIRONMENTS, *OVERLAYS)
    assert selection.select_environments("base", everything) == ENVIRONMENTS
    assert selection.select_environments("all", everything) == everything
    assert selection.select_environments("base,keras3,tf_keras", everything) == everything


@pytest.mark.parametrize(
    ("words", "nearest"),
    [("keras4", "'keras3'"), ("2.18+keras3.7", "2.18+keras3"), ("tf-keras", "'tf_keras'"), ("keras3.8..keras3.99", "")],
)
def test_an_overlay_that_does_not_exist_names_the_nearest(words: str, nearest: str) -> None:
    """Groups are offered too."""
    with pytest.raises(UsageError) as caught:
        chosen(words, (*ENVIRONMENTS, *OVERLAYS))
    assert nearest in caught.value.next_step


def test_ranges_follow_versions_whatever_the_order_of_the_file() -> None:
    """A range is between versions, not between rows."""
    shuffled = (*ENVIRONMENTS[9:], *ENVIRONMENTS[:9])
    assert set(chosen("2.9..2.14", shuffled)) == {"9", "10", "11", "12", "13", "14"}


@pytest.mark.parametrize(
    ("words", "message", "nearest"),
    [
        ("2.22", "no environment '2.22'", "'2.2"),
        ("tf2.12.1", "no environment 'tf2.12.1'", "'tf2.12'"),
        ("2.4,2.99", "no environment '2.99'", "'2.9'"),
        ("2.3..2.9", "no environment '2.3'", "Did you mean"),
        ("2.9..2.31", "no environment '2.31'", "Did you mean"),
        ("2.9..2.4", "range '2.9..2.4' is empty", "older end first"),
        ("", "No environment is named", ""),
        (",", "No environment is named", ""),
    ],
)
def test_unknown_environments_name_the_nearest(words: str, message: str, nearest: str) -> None:
    """The message says what does not exist, the next step what may have been meant; exit code 2."""
    with pytest.raises(UsageError, match=message.replace(".", r"\.")) as caught:
        chosen(words)
    assert caught.value.exit_code is ExitCode.USAGE
    assert nearest in caught.value.next_step or message.startswith("No environment")


def test_unknown_models_formats_and_methods_name_the_nearest() -> None:
    """Each kind is named in its own word, and all that exist are listed."""
    with pytest.raises(UsageError, match="no model 'densee'") as model:
        selection.select_models("densee", MODELS)
    with pytest.raises(UsageError, match="no format 'savedmodl'") as kind:
        selection.select_formats("savedmodl")
    with pytest.raises(UsageError, match="no method 'custom_object'") as method:
        selection.select_methods("custom_object")
    assert model.value.next_step == "Did you mean 'dense'? There are: core, preprocessing, dense, conv-bn, hashing."
    assert kind.value.next_step.startswith("Did you mean 'savedmodel'?")
    assert method.value.next_step.startswith("Did you mean 'custom_objects'?")


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("core", "dense conv-bn"),
        ("preprocessing,dense", "dense hashing"),
        ("core,hashing", "dense conv-bn hashing"),
        ("conv*,preprocessing", "conv-bn hashing"),
        ("dense,core", "dense conv-bn"),
    ],
)
def test_models_go_by_group_too(words: str, ids: str) -> None:
    """A group's name stands for all of its models, beside ids and globs, each once and in the catalog's order."""
    assert [model.id for model in selection.select_models(words, MODELS)] == ids.split()


def test_a_glob_is_over_ids_and_a_misspelt_group_is_told() -> None:
    """``pre*`` is no group's name: a glob that names one by chance would select what nobody asked for."""
    with pytest.raises(UsageError, match=r"no model 'pre\*'"):
        selection.select_models("pre*", MODELS)
    with pytest.raises(UsageError, match="no model 'preprocesing'") as caught:
        selection.select_models("preprocesing", MODELS)
    assert caught.value.next_step.startswith("Did you mean 'preprocessing'?")


def test_nothing_near_is_not_guessed() -> None:
    """A word like none of them gets the list and no guess."""
    with pytest.raises(UsageError) as caught:
        selection.select_formats("zzzz")
    assert caught.value.next_step.startswith("There are: h5")


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(alphabet="tf2.1*?[]!-,. ", max_size=10) | st.text(max_size=6))
def test_any_words_select_or_are_a_usage_error(words: str) -> None:
    """No text is a traceback; what is selected exists and is not empty."""
    try:
        assert chosen(words)
    except UsageError as error:
        assert error.next_step  # noqa: PT017  the other outcome that is allowed


def test_a_range_without_an_end_says_so() -> None:
    """2.15.. lacks an end: either it reaches the newest, or the message says that the end is missing."""
    try:
        assert chosen("2.15..")[-1] == "21"
    except UsageError as error:
        assert "is empty" not in error.message  # noqa: PT017
