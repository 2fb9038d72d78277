"""What the probe makes of files that somebody brought, without a framework: archives, Python beside a model, inputs."""

from __future__ import annotations

import errno
import io
import stat
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from images.inspector.archive import listed_zip
from images.probe import wire
from matrix.uploads.ways import OWN_PYTHON
from tests.probe_code import probe

archives = probe("archives")
brought = probe("brought")
load = probe("load")
again = probe("again")
save = probe("save")
child = probe("child")

Files = dict[str, bytes]
SAVEDMODEL: Files = {
    "deep/model/saved_model.pb": b"graph",
    "deep/model/variables/variables.index": b"i",
    "README": b"r",
}


def packed(path: Path, packing: str, files: Files) -> Path:
    """Pack files as somebody would."""
    if packing == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz" if packing == "tar.gz" else "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def contents(folder: Path) -> Files:
    """All files below a folder by their relative names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_name_in_an_extra_field_is_read_by_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 3.12 on zipfile takes a name from the field 0x7075; the inspector, which names the root, runs on an older one."""
    path = packed(tmp_path / "a", "zip", {"mod\u251c\xbfle/saved_model.pb": b"graph"})
    listed = zipfile.ZipFile.infolist

    def as_python_3_12(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        infos = listed(archive)
        for info in infos:
            info.filename = "mod\xe8le/saved_model.pb"
        return infos

    monkeypatch.setattr(zipfile.ZipFile, "infolist", as_python_3_12)
    archives.unpack(str(path), "zip", "mod\u251c\xbfle", str(tmp_path / "model"))
    assert (tmp_path / "model" / "saved_model.pb").read_bytes() == b"graph"
    assert list(listed_zip(path).sizes) == ["mod\u251c\xbfle/saved_model.pb"]


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("root", ["deep/model", "./deep/model/"])
def test_what_lies_at_the_root_is_unpacked(tmp_path: Path, packing: str, root: str) -> None:
    """And nothing else; a root may be spelt as archives spell it."""
    archives.unpack(str(packed(tmp_path / "a", packing, SAVEDMODEL)), packing, root, str(tmp_path / "model"))
    assert contents(tmp_path / "model") == {"saved_model.pb": b"graph", "variables/variables.index": b"i"}


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz"])
def test_the_root_may_be_one_file(tmp_path: Path, packing: str) -> None:
    """An .h5 file within an archive."""
    archives.unpack(
        str(packed(tmp_path / "a", packing, {"x/m.h5": b"h5"})), packing, "x/m.h5", str(tmp_path / "model.h5")
    )
    assert (tmp_path / "model.h5").read_bytes() == b"h5"


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_a_root_that_is_not_there_is_said(tmp_path: Path, packing: str) -> None:
    """Rather than a framework that finds an empty folder."""
    with pytest.raises(archives.NotThere, match="holds nothing at 'other'"):
        archives.unpack(str(packed(tmp_path / "a", packing, SAVEDMODEL)), packing, "other", str(tmp_path / "model"))


@pytest.mark.parametrize(
    "name", ["/etc/evil", "../evil", "a/../../evil", "..\\evil", "C:\\evil", "C:evil", "\\\\host\\evil"]
)
def test_a_zip_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    """Also where the model itself lies elsewhere in it."""
    path = packed(tmp_path / "a", "zip", {"m/saved_model.pb": b"", name: b"evil"})
    if not name.startswith("\\"):
        with pytest.raises(archives.UnsafeArchive, match="leads outside"):
            archives.unpack(str(path), "zip", "m", str(tmp_path / "out" / "model"))
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("name", ["/etc/evil", "../evil", "a/../../evil"])
def test_a_tar_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    """Wherever in it the model lies."""
    path = packed(tmp_path / "a", "tar.gz", {"m/saved_model.pb": b"", name: b"evil"})
    with pytest.raises(archives.UnsafeArchive, match="leads outside"):
        archives.unpack(str(path), "tar.gz", "m", str(tmp_path / "out" / "model"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_zip_with_a_link_or_device_is_refused(tmp_path: Path, kind: int) -> None:
    """The mode that a zip made on Unix gives."""
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        member = zipfile.ZipInfo("m/link")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(archives.UnsafeArchive, match="neither file nor folder"):
        archives.unpack(str(tmp_path / "a"), "zip", "m", str(tmp_path / "model"))


def test_a_link_in_a_tar_and_a_write_through_it_are_refused(tmp_path: Path) -> None:
    """The link is what is refused, before anything follows it."""
    with tarfile.open(tmp_path / "a", "w") as archive:
        link = tarfile.TarInfo("m/out")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "victim")
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("m/out/file"))
    (tmp_path / "victim").mkdir()
    with pytest.raises(archives.UnsafeArchive, match="neither file nor folder"):
        archives.unpack(str(tmp_path / "a"), "tar", "m", str(tmp_path / "model"))
    assert not list((tmp_path / "victim").iterdir())


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_two_members_of_one_name_are_refused(tmp_path: Path, packing: str) -> None:
    """What one tool shows and another loads must not differ."""
    path = tmp_path / "a"
    with pytest.warns(UserWarning, match="Duplicate") if packing == "zip" else _nothing():
        if packing == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("m/x", b"1")
                archive.writestr("m/x", b"2")
        else:
            with tarfile.open(path, "w") as archive:
                archive.addfile(tarfile.TarInfo("m/x"))
                archive.addfile(tarfile.TarInfo("m/x"))
    with pytest.raises(FileExistsError):
        archives.unpack(str(path), packing, "m", str(tmp_path / "model"))


def _nothing() -> Any:
    import contextlib  # noqa: PLC0415

    return contextlib.nullcontext()


@pytest.mark.parametrize("packing", ["zip", "tar.gz"])
def test_a_bomb_is_stopped_at_its_bound(tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it really becomes, and a zip already by what it admits."""
    monkeypatch.setattr(archives, "SMALL", 1 << 20)
    path = packed(tmp_path / "a", packing, {"m/weights": bytes(8 << 20)})
    with pytest.raises(archives.UnsafeArchive, match="unpacks to more"):
        archives.unpack(str(path), packing, "m", str(tmp_path / "model"))
    written = sum(len(data) for data in contents(tmp_path).values()) - path.stat().st_size
    assert written <= archives.SMALL + path.stat().st_size * archives.MAX_RATIO


def test_a_zip_that_lies_about_its_size_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out is counted, whatever the directory says."""
    monkeypatch.setattr(archives, "SMALL", 1 << 20)
    path = packed(tmp_path / "a", "zip", {"m/weights": bytes(8 << 20)})
    size = (8 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with pytest.raises((archives.UnsafeArchive, zipfile.BadZipFile)):
        archives.unpack(str(path), "zip", "m", str(tmp_path / "model"))
    assert len(contents(tmp_path).get("model/weights", b"")) <= 1 << 21


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted over all of it."""
    monkeypatch.setattr(archives, "MAX_MEMBERS", 9)
    path = packed(tmp_path / "a", packing, {f"other/{number}": b"" for number in range(10)})
    with pytest.raises(archives.UnsafeArchive, match="members"):
        archives.unpack(str(path), packing, "m", str(tmp_path / "model"))


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the probe takes for /in; what it imported is forgotten afterwards."""
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.setattr(brought, "INBOX", str(folder))
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "work").mkdir()
    yield folder
    for name in ("builder", "custom_objects"):
        sys.modules.pop(name, None)


def what(**parts: str) -> dict[str, Any]:
    """What came with a model."""
    nothing = {"packing": "file", "root": "", "architecture": None, "custom_objects": None, "builder": None}
    return nothing | parts


def test_public_classes_and_functions_of_a_file_are_the_custom_objects(inbox: Path, tmp_path: Path) -> None:
    """Those that it defines itself: not what it imports, not what begins with an underscore, not values."""
    (inbox / "c").write_text(
        "from collections import OrderedDict\nfrom math import sqrt\n"
        "class Layer: pass\ndef act(x): return x\ndef _own(): pass\nNUMBER = 3\n"
    )
    made = brought.recipe(what(custom_objects="c"), str(tmp_path / "work"))
    assert sorted(made.custom_objects(None)) == ["Layer", "act"]
    assert made.needs_custom_objects


def test_a_file_may_say_what_its_custom_objects_are(inbox: Path, tmp_path: Path) -> None:
    """Then nothing is guessed."""
    (inbox / "c").write_text("class A: pass\nclass B: pass\ndef custom_objects(): return {'Other': A}\n")
    made = brought.recipe(what(custom_objects="c"), str(tmp_path / "work"))
    assert list(made.custom_objects(None)) == ["Other"]


def test_a_builder_may_import_the_custom_objects(inbox: Path, tmp_path: Path) -> None:
    """By their names in an upload; its own custom_objects() comes with them."""
    (inbox / "b").write_text("import custom_objects as c\ndef custom_objects(): return {'FromBuilder': c.Layer}\n")
    (inbox / "c").write_text("class Layer: pass\n")
    made = brought.recipe(what(custom_objects="c", builder="b"), str(tmp_path / "work"))
    assert sorted(made.custom_objects(None)) == ["FromBuilder", "Layer"]


def test_nothing_is_imported_before_it_is_needed(inbox: Path, tmp_path: Path) -> None:
    """A cell that is loaded by default does not run the file beside it."""
    (inbox / "c").write_text("raise RuntimeError('run')\n")
    made = brought.recipe(what(custom_objects="c"), str(tmp_path / "work"))
    with pytest.raises(brought.Unusable, match="run"):
        made.custom_objects(None)
    assert not brought.recipe(what(), str(tmp_path / "work")).needs_custom_objects


class Keras:
    """What tells a Keras model, with what it states."""

    def __init__(self, **stated: Any) -> None:
        vars(self).update(stated)

    def train_on_batch(self) -> None:
        """Tell it from a module."""


def built(inbox: Path, tmp_path: Path, source: str) -> Any:
    """Build what a builder builds; ``Keras`` is at hand there."""
    (inbox / "b").write_text(f"from {__name__} import Keras\nimport numpy as np\n{source}")
    sys.modules[__name__] = sys.modules.get(__name__) or SimpleNamespace(Keras=Keras)  # type: ignore[assignment]
    return brought.recipe(what(builder="b"), str(tmp_path / "work")).build(None)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "defines no build_model"),
        ("def build_model(): return 3", "returned 'int', which is no Keras model"),
    ],
)
def test_a_builder_that_builds_no_model_is_told_what_to_change(
    inbox: Path, tmp_path: Path, source: str, problem: str
) -> None:
    """In a sentence of ours."""
    with pytest.raises(brought.Unusable, match=problem):
        built(inbox, tmp_path, source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def build_model(:\n", "builder.py, line 3: SyntaxError: invalid syntax"),
        ("import no_such_thing\n", "builder.py, line 3: ModuleNotFoundError: No module named 'no_such_thing'"),
        (
            "\ndef build_model():\n    return np.no_such_thing\n",
            "builder.py, line 5: AttributeError: module 'numpy' has no",
        ),
        ("import sys\nsys.exit('away')\n", "builder.py, line 4: SystemExit: away"),
        (
            "def build_model(): return Keras()\ndef sample_inputs(): return 1 / 0\n",
            "builder.py, line 4: ZeroDivisionError",
        ),
    ],
)
def test_python_that_raises_says_where(inbox: Path, tmp_path: Path, source: str, said: str) -> None:
    """It is the person's own file that failed, and no TensorFlow: file, line and exception, above Python's own traceback."""
    with pytest.raises(brought.Unusable) as error:
        built(inbox, tmp_path, source)
    assert str(error.value).startswith(said)
    assert error.value.__cause__ is not None
    seen = brought.observe.exception(error.value)
    assert seen["class"] == OWN_PYTHON
    assert str(tmp_path / "work" / "builder.py") in seen["traceback"]


