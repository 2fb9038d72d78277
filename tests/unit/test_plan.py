"""From a selection to saves, cells and batches: nothing lost, nothing twice, every batch in one environment."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.model import Format, Method, Model, SaveKey
from matrix.plan import LoadTask, Plan, Selection, load_batches, load_tasks, make_plan, save_batches
from tests.store_samples import environment, failed_save, save

PLAIN = Model(id="dense", title="Dense", shows="")
CUSTOM = Model(id="custom", title="Custom", shows="", needs_custom_objects=True)
NAMES = ("tf2.4", "tf2.9", "tf2.15")


def plan(formats: tuple[Format, ...] = (Format.H5, Format.EXPORT), ways: tuple[Method, ...] = tuple(Method)) -> Plan:
    """Three environments, two models."""
    environments = tuple(environment(name) for name in NAMES)
    return make_plan(Selection(environments=environments, models=(PLAIN, CUSTOM), formats=formats, methods=ways))


def tasks_of(one: Plan) -> tuple[LoadTask, ...]:
    """All cells of a plan whose saves all worked."""
    names = {environment(name).recipe_digest: name for name in NAMES}
    return load_tasks(one, {key: save(names[key.saver], key.model + key.format, key=key) for key in one.saves})


def test_every_environment_saves_every_model_in_every_format() -> None:
    """Saves are the product of savers, models and formats, each once."""
    saves = plan().saves
    assert len(saves) == len(set(saves)) == 3 * 2 * 2


def test_every_environment_loads_what_every_environment_saved() -> None:
    """Cells are the product with loaders, and with methods where there is more than one."""
    requests = plan().requests
    assert len(requests) == len(set(requests)) == 3 * 3 * (2 + 3)
    assert {(one.saver, one.loader) for one in requests} == {(a, b) for a in NAMES for b in NAMES}


def test_a_method_that_was_not_selected_is_not_planned() -> None:
    """Saves stay: another method may want them later."""
    one = plan(ways=(Method.CUSTOM_OBJECTS,))
    assert {(request.model, request.method) for request in one.requests} == {("custom", Method.CUSTOM_OBJECTS)}
    assert len(one.saves) == 12


def test_a_plan_is_the_same_each_time() -> None:
    """Order is fixed, so that --dry-run says what a run does."""
    assert plan() == plan()


def test_a_selection_is_told_in_words() -> None:
    """What --resume reads back."""
    assert plan().selection.words() == {
        "environments": list(NAMES),
        "models": ["dense", "custom"],
        "formats": ["h5", "export"],
        "methods": [method.value for method in Method],
    }


def test_saves_are_batched_by_saver_and_built_once_per_model() -> None:
    """One container for each saver, one task for each model with the formats that are missing."""
    one = plan()
    known = SaveKey(model="dense", saver=environment("tf2.9").recipe_digest, format=Format.H5)
    batches = save_batches(one, [key for key in one.saves if key != known])
    assert [batch.environment.id for batch in batches] == list(NAMES)
    formats = {task.model: task.formats for task in batches[1].tasks}
    assert formats == {"dense": (Format.EXPORT,), "custom": (Format.H5, Format.EXPORT)}


def test_nothing_missing_is_no_batch() -> None:
    """What is known starts no container."""
    assert save_batches(plan(), []) == ()
    assert load_batches(plan(), [], 10) == ()


def test_a_save_without_an_artifact_gives_no_cell() -> None:
    """Failed and unknown saves have nothing to load."""
    one = plan(formats=(Format.H5,))
    key = SaveKey(model="dense", saver=environment("tf2.4").recipe_digest, format=Format.H5)
    assert load_tasks(one, {}) == ()
    assert load_tasks(one, {key: failed_save("tf2.4", "dense")}) == ()
    found = load_tasks(one, {key: save("tf2.4", "dense")})
    assert [(task.request.saver, task.request.loader) for task in found] == [("tf2.4", name) for name in NAMES]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(size=st.integers(1, 50), many=st.integers(0, 45))
def test_batches_hold_every_cell_once_within_their_size(size: int, many: int) -> None:
    """No cell is lost or doubled, none is in another loader's batch, and there are no more batches than needed."""
    one = plan()
    tasks = tasks_of(one)[:many]
    batches = load_batches(one, tasks, size)
    assert sorted(map(repr, (task for batch in batches for task in batch.tasks))) == sorted(map(repr, tasks))
    assert all(0 < len(batch.tasks) <= size for batch in batches)
    assert all(task.key.loader == batch.environment.recipe_digest for batch in batches for task in batch.tasks)
    counts = [sum(task.request.loader == name for task in tasks) for name in NAMES]
    assert len(batches) == sum(-(-count // size) for count in counts)
