"""Whatever a probe can report is read back exactly as it was recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.model import CellKey, Format, Method, Rung, RunStatus, SaveKey, SaveOutcome, Verdict
from matrix.results import Artifact, CellResult, Difference, Effort, Failure, Mark, Marks, SaveResult, Signature, Tensor
from matrix.store import Store, open_store
from tests.databases import Place
from tests.store_samples import NOON

sha256 = st.text("0123456789abcdef", min_size=64, max_size=64)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
texts = st.lists(text, max_size=3).map(tuple)
any_float = st.floats() | st.sampled_from([float("inf"), float("-inf"), 0.0, -0.0, 5e-324])
tensors = st.lists(
    st.builds(
        Tensor,
        name=text,
        shape=st.none() | st.lists(st.none() | st.integers(0, 2**40), max_size=4).map(tuple),
        dtype=text,
    ),
    max_size=3,
).map(tuple)
efforts = st.builds(
    Effort,
    steps=st.dictionaries(text, any_float, max_size=3),
    wall_seconds=st.floats(0, 1e9),
    peak_memory=st.integers(0, 2**62),
)
failures = st.builds(Failure, exception=text, message=text, traceback=text, frames=texts, fingerprint=sha256)
differences = st.lists(
    st.builds(
        Difference,
        output=text,
        equal=st.booleans(),
        max_absolute=st.none() | any_float,
        max_relative=st.none() | any_float,
        reason=st.none() | text,
    ),
    max_size=3,
).map(tuple)
marks = st.builds(
    Marks,
    saved_again=st.sampled_from(Mark),
    optimizer_restored=st.sampled_from(Mark),
    trained_step=st.sampled_from(Mark),
    notes=st.dictionaries(text, text, max_size=3),
)
artifacts = st.builds(
    Artifact,
    sha256=sha256,
    size=st.integers(0, 2**62),
    is_tar=st.booleans(),
    inputs=sha256,
    outputs=sha256,
    signature=st.builds(Signature, inputs=tensors, outputs=tensors),
)
saves = st.builds(
    SaveResult,
    key=st.builds(SaveKey, model=text, saver=sha256, format=st.sampled_from(Format), version=st.integers(0, 2**31 - 1)),
    outcome=st.sampled_from(SaveOutcome),
    artifact=artifacts,
    reason=st.none() | text,
    failure=st.none() | failures,
    warnings=texts,
    effort=efforts,
)


@st.composite
def cells(draw: st.DrawFn, artifact: str) -> CellResult:
    """Any cell of an artifact."""
    key = st.builds(
        CellKey,
        artifact=st.just(artifact),
        loader=sha256,
        method=st.sampled_from(Method),
        version=st.integers(0, 2**31 - 1),
    )
    return draw(
        st.builds(
            CellResult,
            key=key,
            verdict=st.sampled_from(Verdict),
            rung=st.sampled_from(Rung),
            signature_equal=st.none() | st.booleans(),
            signal=st.none() | st.integers(1, 64),
            failure=st.none() | failures,
            differences=differences,
            warnings=texts,
            effort=efforts,
            repeated=st.none() | st.sampled_from(Verdict),
            tampered=st.booleans(),
            marks=st.none() | marks,
        )
    )


@pytest.fixture(scope="module")
def store(lasting_place: Place) -> Iterator[Store]:
    """One database for all examples; random digests keep them apart."""
    with open_store(lasting_place) as opened:
        opened.write.begin_run({}, {}, NOON)
        yield opened


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_results_come_back_as_they_were(store: Store, data: st.DataObject) -> None:
    """Saves and cells to rows and back are exact inverses; ``repr`` tells NaN from numbers and 0.0 from -0.0."""
    store.write._engine.dispose()
    with store.write._engine.begin() as connection:
        for table in ("cells", "saves", "artifacts", "errors"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    saved = data.draw(saves)
    assert saved.artifact is not None
    cell = data.draw(cells(saved.artifact.sha256))
    if saved.failure and cell.failure and saved.failure.fingerprint == cell.failure.fingerprint:
        return  # one text per fingerprint: the first
    store.write.record_save(1, saved, NOON)
    store.write.record_cell(1, cell, NOON)
    assert repr(store.read.saves([saved.key])) == repr({saved.key: saved})
    assert repr(store.read.cells([cell.key])) == repr({cell.key: cell})


costs = st.recursive(
    st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(cost=st.none() | st.dictionaries(text, costs, max_size=3))
def test_what_a_run_cost_comes_back_as_it_was(store: Store, cost: dict[str, object] | None) -> None:
    """Seconds by what they were spent on, or nothing where it was not counted."""
    store.write.finish_run(1, RunStatus.FINISHED, NOON, cost)
    assert repr(store.read.run(1).cost) == repr(cost)
