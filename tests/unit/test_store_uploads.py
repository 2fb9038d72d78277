"""Uploads in the store: kept, found again as they were, removed with all that was found of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matrix.errors import UsageError
from matrix.model import CellKey, Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import CellResult, Difference, Effort, Failure, Signature, Tensor
from matrix.store import Store, open_store
from matrix.uploads.model import (
    ITSELF,
    Options,
    Part,
    PartFile,
    Upload,
    UploadCell,
    UploadSave,
    UploadState,
    content_of,
    hashed,
)
from tests.databases import Place

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """An empty database."""
    with open_store(place) as opened:
        yield opened


def an_upload(upload_id: str = "a" * 22, sha256: str = "1" * 64, *, minutes: int = 0) -> Upload:
    """An upload of one file."""
    parts = {Part.MODEL: PartFile(name="modèle.keras", sha256=sha256, size=1234)}
    return Upload(
        id=upload_id,
        content=content_of(parts),
        parts=parts,
        options=Options(environments=("tf2.4", "tf2.15"), overlays=True, save_again=False),
        state=UploadState.WAITING,
        owner="somebody",
        deletion=hashed("token"),
        handed_in_at=NOW + timedelta(minutes=minutes),
        expires_at=NOW + timedelta(days=30),
    )


def a_cell(loader: str = "b" * 64, *, group: int | None = None, failed: bool = False) -> UploadCell:
    """What one environment made of it."""
    failure = Failure(exception="ValueError", message="no", traceback="t", frames=("keras:load",), fingerprint="f" * 64)
    result = CellResult(
        key=CellKey(artifact="1" * 64, loader=loader, method=Method.DEFAULT),
        verdict=Verdict.FAIL if failed else Verdict.DRIFT,
        rung=Rung.CALLED,
        signature_equal=True,
        signal=None,
        failure=failure if failed else None,
        differences=(Difference(output="o", equal=False, max_absolute=float("inf"), max_relative=0.5),),
        warnings=("careful",),
        effort=Effort(steps={"opened": 0.1}, wall_seconds=0.5, peak_memory=1 << 20),
        tampered=True,
    )
    return UploadCell(saver=ITSELF, format=Format.KERAS, result=result, outputs="2" * 64, group=group, measured_at=NOW)


def a_save() -> UploadSave:
    """What came of saving it again."""
    tensor = Tensor(name="x", shape=(None, 3), dtype="float32")
    return UploadSave(
        saver="b" * 64,
        format=Format.H5,
        outcome=SaveOutcome.SAVED,
        reason=None,
        failure=None,
        artifact="3" * 64,
        size=10,
        is_tar=False,
        inputs="4" * 64,
        outputs="5" * 64,
        signature=Signature(inputs=(tensor,), outputs=(tensor,)),
        steps={"save": 0.2},
    )


def test_what_was_handed_in_is_found_as_it_was(store: Store) -> None:
    """Every field comes back."""
    store.uploads.add(an_upload())
    assert store.uploads.get("a" * 22) == an_upload()
    assert store.uploads.get("b" * 22) is None


def test_what_was_found_is_found_as_it_was_and_once(store: Store) -> None:
    """A second finding of the same cell takes the place of the first, and watchers see a new revision."""
    upload = an_upload()
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, [a_cell(), a_cell("c" * 64, failed=True)])
    store.uploads.record_cells(upload.content, [a_cell(group=0)])
    assert store.uploads.cells(upload.content) == (a_cell(group=0), a_cell("c" * 64, failed=True))
    store.uploads.record_saves(upload.content, [a_save()])
    assert store.uploads.saves(upload.content) == (a_save(),)
    assert store.uploads.revision(upload.id) == 3


def test_a_change_is_noted_and_seen(store: Store) -> None:
    """Where an upload stands changes, and its revision with it."""
    upload = an_upload()
    store.uploads.add(upload)
    changed = store.uploads.change(upload.id, state=UploadState.LOADING, plan=("tf2.15", "tf2.4"), started_at=NOW)
    assert (changed.state, changed.plan, changed.revision) == (UploadState.LOADING, ("tf2.15", "tf2.4"), 1)
    assert store.uploads.get(upload.id) == changed


def test_the_queue_is_in_order_and_counts_those_before(store: Store) -> None:
    """What was handed in first is first; what only saves again holds nobody up."""
    first, second, third = (an_upload(letter * 22, minutes=minute) for minute, letter in enumerate("abc"))
    for one in (third, first, second):
        store.uploads.add(one)
    assert [one.id for one in store.uploads.under_way()] == [first.id, second.id, third.id]
    assert {name: wait.ahead for name, wait in store.uploads.waits(NOW).items()} == {
        first.id: 0, second.id: 1, third.id: 2,
    }  # fmt: skip
    store.uploads.change(first.id, state=UploadState.SAVING_AGAIN)
    assert store.uploads.waits(NOW)[third.id].ahead == 1
    store.uploads.change(second.id, turn=1)
    store.uploads.change(third.id, turn=0)
    assert [wait.ahead for wait in map(store.uploads.waits(NOW).get, (third.id, second.id)) if wait] == [0, 1]
    store.uploads.change(second.id, state=UploadState.DONE)
    assert [one.id for one in store.uploads.under_way()] == [first.id, third.id]


def test_the_last_of_a_content_takes_everything_along(store: Store) -> None:
    """Findings and blobs stay while another upload has the same files, and go with the last one."""
    one, other = an_upload(), an_upload("b" * 22)
    store.uploads.add(one)
    store.uploads.add(other)
    store.uploads.record_cells(one.content, [a_cell()])
    store.uploads.record_saves(one.content, [a_save()])
    assert store.uploads.forget(one.id, UploadState.DELETED, NOW) == frozenset()
    assert store.uploads.cells(other.content)
    gone = store.uploads.get(one.id)
    assert gone is not None
    assert (gone.state, dict(gone.parts), gone.name) == (UploadState.DELETED, {}, "(removed)")
    removed = store.uploads.forget(other.id, UploadState.EXPIRED, NOW)
    assert removed == {number * 64 for number in "12345"}
    assert not store.uploads.cells(other.content)
    assert not store.uploads.saves(other.content)
    with pytest.raises(UsageError):
        store.uploads.change(one.id, state=UploadState.DONE)


def test_what_is_found_of_a_deleted_upload_is_not_kept(store: Store) -> None:
    """A lane may still be at it when its owner deletes it."""
    upload = an_upload()
    store.uploads.add(upload)
    assert store.uploads.named() == {"1" * 64}
    store.uploads.forget(upload.id, UploadState.DELETED, NOW)
    store.uploads.record_cells(upload.content, [a_cell()])
    store.uploads.record_saves(upload.content, [a_save()])
    assert not store.uploads.cells(upload.content)
    assert not store.uploads.saves(upload.content)
    assert store.uploads.named() == frozenset()


def test_time_runs_out(store: Store) -> None:
    """What has expired is named once, until it is forgotten."""
    upload = an_upload()
    store.uploads.add(upload)
    assert store.uploads.expired(NOW) == ()
    assert store.uploads.expired(upload.expires_at) == (upload.id,)
    store.uploads.forget(upload.id, UploadState.EXPIRED, NOW)
    assert store.uploads.expired(upload.expires_at) == ()


def test_what_uploads_take_counts_answers_and_what_they_were_saved_again_as(store: Store) -> None:
    """Ninety files may come of one, and answers larger than the model: the limit of the disk is for all of them."""
    upload = an_upload()
    assert store.uploads.weight() == (0, 0)
    store.uploads.add(upload)
    store.uploads.record_saves(upload.content, [replace(a_save(), beside=7)])
    assert store.uploads.weight() == (1, upload.size + a_save().size + 7)
    answered = (("b", "6", 100), ("c", "6", 100), ("d", "7", 5))
    found = [replace(a_cell(one * 64), outputs=said * 64, size=size) for one, said, size in answered]
    store.uploads.record_cells(upload.content, found)
    assert store.uploads.weight()[1] == upload.size + a_save().size + 7 + 105
    assert [cell.size for cell in store.uploads.cells(upload.content)] == [100, 100, 5]
