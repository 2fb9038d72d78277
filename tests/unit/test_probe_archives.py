"""How artifacts leave and enter a container: canonical tars out, nothing but files and folders in."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.probe_code import probe

save = probe("save")
load = probe("load")
archives = probe("archives")
writers = probe("writers")
observe = probe("observe")
ROOM = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A SavedModel's shape: a file, a folder with a file, an empty folder."""
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / "model" / "assets").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "model" / "variables" / "variables.index").write_bytes(b"index")
    return tmp_path / "model"


def tar_of(path: Path, *members: tuple[str, bytes, bytes]) -> Path:
    """Write a tar of (name, type, data)."""
    with tarfile.open(path, "w") as archive:
        for name, kind, data in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(data), "/etc/passwd"
            archive.addfile(member, io.BytesIO(data))
    return path


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    """An artifact is named by its content, so times and owners stay out."""
    first = writers.canonical(str(folder), ROOM)
    os.utime(folder / "saved_model.pb", (1, 1))
    (folder / "saved_model.pb").chmod(0o600)
    assert writers.canonical(str(folder), ROOM) == first


def test_a_tar_is_sorted_and_holds_no_links(folder: Path) -> None:
    """Files and folders in the order of their names; a link is left behind."""
    (folder / "link").symlink_to("/etc/passwd")
    with tarfile.open(fileobj=io.BytesIO(writers.canonical(str(folder), ROOM))) as archive:
        names = archive.getnames()
    assert names == ["assets", "saved_model.pb", "variables", "variables/variables.index"]


def test_one_file_leaves_as_it_is(folder: Path) -> None:
    """h5 and keras are not wrapped."""
    assert writers.canonical(str(folder / "saved_model.pb"), ROOM) == b"graph"


def test_what_is_larger_than_the_job_allows_is_not_read(folder: Path) -> None:
    """The bound is checked by size before the bytes are held."""
    with pytest.raises(observe.TooLarge, match="more than 3 are"):
        writers.canonical(str(folder), 3)
    with pytest.raises(observe.TooLarge):
        writers.canonical(str(folder / "saved_model.pb"), 4)


def test_a_folder_comes_back_as_it_went(folder: Path, tmp_path: Path) -> None:
    """Packing and unpacking are each other's inverse."""
    packed = tmp_path / "artifact"
    packed.write_bytes(writers.canonical(str(folder), ROOM))
    (tmp_path / "cell").mkdir()
    copy = Path(load.private_copy(str(packed), True, str(tmp_path / "cell"), "savedmodel"))  # noqa: FBT003
    assert writers.canonical(str(copy), ROOM) == packed.read_bytes()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/etc/evil", tarfile.REGTYPE),
        ("../evil", tarfile.REGTYPE),
        ("a/../../evil", tarfile.DIRTYPE),
        ("link", tarfile.SYMTYPE),
        ("hard", tarfile.LNKTYPE),
        ("pipe", tarfile.FIFOTYPE),
        ("disk", tarfile.BLKTYPE),
    ],
)
def test_a_tar_with_anything_else_is_refused(tmp_path: Path, name: str, kind: bytes) -> None:
    """Links, devices and members that lead outside are in no artifact of ours."""
    path = tar_of(tmp_path / "evil.tar", (name, kind, b""))
    with pytest.raises(archives.UnsafeArchive):
        archives.untar(str(path), str(tmp_path / "out"))
    assert not (tmp_path / "evil").exists()


def test_a_format_of_one_file_refuses_a_tar(tmp_path: Path) -> None:
    """Host and probe must agree on what an artifact is."""
    with pytest.raises(archives.UnsafeArchive, match="h5 is one file"):
        load.private_copy("anything", True, str(tmp_path), "h5")  # noqa: FBT003


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"format": "onnx", "method": "default"}, "no format named 'onnx'"),
        ({"format": "h5", "method": "prayer"}, "h5 is not loaded by 'prayer'"),
        ({"format": "h5", "method": "saved_model.load"}, "h5 is not loaded by 'saved_model.load'"),
        ({"format": "weights-h5", "method": "default"}, "weights-h5 is not loaded by 'default'"),
        ({"format": "weights-h5", "method": "weights", "model": "x"}, "no recipe named 'x' to build anew"),
        ({"format": "checkpoint", "method": "checkpoint.read", "model": None}, "no recipe named None to build anew"),
        ({"format": "h5", "method": "custom_objects", "model": "dense"}, "no custom objects are known for 'dense'"),
        ({"format": "h5", "method": "custom_objects", "model": None}, "no custom objects are known for None"),
    ],
)
def test_what_the_probe_does_not_know_is_unsupported(job: dict[str, Any], reason: str) -> None:
    """Said before any file is touched: this is how an environment proves that it listens."""
    cell = dict(job, artifact="/no/such/file")
    header, body = load.load({"cells": [cell], "limits": {"body": ROOM}}, "/no/such/folder")
    assert reason in header["cells"][0]["unsupported"]
    assert body == b""


def test_an_unknown_recipe_is_unsupported() -> None:
    """The saver answers for models it does not have."""
    assert "no recipe named 'x'" in save.save({"model": "x", "formats": ["h5"]}, "/nowhere")[0]["unsupported"]


@pytest.fixture
def makers() -> Callable[..., Any]:
    """Something that gives each save a model of a given Keras."""

    def of_version(version: str, formats: tuple[str, ...] | None = None) -> Any:
        class Model:
            """A Keras model, as far as its version is concerned."""

            def __init__(self) -> None:
                self.saved: list[str] = []

            def train_on_batch(self) -> None:
                """What tells a Keras model from a module."""

            def save(self, path: str, **options: str) -> None:
                zipped = version != "2.11.0" and (version != "2.12.0" or options == {"save_format": "keras_v3"})
                Path(path).write_bytes(writers.ZIP_MAGIC if zipped else writers.HDF5_MAGIC)

        Model.__module__ = "keras_like.engine"
        made = Model()

        return save.Makers(made, None, formats)

    return of_version


