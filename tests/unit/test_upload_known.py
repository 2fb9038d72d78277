"""The same files again: answered from what is known of them, and looked into again only once that may tell more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from matrix.store import Store
from matrix.uploads import case, model
from matrix.uploads.model import Options, Part, UploadCell, UploadState
from tests.fake_uploads import BASES, IDS, World, before_2_16, hand_in, is_over, row, store, until, work_on

__all__ = ["store"]


def test_the_same_file_again_is_answered_from_what_is_known(tmp_path: Path, store: Store) -> None:
    """Nothing is inspected or run, and the second address shows the same."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        asked = len(world.asked)
        second = until(work, store, hand_in(work.door, owner="another"), is_over)
    assert (len(world.asked), world.inspected) == (asked, 1)
    assert (second.reference, second.content, second.id == first.id) == (first.reference, first.content, False)


def test_the_same_file_by_another_name_is_looked_into_and_not_loaded(tmp_path: Path, store: Store) -> None:
    """An inspector warns of names that lie; a name that does not is told nothing of another's, whichever came last."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world)
    with work.running():
        world.inspection["notes"] = ["It is called .keras and is HDF5."]
        lies = until(work, store, hand_in(work.door, named={Part.MODEL: ("m.keras", b"model")}), is_over)
        asked = len(world.asked)
        world.inspection["notes"] = []
        found = [
            until(work, store, hand_in(work.door, named={Part.MODEL: (name, b"model")}), is_over)
            for name in ("m.h5", "n.H5", "n.keras")
        ]
    assert [one.inspection and one.inspection["notes"] for one in (lies, *found)] == [
        ["It is called .keras and is HDF5."],
        [],
        [],
        ["It is called .keras and is HDF5."],
    ]
    assert (len(world.asked), world.inspected) == (asked, 2)


def by_a_repaired_inspector(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on another version of it looks into files."""
    for module in (case, model):
        monkeypatch.setattr(module, "INSPECTION_VERSION", 99)


def test_the_same_file_is_looked_into_again_once_the_inspector_was_repaired(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once. What was found of it stays: it is asked the same."""
    world = World(rule=before_2_16, made=lambda: 1.0, inspection={"inputs_from": "none"})
    work = work_on(tmp_path, store, world)
    with work.running():
        until(work, store, hand_in(work.door), is_over)
        asked = len(world.asked)
        by_a_repaired_inspector(monkeypatch)
        world.inspection["notes"] = ["Something that it did not see before."]
        found = [until(work, store, hand_in(work.door), is_over) for _ in range(2)]
    assert [one.inspection and one.inspection["notes"] for one in found] == [world.inspection["notes"]] * 2
    assert {one.inspection and one.inspection["inputs_from"] for one in found} == {"model"}
    assert (len(world.asked), world.inspected) == (asked, 2)


def test_a_file_that_turns_out_to_be_another_kind_is_tried_anew(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found of it answers another question, and stands in no row with the new answers."""
    world = World(rule=before_2_16)
    work = work_on(tmp_path, store, world)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        asked = len(world.asked)
        by_a_repaired_inspector(monkeypatch)
        world.inspection["root"] = "elsewhere"
        again = until(work, store, hand_in(work.door), is_over)
    assert {name for name, _ in world.asked[asked:]} == set(IDS.values())
    assert world.inspected == 2
    assert row(store, again).keys() == row(store, first).keys()


def test_groups_are_numbered_alike_for_whoever_hands_the_same_in_again(tmp_path: Path, store: Store) -> None:
    """Also where they ask for other versions."""
    said = {"tf2.21": 2.0, "tf2.4": 3.0, "tf2.12": 3.0}
    work = work_on(tmp_path, store, World(rule=lambda environment, _: said.get(environment.id, 1.0)), lanes=1)
    with work.running():
        first = until(work, store, hand_in(work.door), is_over)
        groups = {name: cell.group for name, cell in row(store, first).items()}
        asked = Options(save_again=False, environments=("tf2.4", "tf2.21"))
        for options in (asked, Options(save_again=False)):
            again = until(work, store, hand_in(work.door, options=options), is_over)
            assert {name: cell.group for name, cell in row(store, again).items()} == groups
    assert groups["tf2.4"] == groups["tf2.12"] != groups["tf2.21"]


def test_what_is_known_is_not_written_again(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor shown for a moment as it was before it was compared: the first page is somebody else's."""
    written: list[UploadCell] = []
    real = store.uploads.record_cells

    def noted(content: str, found: Sequence[UploadCell]) -> None:
        written.extend(found)
        real(content, found)

    monkeypatch.setattr(store.uploads, "record_cells", noted)
    work = work_on(tmp_path, store, World())
    with work.running():
        until(work, store, hand_in(work.door), is_over)
        assert len(written) >= len(BASES)
        written.clear()
        until(work, store, hand_in(work.door), is_over)
    assert written == []


def test_what_is_known_of_a_file_does_not_get_round_the_kinds_that_are_taken(tmp_path: Path, store: Store) -> None:
    """Whoever narrows them later is obeyed; who widens them again has it answered."""
    for kinds, state in (("h5", UploadState.DONE), ("keras", UploadState.REFUSED), ("h5", UploadState.DONE)):
        work = work_on(tmp_path, store, World(), upload_kinds=kinds)
        with work.running():
            assert until(work, store, hand_in(work.door), is_over).state is state
