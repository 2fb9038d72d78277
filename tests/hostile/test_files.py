"""Files and archives that do harm when they are read, brought as uploads are: they fail, or they harm nobody else."""

from __future__ import annotations

import io
import tarfile

import pytest

from matrix.messages import Packing
from matrix.model import Format, Method, Verdict
from tests.hostile.archives import ARCHIVES, zipped
from tests.hostile.case import Case
from tests.hostile.conftest import SECONDS, SECRET, Files, Watch
from tests.hostile.files import FILES

pytestmark = pytest.mark.containers

FOLDERS = frozenset({Format.SAVEDMODEL, Format.CHECKPOINT})
OWN_INPUTS = frozenset({"vocabulary-of-the-host", "vocabulary-of-a-process", "vocabulary-of-the-network"})
"""Files that take texts: their inputs are made by the child."""


@pytest.mark.parametrize("case", FILES.parameters())
def test_an_attack_by_a_file_is_contained(watch: Watch, hostile_files: Files, four_numbers: bytes, case: Case) -> None:
    """In 2.15, which refuses little."""
    _bring(watch, "tf2.15", hostile_files, four_numbers, case)


@pytest.mark.everything
@pytest.mark.parametrize("case", FILES.parameters())
def test_an_attack_by_a_file_is_contained_in_the_oldest(
    watch: Watch, hostile_files: Files, four_numbers: bytes, case: Case
) -> None:
    """In 2.4, which refuses nothing that it can read."""
    _bring(watch, "tf2.4", hostile_files, four_numbers, case)


@pytest.mark.everything
@pytest.mark.parametrize("case", FILES.parameters())
def test_an_attack_by_a_file_is_contained_in_the_newest(
    watch: Watch,
    newest_files: Files,
    four_numbers: bytes,
    case: Case,
) -> None:
    """In 2.21, by files that it would write itself."""
    _bring(watch, "tf2.21", newest_files, four_numbers, case)


def _bring(watch: Watch, name: str, files: Files, inputs: bytes, case: Case) -> None:
    found, unheld = watch(name).bring(
        files(case),
        case.options["format"],
        case.options.get("method", Method.DEFAULT),
        packing=Packing.TAR if case.options["format"] in FOLDERS else Packing.FILE,
        inputs=b"" if case.name in OWN_INPUTS or case.options.get("own_inputs") else inputs,
        seconds=3 if case.ends == {Verdict.TIMEOUT} else SECONDS,
    )
    assert found.ending.clean
    allowed = case.ends if name == "tf2.15" else case.ends | {Verdict.FAIL}
    assert found.result.verdict in allowed, found.result.failure
    assert not any(SECRET in array.tobytes() for _, array in unheld.outputs)


@pytest.fixture(scope="module")
def savedmodel(hostile_files: Files) -> dict[str, bytes]:
    """The members of a SavedModel that does no harm by itself."""
    with tarfile.open(fileobj=io.BytesIO(hostile_files(FILES["reads-the-image"])["model"])) as archive:
        opened = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        return {name: file.read() for name, file in opened.items() if file}


@pytest.mark.parametrize("case", ARCHIVES.parameters())
def test_an_attack_by_an_archive_is_contained(
    watch: Watch, savedmodel: dict[str, bytes], four_numbers: bytes, case: Case
) -> None:
    """It is refused before the framework sees it, with what is wrong; nothing was written outside."""
    watched = watch("tf2.15")
    content = case.act(savedmodel, str(watched.canary.path))
    found, _ = watched.bring(
        {"model": content}, Format.SAVEDMODEL, Method.SAVED_MODEL_LOAD, case.options["packing"], inputs=four_numbers
    )
    assert found.result.verdict in case.ends, found.result
    assert found.result.failure is not None
    assert case.options.get("error", "") in found.result.failure.exception
    assert found.ending.clean


def test_the_same_archive_without_the_attack_loads(
    watch: Watch, savedmodel: dict[str, bytes], four_numbers: bytes
) -> None:
    """What the others show is due to the attack alone."""
    found, _ = watch("tf2.15").bring(
        {"model": zipped(savedmodel)}, Format.SAVEDMODEL, Method.SAVED_MODEL_LOAD, Packing.ZIP, inputs=four_numbers
    )
    assert found.result.verdict is Verdict.LOADS, found.result.failure
