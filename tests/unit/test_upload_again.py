"""What an upload is saved again as, everywhere: in slices, after its row, and to an end whatever a child leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.model import Format, SaveOutcome, Verdict
from matrix.store import Store
from matrix.uploads import background
from matrix.uploads.model import ITSELF, Options, Upload, UploadState
from matrix.uploads.ways import WHOLE
from tests.fake_uploads import BASES, IDS, World, hand_in, is_over, store, until, work_on

__all__ = ["store"]


def test_it_is_saved_again_everywhere_and_loaded_everywhere(tmp_path: Path, store: Store) -> None:
    """Each environment that loads it saves it in each format, and each loads all of that."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor <= (2, 6) else "no")
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    saves = store.uploads.saves(upload.content)
    savers = {IDS[save.saver] for save in saves}
    assert savers == {"tf2.4", "tf2.5", "tf2.6"}
    assert {save.outcome for save in saves} == {SaveOutcome.SAVED}
    again = [cell for cell in store.uploads.cells(upload.content) if cell.saver != ITSELF]
    assert len(again) == len(saves) * len(BASES)
    passing = {IDS[cell.result.key.loader] for cell in again if cell.result.verdict is Verdict.PASS}
    assert passing == savers
    assert {cell.format for cell in again} == {save.format for save in saves} >= {Format.H5, Format.KERAS}


def test_formats_that_do_not_fit_together_are_saved_in_further_jobs(tmp_path: Path, store: Store) -> None:
    """Our own bound on one answer is no failure of a version; what is too large even alone is a state of its own."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor <= (2, 5) else "no")
    world.fit, world.too_large = 2, frozenset({"keras"})
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    outcomes = {(IDS[one.saver], one.format): one.outcome for one in store.uploads.saves(upload.content)}
    assert outcomes == {
        (saver, one): SaveOutcome.TOO_LARGE if one is Format.KERAS else SaveOutcome.SAVED
        for saver in ("tf2.4", "tf2.5")
        for one in WHOLE
    }
    assert world.asked.count(("tf2.4", "again")) == 2, "four that fit, two at a time"


def test_a_child_that_saves_nothing_is_not_asked_for_ever(tmp_path: Path, store: Store) -> None:
    """Whatever it leaves out, and however often."""
    world = World(rule=lambda environment, _: 1.0 if environment.minor == (2, 4) else "no", fit=0)
    work = work_on(tmp_path, store, world)
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    assert {one.outcome for one in store.uploads.saves(upload.content)} == {SaveOutcome.FAILED}


def test_a_row_that_stood_stands_after_a_restart(tmp_path: Path, store: Store) -> None:
    """Its time is not moved, nor is it ever unfinished again."""
    work = work_on(tmp_path, store, World())
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options(environments=("tf2.9",))), is_over)
    store.uploads.change(upload.id, state=UploadState.SAVING_AGAIN, finished_at=None)
    states: list[UploadState] = []

    def over(one: Upload) -> bool:
        states.append(one.state)
        return one.state.is_over

    work = work_on(tmp_path, store, World())
    with work.running():
        ended = until(work, store, upload.id, over)
    assert ended.row_at == upload.row_at
    assert set(states) <= {UploadState.SAVING_AGAIN, UploadState.DONE}


def test_a_slice_that_is_over_at_once_still_gets_something_done(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a container takes to start: what is done in the background comes to its end."""
    monkeypatch.setattr(background, "SLICE_SECONDS", 0.0)
    work = work_on(tmp_path, store, World(rule=lambda environment, _: 1.0 if environment.minor <= (2, 5) else "no"))
    with work.running():
        upload = until(work, store, hand_in(work.door, options=Options()), is_over)
    saves = [one for one in store.uploads.saves(upload.content) if one.artifact]
    again = [cell for cell in store.uploads.cells(upload.content) if cell.saver != ITSELF]
    assert len(again) == len(saves) * len(BASES) > 0