def test_what_a_person_s_python_raises_elsewhere_is_named_by_the_file_that_raised(inbox: Path, tmp_path: Path) -> None:
    """A builder may import the custom objects beside it."""
    (inbox / "c").write_text("import no_such_thing\n")
    (inbox / "b").write_text("\nimport custom_objects\n")
    with pytest.raises(brought.Unusable, match=r"^custom_objects\.py, line 1: ModuleNotFoundError"):
        brought.recipe(what(builder="b", custom_objects="c"), str(tmp_path / "work")).build(None)


def test_what_is_too_large_is_no_fault_of_the_python(inbox: Path, tmp_path: Path) -> None:
    """Memory is the machine's."""
    with pytest.raises(MemoryError):
        built(inbox, tmp_path, "raise MemoryError")


@pytest.mark.parametrize(
    ("returned", "names", "structure"),
    [
        ("np.zeros((2, 3))", ["input_0"], "single"),
        ("[np.zeros(2), np.ones(2)]", ["input_0", "input_1"], "list"),
        ("{'b': np.zeros(2), 'a': np.ones(2)}", ["b", "a"], "dict"),
    ],
)
def test_sample_inputs_are_taken_as_they_are_given(
    inbox: Path, tmp_path: Path, returned: str, names: list[str], structure: str
) -> None:
    """An array, a list of arrays or a dictionary."""
    made = built(inbox, tmp_path, f"def build_model(): return Keras()\ndef sample_inputs(): return {returned}\n")
    assert ([name for name, _ in made.inputs], made.structure) == (names, structure)


