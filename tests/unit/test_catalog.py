"""The catalog reads what is written, complains about everything at once, and knows what makes an image another one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from images.locks import header
from matrix import catalog
from matrix.errors import CatalogError, ExitCode
from matrix.rows import Row, read_rows

ROW = """[[environment]]
id = "tf2.15"
tensorflow = "2.15.1"
python = "3.11"
keras = "2.15.0"
cut_off = 2024-03-21
"""
PINS = "tensorflow-cpu==2.15.1 \\\n    --hash=sha256:aa\nkeras==2.15.0 \\\n    --hash=sha256:bb\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as images/ is, with one row, its lock and the recipe's files."""
    (tmp_path / "locks").mkdir()
    rows = tmp_path / "environments.toml"
    rows.write_text(ROW)
    (tmp_path / "locks" / "tf2.15.txt").write_text(header(read_rows(rows)[0]) + PINS)
    for name in catalog.RECIPE_FILES:
        (tmp_path / name).write_text(name)
    return tmp_path


def complaints(path: Path) -> list[str]:
    """What the catalog says against a file, without the path."""
    with pytest.raises(CatalogError) as caught:
        catalog.load_environments(path)
    assert caught.value.exit_code is ExitCode.CATALOG
    assert caught.value.next_step
    return [line.removeprefix(f"{path}:") for line in caught.value.message.splitlines()[1:]]


def rows_of(tmp_path: Path, text: str) -> Path:
    """A file with just this text."""
    path = tmp_path / "rows.toml"
    path.write_text(text)
    return path


def test_the_committed_rows_are_the_eighteen_minors_in_order() -> None:
    """Every minor from 2.4 to 2.21 is there once, 2.10 after 2.9, each with a digest of its own."""
    environments = catalog.load_environments()
    assert [one.id for one in environments if one.base is None] == [f"tf2.{minor}" for minor in range(4, 22)]
    assert len({one.recipe_digest for one in environments}) == len(environments)


def test_the_committed_locks_name_no_place() -> None:
    """A lock says what, never from where: no address, no index option."""
    for lock in (catalog.IMAGES / "locks").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock
        assert "index" not in text.replace("importlib", ""), lock


def test_the_models_are_those_of_the_probe_in_their_order() -> None:
    """Each recipe of the probe is a model, told with what it is there to show."""
    models = catalog.load_models()
    assert len({one.id for one in models}) == len(models) >= 32
    assert all(one.title and one.shows and one.group for one in models)


def test_a_model_is_told_as_its_recipe_says() -> None:
    """Group, reference, formats and training steps come from the recipe."""
    by_id = {one.id: one for one in catalog.load_models()}
    assert by_id["residual-concat"].reference == "keras#20973"
    assert by_id["optimizer-state"].training_steps == 5
    assert by_id["dense"].formats is None
    assert by_id["tf-module"].formats == ("savedmodel", "checkpoint")
    assert (by_id["tf-module"].group, by_id["tf-module"].training_steps) == ("low-level", 0)


def test_a_row_becomes_an_environment(folder: Path) -> None:
    """What stands in the row is what the environment says."""
    (found,) = catalog.load_environments(folder / "environments.toml")
    assert (found.id, found.tensorflow, found.keras, found.python) == ("tf2.15", "2.15.1", "2.15.0", "3.11")
    assert found.image == f"tfmatrix/tf2.15:{found.recipe_digest[:16]}"


@pytest.mark.parametrize("name", [*catalog.RECIPE_FILES, "locks/tf2.15.txt"])
def test_whatever_goes_into_an_image_changes_its_digest(folder: Path, name: str) -> None:
    """One more byte in any file of the recipe, or in the lock, is another environment."""
    (before,) = catalog.load_environments(folder / "environments.toml")
    path = folder / name
    path.write_text(path.read_text() + "# more\n")
    (after,) = catalog.load_environments(folder / "environments.toml")
    assert before.recipe_digest != after.recipe_digest


def test_the_digest_is_the_same_wherever_the_project_lies(folder: Path, tmp_path: Path) -> None:
    """Paths and times are no part of a recipe."""
    copied = tmp_path / "elsewhere"
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("elsewhere"))
    (here,), (there,) = (catalog.load_environments(one / "environments.toml") for one in (folder, copied))
    assert here.recipe_digest == there.recipe_digest


def test_another_python_is_another_environment(folder: Path) -> None:
    """The base image is part of the recipe, even where the lock is the same."""
    (row,) = read_rows(folder / "environments.toml")
    other = Row(**{**{name: getattr(row, name) for name in Row.__slots__}, "python": "3.10"})
    assert catalog.recipe_digest(row, folder) != catalog.recipe_digest(other, folder)


