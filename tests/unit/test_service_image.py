"""The service's image is named by what goes into it, and its packages are those that the tests ran with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from images.inspector_image import INSPECTOR
from images.service_image import SERVICE
from matrix.config import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The least that an image can be made of."""
    for name in SERVICE.files:
        (tmp_path / name).write_text(name)
    for name in SERVICE.folders:
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("1")
    return tmp_path


def pins(name: str) -> dict[str, set[str]]:
    """The pinned packages of a lock, marker included, each with its hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8"))
    return {block.split(" \\")[0]: set(re.findall(r"sha256:\w+", block)) for block in blocks if "==" in block}


@pytest.mark.parametrize("path", ["matrix/code.py", "images/locks/tf2.4.txt", "pyproject.toml"])
def test_whatever_goes_in_makes_another_image(checkout: Path, path: str) -> None:
    """A changed, or a new, file changes the name."""
    before = SERVICE.name(checkout)
    (checkout / path).parent.mkdir(exist_ok=True)
    (checkout / path).write_text("2")
    assert SERVICE.name(checkout) != before
    assert Path(path) in set(SERVICE.contents(checkout))


def test_what_does_not_go_in_makes_no_other_image(checkout: Path) -> None:
    """Bytecode, results and tests are no part of it."""
    before = SERVICE.name(checkout)
    for path in ("matrix/__pycache__/code.cpython-311.pyc", "var/matrix.db", "tests/test_code.py", ".venv/code.py"):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text("2")
    assert SERVICE.name(checkout) == before


def test_a_file_that_moves_makes_another_image(checkout: Path) -> None:
    """Names count, not only contents."""
    before = SERVICE.name(checkout)
    (checkout / "matrix" / "code.py").rename(checkout / "matrix" / "other.py")
    assert SERVICE.name(checkout) != before


def test_the_images_packages_are_those_of_the_tests() -> None:
    """Each pin of the service's lock stands, hashes included, in the lock that the tests ran with."""
    ours, tested = pins("requirements-service.lock"), pins("requirements.lock")
    versions = {pin.split(" ;")[0]: hashes for pin, hashes in tested.items()}
    assert {pin for pin, hashes in ours.items() if versions.get(pin.split(" ;")[0]) != hashes} == set()
    assert all(ours.values())


def test_the_image_has_every_package_that_we_need() -> None:
    """A dependency that is added to pyproject.toml is added by `make locks` here, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[\[>=<]", one)[0] for one in project["dependencies"]} | {"psycopg", "hatchling"}
    assert wanted <= {pin.split("==")[0] for pin in pins("requirements-service.lock")}


def test_nothing_that_only_developers_need_is_in_it() -> None:
    """Neither test tools nor type checkers are served."""
    assert not {"pytest", "mypy", "ruff", "playwright"} & {
        pin.split("==")[0] for pin in pins("requirements-service.lock")
    }


def test_the_inspector_holds_its_own_code_and_what_it_imports() -> None:
    """A change to what it runs makes another image; the rest of the checkout is none of its business."""
    names = {str(path) for path in INSPECTOR.contents()}
    assert {"images/inspector/__main__.py", "images/inspector/Dockerfile", "images/probe/wire.py"} <= names
    assert {name for name in names if not name.startswith("images/inspector/")} == set(INSPECTOR.files)


def test_whatever_an_image_is_built_from_is_in_it() -> None:
    """Names and recipes of both images stand for files of the checkout."""
    for image in (SERVICE, INSPECTOR):
        assert image.recipe in {str(path) for path in image.contents()}
        assert image.name().startswith(f"tfmatrix/{image.what}:")


def test_the_service_can_name_the_inspectors_image() -> None:
    """The runner inside the service's image computes the name from the files that it has."""
    held = {str(path) for path in SERVICE.contents()}
    assert {str(path) for path in INSPECTOR.contents()} <= held


def test_the_inspector_has_what_the_tests_ran_with() -> None:
    """Each pin of its lock stands, hashes included, in the lock that the tests ran with; nothing else is in it."""
    ours, tested = pins("images/inspector/requirements.lock"), pins("requirements.lock")
    assert {pin: hashes for pin, hashes in tested.items() if pin in ours} == ours
    assert {pin.split("==")[0] for pin in ours} == {"h5py", "numpy", "protobuf"}