def test_a_list_of_samples_takes_the_names_that_the_model_gives() -> None:
    """Where it names as many."""
    assert brought._sampled([1, 2], ["a", "b"])[0] == [("a", 1), ("b", 2)]
    assert [name for name, _ in brought._sampled([1, 2], ["a"])[0]] == ["input_0", "input_1"]


def test_a_model_that_states_nothing_is_not_called() -> None:
    """And it is said why."""
    assert brought.inputs(Keras(), what(), "/nowhere") == ([], "single", {"from": "", "notes": [brought.UNCALLED]})


def test_inputs_that_were_given_are_what_a_built_model_is_called_with(inbox: Path, tmp_path: Path) -> None:
    """Nothing is made, and sample_inputs() is not asked: they come from whoever hands the script in."""
    (inbox / "b").write_text(
        f"from {__name__} import Keras\ndef build_model(): return Keras()\ndef sample_inputs(): raise RuntimeError\n"
    )
    specs, raw = wire.encode_arrays([("x", np.ones(2, "float32"))])
    (inbox / "i").write_bytes(wire.pack({"arrays": specs, "structure": "dict"}, raw))
    chosen = brought.given({"inputs": "i"})
    made = brought.recipe(what(builder="b"), str(tmp_path / "work"), chosen).build(None)
    assert ([name for name, _ in made.inputs], made.structure, made.made) == (["x"], "dict", None)
    assert brought.given({"inputs": ""}) == ([], "single")