def test_every_complaint_comes_at_once_with_its_line(tmp_path: Path) -> None:
    """Wrong values, missing and unknown keys, doubles and misnomers are all told in one error, in order."""
    wrong = ROW.replace('"3.11"', "3.11").replace("cut_off = 2024-03-21", 'cut_off = "spring"\ncolour = "red"')
    misnamed = ROW.replace("2.15.1", "2.16.2").replace('keras = "2.15.0"\n', "")
    found = complaints(rows_of(tmp_path, f"{wrong}\n{misnamed}"))
    assert found == [
        "4: tf2.15: python is 3.11, expected a CPython minor, such as 3.11",
        "6: tf2.15: cut_off is 'spring', expected a day, such as 2024-03-21",
        "7: tf2.15 has 'colour'; known are id, tensorflow, python, keras, cut_off, also",
        "9: tf2.15 lacks 'keras'",
        "10: TensorFlow 2.16.2 is tf2.16, not tf2.15",
        "10: tf2.15 stands twice, first in line 2",
    ]


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    """A syntax error names the line it is in."""
    (found,) = complaints(rows_of(tmp_path, ROW.replace('"2.15.1"', '"2.15.1')))
    assert found.startswith("3: is not TOML")


@pytest.mark.parametrize("text", ["", 'environment = "tf2.15"\n', "environment = [1]\n", "[environment]\nid = 1\n"])
def test_a_file_without_rows_says_how_rows_begin(tmp_path: Path, text: str) -> None:
    """Empty files and other shapes end in a complaint, never in a traceback."""
    assert any("[[environment]]" in one for one in complaints(rows_of(tmp_path, text)))


def test_a_file_that_cannot_be_read_is_a_complaint(tmp_path: Path) -> None:
    """Missing and undecodable files are told like any other fault."""
    (missing,) = complaints(tmp_path / "none.toml")
    assert "cannot be read" in missing
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (binary,) = complaints(tmp_path / "binary.toml")
    assert "cannot be read" in binary


def test_a_row_without_a_lock_is_told_what_makes_one(folder: Path) -> None:
    """The next step for a new row is the command that writes locks."""
    (folder / "locks" / "tf2.15.txt").unlink()
    with pytest.raises(CatalogError) as caught:
        catalog.load_environments(folder / "environments.toml")
    assert "tf2.15 has no lock" in caught.value.message
    assert "make locks" in caught.value.next_step


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("cut_off = 2024-03-21", "cut_off = 2024-03-22", "made from another row"),
        ('python = "3.11"', 'python = "3.12"', "made from another row"),
        ('keras = "2.15.0"', 'keras = "2.15.1"', "pins Keras 2.15.0, the row says 2.15.1"),
    ],
)
def test_a_row_that_its_lock_contradicts_is_refused(folder: Path, old: str, new: str, complaint: str) -> None:
    """Changing a row without `make locks` never tests something else than what the row says."""
    path = folder / "environments.toml"
    path.write_text(ROW.replace(old, new))
    (found,) = complaints(path)
    assert complaint in found


def test_a_pin_without_a_hash_is_refused(folder: Path) -> None:
    """A lock edited by hand does not get past the catalog."""
    path = folder / "locks" / "tf2.15.txt"
    path.write_text(path.read_text() + "six==1.16.0\n")
    assert complaints(folder / "environments.toml") == ["1: tf2.15.txt: six==1.16.0 has no hash"]


def test_rows_come_oldest_first_whatever_their_order(folder: Path) -> None:
    """2.10 after 2.9, wherever they stand in the file."""
    path = folder / "environments.toml"
    path.write_text("\n".join(ROW.replace("2.15", minor) for minor in ("2.10", "2.9")))
    assert [row.id for row in read_rows(path)] == ["tf2.9", "tf2.10"]


def test_a_stranger_s_table_is_a_complaint(tmp_path: Path) -> None:
    """What is no row is not passed over in silence."""
    (found,) = complaints(rows_of(tmp_path, ROW + "[tool]\n"))
    assert "'tool'" in found


def test_a_row_with_further_requirements_has_its_lock(folder: Path) -> None:
    """A lock that `make locks` writes for a row with `also` is that row's, and no other's."""
    path = folder / "environments.toml"
    path.write_text(ROW + 'also = ["protobuf<4"]\n')
    assert "made from another row" in complaints(path)[0]
    (folder / "locks" / "tf2.15.txt").write_text(header(read_rows(path)[0]) + PINS)
    assert len(catalog.load_environments(path)) == 1


def test_the_lock_of_another_row_changes_nothing(folder: Path) -> None:
    """A new TensorFlow leaves the others what they are."""
    (row,) = read_rows(folder / "environments.toml")
    before = catalog.recipe_digest(row, folder)
    (folder / "locks" / "tf2.16.txt").write_text("another")
    assert catalog.recipe_digest(row, folder) == before
