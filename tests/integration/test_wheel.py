"""An installed package has all that it reads, and writes nothing beside itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from images.inspector_image import INSPECTOR
from matrix.catalog import load_environments
from matrix.config import ROOT

ASKED = """
import json
from images.inspector_image import INSPECTOR
from matrix import catalog, config, engines
from matrix.engines.docker import PROBE
print(json.dumps({
    "root": str(config.ROOT), "inspector": INSPECTOR.name(), "probe": PROBE.is_dir(),
    "environments": {one.id: one.recipe_digest for one in catalog.load_environments()},
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel of this checkout is installed, without what it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps"]
    built = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(built, check=True, timeout=300)  # noqa: S603
    (wheel,) = folder.glob("*.whl")
    target = folder / "site-packages"
    subprocess.run([*pip, "install", *offline, "--target", str(target), str(wheel)], check=True, timeout=300)  # noqa: S603
    return target


def called(installed: Path, home: Path, *words: str) -> tuple[int, str]:
    """Run Python as somebody who installed it has it; return its exit code and all that it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TFMATRIX_", "XDG_"))}
    ended = subprocess.run(  # noqa: S603
        [sys.executable, *words],
        env=clean | {"PYTHONPATH": str(installed), "HOME": str(home), "COLUMNS": "200"},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in ended.stdout, ended.stdout
    return ended.returncode, ended.stdout


def test_images_and_environments_are_those_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    """By their digests: the same files go into them."""
    code, said = called(installed, tmp_path, "-c", ASKED)
    assert code == 0, said
    found = json.loads(said)
    assert found["root"] == str(installed)
    assert found["inspector"] == INSPECTOR.name()
    assert found["probe"]
    assert found["environments"] == {one.id: one.recipe_digest for one in load_environments()}


def test_its_home_is_a_person_s_own(installed: Path, tmp_path: Path) -> None:
    """Where XDG has it, and not the folder of packages; so is the file of settings."""
    code, said = called(installed, tmp_path, "-m", "service", "config", "--json")
    assert code == 0, said
    values = {one["name"]: one["value"] for one in json.loads(said)["settings"]}
    assert values["home"] == str(tmp_path / ".local" / "share" / "tfmatrix")
    assert values["config"] == str(tmp_path / ".config" / "tfmatrix" / "tfmatrix.toml")


@pytest.mark.parametrize("words", [["setup", "--help"], ["check", "--help"], ["--help"]], ids=" ".join)
def test_commands_answer(installed: Path, tmp_path: Path, words: list[str]) -> None:
    """Nothing that they import is missing."""
    code, said = called(installed, tmp_path, "-m", "service", *words)
    assert code == 0, said


def test_a_home_that_cannot_be_made_is_a_sentence(installed: Path, tmp_path: Path) -> None:
    """A file stands where the folder should."""
    (tmp_path / ".local").write_text("no folder")
    model = tmp_path / "m.h5"
    model.write_bytes(b"\x89HDF\r\n\x1a\n")
    code, said = called(installed, tmp_path, "-m", "service", "check", str(model))
    assert code != 0
    assert ".local" in said


def test_the_stack_wants_a_checkout(installed: Path, tmp_path: Path) -> None:
    """Its image is made of files that no package has."""
    code, said = called(
        installed, tmp_path, "-c", "from images.service_image import SERVICE\nfrom matrix.errors import BuildError\n"
        "try:\n    SERVICE.name()\nexcept BuildError as error:\n    print(error.message, error.next_step)\n",
    )  # fmt: skip
    assert code == 0
    assert "which an installed tfmatrix has not" in said