def test_where_made_inputs_come_from_is_told(inbox: Path, tmp_path: Path) -> None:
    """Of the script, or of what the model states; and what was assumed."""
    made = built(inbox, tmp_path, "def build_model(): return Keras()\ndef sample_inputs(): return np.zeros(2)\n")
    assert made.made == {"from": "sample_inputs", "notes": []}
    words = SimpleNamespace(name="words", shape=(None, 5), dtype="int32")
    model = Keras(inputs=[words], outputs=[words], input_names=["words"], layers=[])
    _, _, said = brought.inputs(model, what(), "/nowhere")
    assert said["from"] == "model"
    assert "is not known" in said["notes"][0]


def test_inputs_of_an_embedding_stay_within_it() -> None:
    """The smallest of the tables that look one input up is what counts."""
    words, other = (SimpleNamespace(name=name, shape=(None, 5), dtype="int32") for name in ("words", "other"))

    class Embedding:
        def __init__(self, input_dim: int, tensor: Any) -> None:
            self.input_dim, self.input = input_dim, tensor

    model = Keras(
        inputs=[words, other],
        outputs=[other],
        input_names=["words", "other"],
        _nested_inputs=[words, other],
        layers=[Embedding(50, words), Embedding(7, words), SimpleNamespace(input=other)],
    )
    assert brought.ranges(model) == {"words": (0, 7)}
    named, structure, _ = brought.inputs(model, what(), "/nowhere")
    values = dict(named)
    assert structure == "list"
    assert values["words"].dtype == np.int32
    assert values["words"].max() > 1, "the table's size was not used"
    assert 0 <= values["words"].min() <= values["words"].max() < 7


@pytest.mark.parametrize(
    ("method", "parts", "reason"),
    [
        ("custom_objects", {}, "no custom objects were brought"),
        ("custom_objects", {"custom_objects": "c"}, None),
        ("custom_objects", {"builder": "b"}, None),
        ("weights", {}, "no builder was brought"),
        ("weights", {"builder": "b"}, None),
        ("default", {}, None),
    ],
)
def test_a_method_wants_what_it_needs(method: str, parts: dict[str, str], reason: str | None) -> None:
    """Said before any file is touched."""
    found = load.unsupported({"format": "h5", "method": method, "brought": what(**parts)})
    assert (found or "").startswith(reason or "") and bool(found) == bool(reason)  # noqa: PT018