@pytest.mark.parametrize(
    ("version", "outcome"), [("2.11.0", "unsupported"), ("2.12.0", "saved"), ("2.13.1", "saved"), ("3.13.2", "saved")]
)
def test_the_zip_is_believed_by_its_bytes(
    version: str, outcome: str, makers: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 2.11 ``save("m.keras")`` writes HDF5 without a word, and 2.12 wants to be told."""
    monkeypatch.setitem(writers.sys.modules, "keras_like", type("keras", (), {"__version__": version}))
    entry, artifact = save._saved(makers(version), "keras", str(tmp_path), ROOM)
    assert entry["outcome"] == outcome
    assert bool(artifact) == (outcome == "saved")


@pytest.mark.parametrize(("version", "format_"), [("3.13.2", "savedmodel"), ("2.12.0", "export"), ("2.12.0", "onnx")])
def test_a_format_the_version_never_had_is_unsupported(
    version: str, format_: str, makers: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known before the save, and no failure of it."""
    monkeypatch.setitem(writers.sys.modules, "keras_like", type("keras", (), {"__version__": version}))
    entry, artifact = save._saved(makers(version), format_, str(tmp_path), ROOM)
    assert (entry["outcome"], artifact) == ("unsupported", b"")
    assert entry["reason"]


def test_a_format_that_makes_no_sense_for_a_model_is_not_applicable(
    makers: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe says which formats do; nothing is written, and whether the version has the format is not asked."""
    monkeypatch.setitem(writers.sys.modules, "keras_like", type("keras", (), {"__version__": "3.13.2"}))
    made = makers("3.13.2", formats=("keras",))
    assert save._saved(made, "keras", str(tmp_path), ROOM)[0]["outcome"] == "saved"
    for format_ in ("h5", "savedmodel", "weights-h5"):
        entry, artifact = save._saved(made, format_, str(tmp_path), ROOM)
        assert (entry["outcome"], artifact) == ("not-applicable", b"")
        assert format_ in entry["reason"]
    assert list(tmp_path.iterdir()) == []


def test_a_save_that_raises_is_a_failed_save(
    makers: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the exception, and without stopping the formats that follow."""
    monkeypatch.setitem(writers.sys.modules, "keras_like", type("keras", (), {"__version__": "3.13.2"}))
    made = makers("3.13.2")
    monkeypatch.setattr(made.sample, "save", _exit, raising=False)
    entry, artifact = save._saved(made, "h5", str(tmp_path), ROOM)
    assert (entry["outcome"], entry["reason"], artifact) == ("save-failed", "saving raised SystemExit", b"")
    assert entry["exception"]["message"] == "4"


def _exit(*_: object, **__: object) -> None:
    raise SystemExit(4)


def sized(sizes: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each format write a file of so many bytes."""

    def writing(size: int) -> Callable[[Any, str], str]:
        def write(_model: Any, folder: str) -> str:
            (Path(folder) / "model").write_bytes(b"x" * size)
            return str(Path(folder) / "model")

        return write

    monkeypatch.setattr(writers, "WRITERS", {name: writing(size) for name, size in sizes.items()})
    monkeypatch.setattr(writers, "absence", lambda *_: None)


@pytest.mark.parametrize(
    ("sizes", "saved", "too_large"),
    [
        ({"json+weights": 20, "keras": 90, "h5": 30}, {"json+weights", "h5"}, set()),
        ({"json+weights": 20, "keras": 101, "h5": 30}, {"json+weights", "h5"}, {"keras"}),
        ({"json+weights": 100, "keras": 100, "h5": 100}, {"json+weights"}, set()),
        ({"json+weights": 101, "keras": 20, "h5": 80}, {"keras", "h5"}, {"json+weights"}),
    ],
)
def test_what_does_not_fit_beside_the_others_is_left_out(  # noqa: PLR0913, PLR0917  what is saved, and what comes of it
    makers: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sizes: dict[str, int],
    saved: set[str],
    too_large: set[str],
) -> None:
    """It is asked for again, alone; what does not even fit alone is said to be too large, which is no failure of a version."""
    sized(sizes, monkeypatch)
    job = {"formats": list(sizes), "limits": {"body": 107}}
    header, body = save.in_formats(makers("3.13.2"), job, str(tmp_path), {}, b"answers")
    outcomes = {one["format"]: one["outcome"] for one in header["saves"]}
    assert outcomes == dict.fromkeys(saved, "saved") | dict.fromkeys(too_large, "too-large")
    assert len(body) == 7 + sum(sizes[name] for name in saved)
    assert [one["length"] for one in header["saves"]] == [
        sizes[one["format"]] if one["outcome"] == "saved" else 0 for one in header["saves"]
    ]
    assert all("more than 100 are" in one["reason"] for one in header["saves"] if one["outcome"] == "too-large")


def test_what_was_read_leaves_its_room_to_the_next_format(
    makers: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox has room for copies of one file, not for one in each format."""
    sized({"json+weights": 10, "h5": 10}, monkeypatch)
    job = {"formats": ["h5", "json+weights"], "limits": {"body": 100}}
    assert len(save.in_formats(makers("3.13.2"), job, str(tmp_path), {}, b"")[0]["saves"]) == 2
    assert list(tmp_path.iterdir()) == []
