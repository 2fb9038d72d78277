"""Overlays: another Keras on an environment. What may stand in the file, what a lock holds, what makes it another one."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from images.locks import constraints, header, lock_path, on_top
from matrix import catalog
from matrix.errors import CatalogError, ExitCode
from matrix.model import Environment, Flavour
from matrix.rows import Overlay, read_overlays, read_rows

ROWS = """[[environment]]
id = "tf2.15"
tensorflow = "2.15.1"
python = "3.9"
keras = "2.15.0"
cut_off = 2024-03-21

[[environment]]
id = "tf2.18"
tensorflow = "2.18.1"
python = "3.9"
keras = "3.9.0"
cut_off = 2025-03-25
"""
OVERLAY = """
[[overlay]]
id = "tf2.18+keras3.8"
base = "tf2.18"
keras = "3.8.0"
cut_off = 2025-03-25
"""
LEGACY = OVERLAY.replace("+keras3.8", "+tf_keras2.18").replace('keras = "3.8.0"', 'tf_keras = "2.18.0"')
PIN = "{} \\\n    --hash=sha256:aa\n"
BASE_PINS = "".join(map(PIN.format, ("keras==3.9.0", "ml-dtypes==0.5.1", "optree==0.14.1", "tensorflow-cpu==2.18.1")))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file as environments.toml is, in a folder as images/ is, with two rows, two overlays and their locks."""
    path = tmp_path / "environments.toml"
    path.write_text(ROWS + OVERLAY + LEGACY)
    (tmp_path / "locks").mkdir()
    pins = {"tf2.15": PIN.format("tensorflow-cpu==2.15.1"), "tf2.18": BASE_PINS}
    for row in read_rows(path):
        lock_path(row.id, tmp_path / "locks").write_text(header(row) + pins[row.id])
    for one in read_overlays(path):
        text = header(one, tmp_path / "locks") + PIN.format(f"{one.package}=={one.keras}")
        lock_path(one.id, tmp_path / "locks").write_text(text)
    for name in (*catalog.RECIPE_FILES, *catalog.OVERLAY_FILES):
        (tmp_path / name).write_text(name)
    return path


def overlay(rows: Path) -> Overlay:
    """The Keras 3 overlay of the file."""
    return read_overlays(rows)[0]


def digests(rows: Path) -> dict[str, str]:
    """The recipe digest of every environment."""
    return {one.id: one.recipe_digest for one in catalog.load_environments(rows)}


def complaints(rows: Path, old: str = "", new: str = "") -> list[str]:
    """What is wrong with the file after a change, without the path."""
    rows.write_text(rows.read_text().replace(old, new))
    with pytest.raises(CatalogError) as caught:
        catalog.load_environments(rows)
    assert caught.value.exit_code is ExitCode.CATALOG
    return [line.removeprefix(f"{rows}:") for line in caught.value.message.splitlines()[1:]]


def test_every_keras_3_minor_and_tf_keras_are_there() -> None:
    """3.0 to the newest without a gap, each once, and tf_keras for every TensorFlow that has Keras 3."""
    environments = catalog.load_environments()
    overlays = [one for one in environments if one.base is not None]
    of = {flavour: [one for one in overlays if one.flavour is flavour] for flavour in Flavour}
    assert [one.keras.split(".")[1] for one in of[Flavour.KERAS3]] == [str(minor) for minor in range(16)]
    assert [one.minor for one in of[Flavour.TF_KERAS]] == [(2, minor) for minor in range(16, 22)]
    assert of[Flavour.KERAS2] == []
    assert len({one.recipe_digest for one in environments}) == len({one.image for one in environments}) == 40


def test_overlays_follow_their_base(rows: Path) -> None:
    """In the catalog; 3.10 after 3.9."""
    found = catalog.load_environments(rows)
    assert [one.id for one in found] == ["tf2.15", "tf2.18", "tf2.18+keras3.8", "tf2.18+tf_keras2.18"]
    assert [one.id for one in catalog.load_environments() if one.base == "tf2.19"] == [
        "tf2.19+keras3.10",
        "tf2.19+keras3.11",
        "tf2.19+tf_keras2.19",
    ]


def test_an_overlay_is_its_base_but_for_the_keras(rows: Path) -> None:
    """TensorFlow and Python are the base's, Keras and day are its own."""
    _, base, keras, legacy = catalog.load_environments(rows)
    assert (keras.tensorflow, keras.python, keras.keras, keras.base) == (
        base.tensorflow,
        base.python,
        "3.8.0",
        "tf2.18",
    )
    assert (base.flavour, keras.flavour, legacy.flavour) == (Flavour.KERAS3, Flavour.KERAS3, Flavour.TF_KERAS)
    assert keras.image.startswith("tfmatrix/tf2.18-keras3.8:")


@pytest.mark.parametrize("name", [*catalog.RECIPE_FILES, *catalog.OVERLAY_FILES, "locks/tf2.18+keras3.8.txt"])
def test_what_goes_into_base_or_overlay_changes_the_overlay(rows: Path, name: str) -> None:
    """The base's recipe is part of it; what is the overlay's alone leaves the base as it is."""
    before = digests(rows)
    path = rows.parent / name
    path.write_text(path.read_text() + "# more\n")
    after = digests(rows)
    assert before["tf2.18+keras3.8"] != after["tf2.18+keras3.8"]
    assert (before["tf2.18"] == after["tf2.18"]) is (name not in catalog.RECIPE_FILES)