def test_answers_that_are_too_large_are_told_and_are_no_failure() -> None:
    """The model was called, so it loads; what it answered stays in the sandbox."""
    header: dict[str, Any] = {"notes": [], "outputs": []}
    body = [b"1234"]
    load._pack([("y", np.zeros(2, "float32"))], header, body, 11)
    assert (header["outputs"], body) == ([], [b"1234"])
    assert header["notes"] == [
        "Its answers have 8 bytes; no more than 7 are taken out of a sandbox, so they cannot be compared."
    ]
    load._pack([("y", np.zeros(2, "float32"))], header, body, 12)
    assert (len(header["outputs"]), len(body)) == (1, 2)


def test_a_saver_whose_answers_are_too_large_saves_nothing_that_could_be_held_to_them() -> None:
    """It is no failure of the version; the report says why."""
    header, body = save.asked(Keras(), [("x", np.zeros(2, "int8"))], "single", [("y", np.zeros(9, "int8"))], 10)
    assert (header["inputs"], header["outputs"], body) == ([], [], b"")
    header, body = save.in_formats(None, {"formats": ["h5", "keras"], "limits": {"body": 10}}, "/nowhere", header, body)
    assert {(one["format"], one["outcome"]) for one in header["saves"]} == {("h5", "too-large"), ("keras", "too-large")}
    assert "Its answers have 11 bytes" in header["saves"][0]["reason"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_for_a_copy_accuses_us(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """What fails before the framework sees anything, for want of our own disk, says nothing of the model."""

    def full(*_: object) -> None:
        raise OSError(number, "No space left on device")

    monkeypatch.setattr(brought, "place", full)
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace())
    cell = {"format": "h5", "method": "default", "brought": what(), "artifact": "a", "inputs": ""}
    header, body = load.load_cell(cell, "/nowhere", 100)
    assert "no room for a copy" in header["unsupported"]
    assert body == b""


def test_what_was_brought_has_no_company() -> None:
    """Its process is its own."""
    cell = {"format": "h5", "method": "default", "brought": what(), "artifact": "/no/such/file"}
    header, _ = load.load({"cells": [cell, cell], "limits": {"body": 1 << 20}}, "/no/such/folder")
    assert all("process of its own" in one["unsupported"] for one in header["cells"])
    job = {"cell": dict(cell, method="prayer"), "formats": ["h5"], "limits": {"body": 1 << 20}}
    assert "not loaded by 'prayer'" in again.again(job, "/no/such/folder")[0]["unsupported"]


def test_old_weights_go_by_the_name_that_every_keras_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.weights.h5`` means another layout from 2.12 on."""
    layouts: dict[str, Any] = {
        "old": ({"layer_names": []}, {}),
        "whole": ({}, {"model_weights": 1}),
        "new": ({}, {"layers": 1}),
    }

    class File:
        def __init__(self, path: str, _mode: str) -> None:
            self.attrs, self.groups = layouts[Path(path).name]

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def __contains__(self, name: str) -> bool:
            return name in self.groups

    monkeypatch.setitem(sys.modules, "h5py", SimpleNamespace(File=File))
    names = {name: brought._weights_name(str(tmp_path / name)) for name in layouts}
    assert names == {"old": "model.h5", "whole": "model.h5", "new": "model.weights.h5"}


def test_a_checkpoint_is_found_whatever_its_prefix(tmp_path: Path) -> None:
    """One alone; of several none is chosen."""
    for name in ("checkpoint", "ckpt-7.index", "ckpt-7.data-00000-of-00001"):
        (tmp_path / name).touch()
    brought._checkpoint(str(tmp_path))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["checkpoint", "weights.data-00000-of-00001", "weights.index"]


def test_processor_time_never_makes_a_verdict() -> None:
    """It is more than a child can use before its wall time is over."""
    import os  # noqa: PLC0415

    assert child.cpu_seconds({"seconds": 6, "grace": 1}) > 7 * len(os.sched_getaffinity(0))