def test_a_changed_base_lock_makes_the_overlay_s_stale(rows: Path) -> None:
    """An overlay is resolved over its base: over another base it may be something else."""
    path = rows.parent / "locks" / "tf2.18.txt"
    path.write_text(path.read_text() + PIN.format("six==1.17.0"))
    assert complaints(rows) == [
        f"{line}: the lock of {name} was made from another row"
        for line, name in ((15, "tf2.18+keras3.8"), (21, "tf2.18+tf_keras2.18"))
    ]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('base = "tf2.18"\nkeras', 'base = "tf2.17"\nkeras', "17: tf2.18+keras3.8: there is no tf2.17"),
        ('"tf2.18+keras3.8"', '"tf2.18+keras3.7"', "16: keras 3.8.0 on tf2.18 is tf2.18+keras3.8, not tf2.18+keras3.7"),
        ('"tf2.18+tf_keras2.18"', '"tf2.18+keras3.8"', "22: tf2.18+keras3.8 stands twice, first in line 16"),
        ('keras = "3.8.0"', 'keras = "3.8"', "18: tf2.18+keras3.8: keras is '3.8', expected a full version of Keras 3"),
        ('\nkeras = "3.8.0"', "", "15: tf2.18+keras3.8 needs one of 'keras' and 'tf_keras'"),
        (
            'tf_keras = "2.18.0"',
            'tf_keras = "2.17.0"',
            "24: tf2.18+tf_keras2.18: tf_keras 2.17.0 is for TensorFlow 2.17",
        ),
        ('"3.8.0"', '"3.11.3"', "17: tf2.18+keras3.8: Keras 3.11.3 needs Python 3.10, the base has 3.9"),
        ('"3.8.0"', '"3.13.2"', "17: tf2.18+keras3.8: Keras 3.13.2 needs Python 3.11, the base has 3.9"),
        ('base = "tf2.18"\nkeras', 'base = "tf2.15"\nkeras', "has a Keras of its own; overlays begin with 2.16"),
        (
            '2025-03-25\n\n[[overlay]]\nid = "tf2.18+tf',
            '2025-03-24\n\n[[overlay]]\nid = "tf2.18+tf',
            "19: tf2.18+keras3.8",
        ),
        ('base = "tf2.18"\nkeras', 'colour = "red"\nkeras', "15: tf2.18+keras3.8 lacks 'base'"),
        ("[[overlay]]", "[overlay]", "has no rows: each begins with [[overlay]]"),
    ],
)
def test_what_is_wrong_with_an_overlay_is_told_with_its_line(rows: Path, old: str, new: str, complaint: str) -> None:
    """Each fault has its own words, and none is a traceback."""
    if old == "[[overlay]]":
        rows.write_text(ROWS + OVERLAY)
    assert any(complaint in one for one in complaints(rows, old, new))


def test_faults_of_rows_and_overlays_come_at_once(rows: Path) -> None:
    """One error lists them all, in the order of the file."""
    found = complaints(rows, "cut_off = 2025-03-25", 'cut_off = "spring"')
    assert [one.partition(":")[0] for one in found] == ["13", "19", "25"]


def test_an_overlay_whose_lock_pins_another_keras_is_refused(rows: Path) -> None:
    """A lock edited by hand does not get past the catalog."""
    path = rows.parent / "locks" / "tf2.18+keras3.8.txt"
    path.write_text(path.read_text().replace("keras==3.8.0 \\", "keras==3.7.0 \\"))
    assert complaints(rows) == ["15: tf2.18+keras3.8.txt: pins keras 3.7.0, the row says 3.8.0"]


def test_the_base_s_pins_bind_but_for_what_the_overlay_names(rows: Path) -> None:
    """The Keras differs, and what `also` names may; all else is the base's."""
    rows.write_text(rows.read_text().replace('keras = "3.8.0"', 'keras = "3.8.0"\nalso = ["ml_dtypes>=0.5.2"]'))
    found = constraints(overlay(rows), BASE_PINS)
    assert found == "optree==0.14.1\ntensorflow-cpu==2.18.1\n"


def test_a_lock_holds_what_its_base_does_not() -> None:
    """What the base pins in just this version is left out, with its hashes."""
    resolved = "".join(map(PIN.format, ("dm-tree==0.1.8", "keras==3.8.0", "ml-dtypes==0.5.1", "optree==0.15.0")))
    kept = "".join(map(PIN.format, ("dm-tree==0.1.8", "keras==3.8.0", "optree==0.15.0")))
    assert on_top(resolved, BASE_PINS) == kept


def test_the_committed_locks_hold_no_tensorflow() -> None:
    """It is the base's: a second one in the overlay would be another TensorFlow."""
    texts = {one.id: lock_path(one.id).read_text() for one in read_overlays(catalog.ROWS)}
    assert [name for name, text in texts.items() if "\ntensorflow" in text] == []
    assert [name for name, text in texts.items() if "\nkeras==" not in text and "\ntf-keras==" not in text] == []


def test_a_lock_names_the_base_s_lock_by_its_content(rows: Path) -> None:
    """So that a stale one is told apart, whenever either was written."""
    base = (rows.parent / "locks" / "tf2.18.txt").read_bytes()
    assert f"over tf2.18's lock {hashlib.sha256(base).hexdigest()[:16]}" in header(overlay(rows), rows.parent / "locks")


def test_what_an_overlay_stands_on_comes_along() -> None:
    """Bases that nobody named are found, each once, before what stands on them."""
    everything = catalog.load_environments()
    chosen = [one for one in everything if one.base == "tf2.18"]
    found: tuple[Environment, ...] = catalog.with_bases(chosen, everything)
    assert found == tuple(one for one in everything if one.id.startswith("tf2.18"))
    assert Counter(one.base for one in found)[None] == 1
