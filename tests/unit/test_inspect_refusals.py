"""What is not taken, with the sentence that says why and what to do: damaged files, archives that attack, no models."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from images.inspector import archive
from tests import handed_in
from tests.handed_in import code_of, h5, keras_zip, looked_into, saved_model, tar_of, tar_of_members, zip_of

BUILDER = b"def build_model(): ..."


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar, of whatever kind."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made, b""


def encrypted() -> bytes:
    """A zip whose members say that they are encrypted."""
    raw = bytearray(zip_of({"saved_model.pb": b"x" * 20}))
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.index(magic) + offset] |= 1
    return bytes(raw)


def declared(size: int) -> bytes:
    """A zip whose one member says that it has another size than it has."""
    raw = bytearray(zip_of({"saved_model.pb": b"x" * 20}))
    struct.pack_into("<L", raw, raw.index(b"PK\1\2") + 24, size)
    return bytes(raw)


def twice(name: str) -> bytes:
    """A zip with two members of one name."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w") as made:
            made.writestr(name, b"1")
            made.writestr(name, b"2")
    return buffer.getvalue()


def linked(kind: int = 0o120777) -> bytes:
    """A zip with a symbolic link in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        info = zipfile.ZipInfo("variables")
        info.external_attr = kind << 16
        made.writestr(info, "/etc")
    return buffer.getvalue()


def many(count: int) -> dict[str, bytes]:
    """A folder of so many files."""
    return {f"assets/{number}": b"" for number in range(count)}


def compressed_as(number: int) -> bytes:
    """A zip whose one member says that it is compressed that way."""
    raw = bytearray(zip_of({"saved_model.pb": b"x" * 20}))
    for magic, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        struct.pack_into("<H", raw, raw.index(magic) + offset, number)
    return bytes(raw)


BAD_MODELS: dict[str, tuple[bytes | Callable[[], bytes], str]] = {  # large ones are made when they are needed
    "empty": (b"", "empty-file"),
    "zeros": (bytes(4096), "damaged"),
    "noise": (b"\x17\x9c" * 500, "unknown-file"),
    "a page of HTML": (b"\n<!DOCTYPE html><html>Not found</html>", "unknown-file"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "unknown-file"),
    "a pickle": (b"\x80\x04\x95abc", "unknown-file"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + b"x" * 100, "unknown-file"),
    "Python": (b"import os\ndef build_model(): ...", "unknown-file"),
    "TensorFlow Lite": (b"\x1c\0\0\0TFL3" + b"x" * 50, "unknown-file"),
    "a graph alone": (saved_model()["saved_model.pb"], "graph-alone"),
    "a JSON alone": (json.dumps(handed_in.keras_2_config()).encode(), "architecture-alone"),
    "a cut zip": (keras_zip()[:400], "damaged"),
    "a cut .keras": (keras_zip()[:-40], "damaged"),
    "a cut HDF5": (h5()[:3000], "damaged"),
    "a cut tar": (tar_of(saved_model())[:700], "damaged"),
    "a cut tar.gz": (tar_of(saved_model(), packed=True)[:100], "damaged"),
    "gzip of no tar": (gzip.compress(h5()), "unknown-file"),
    "HDF5 of something else": (handed_in.other_hdf5(), "not-a-model"),
    "an empty zip": (zip_of({}), "empty-file"),
    "an empty tar": (tar_of({}), "damaged"),
    "a zip of no model": (zip_of({"readme.txt": b"x", "cat.jpg": b"x"}), "no-model"),
    "an unpacked .keras": (zip_of({"m/config.json": b"{}", "m/metadata.json": b"{}"}), "unpacked-keras"),
    "a zip within": (zip_of({"model.zip": zip_of(saved_model())}), "nested-archive"),
    "encrypted": (encrypted(), "encrypted-zip"),
    "two SavedModels": (
        zip_of({**handed_in.under("a", saved_model()), **handed_in.under("b", saved_model())}),
        "two-models",
    ),
    "two files": (zip_of({"a.h5": h5(), "b.keras": keras_zip()}), "two-models"),
    "a .keras that is a SavedModel": (
        zip_of({"config.json": b"{}", "metadata.json": b"{}", "saved_model.pb": b""}),
        "two-models",
    ),
    "two checkpoints": (
        zip_of({f"{name}.{end}": b"" for name in "ab" for end in ("index", "data-00000-of-00001")}),
        "two-models",
    ),
    "ten thousand files in a zip": (lambda: zip_of({**saved_model(), **many(10_000)}), "too-many-members"),
    "ten thousand files in a tar": (lambda: tar_of({**saved_model(), **many(10_000)}), "too-many-members"),
    "a zip bomb": (lambda: zip_of({"saved_model.pb": bytes(40 << 20)}), "unpacks-too-large"),
    "a tar bomb": (tar_of({"saved_model.pb": bytes(40 << 20)}, packed=True), "unpacks-too-large"),
    "a tar bomb of nothing": (gzip.compress(tar_of({"a": b"x"}) + bytes(60 << 20)), ""),
    "terabytes declared in a zip": (declared(0xFFFFFFF0), "unpacks-too-large"),
    "a zip that climbs out": (zip_of({"../../etc/cron.d/x": b"x"}), "leads-outside"),
    "a zip of an absolute name": (zip_of({"/etc/passwd": b"x"}), "leads-outside"),
    "a zip that climbs out as Windows does": (zip_of({"..\\..\\x": b"x"}), "leads-outside"),
    "a zip with a drive": (zip_of({"C:\\x": b"x"}), "leads-outside"),
    "a tar that climbs out": (tar_of({"m/../../x": b"x"}), "leads-outside"),
    "a tar of an absolute name": (tar_of({"/x": b"x"}), "leads-outside"),
    "a zip with a link": (linked(), "links"),
    "a zip with a device": (linked(0o060666), "links"),
    "a tar with a link": (tar_of_members([member("a", tarfile.SYMTYPE, "/etc/passwd")]), "links"),
    "a tar with a hard link": (tar_of_members([member("a", tarfile.LNKTYPE, "b")]), "links"),
    "a tar with a device": (tar_of_members([member("a", tarfile.CHRTYPE)]), "links"),
    "a tar with a pipe": (tar_of_members([member("a", tarfile.FIFOTYPE)]), "links"),
    "two members of one name in a zip": (twice("saved_model.pb"), "duplicate-members"),
    "two members of one name in a tar": (tar_of_members([member("a/b"), member("a//b")]), "duplicate-members"),
    "a file that is a folder": (zip_of({**saved_model(), "variables": b"x"}), "hostile-name"),
    "a compression that is not read": (compressed_as(93), "unknown-file"),
    "JSON within JSON": (handed_in.h5_saying(json.dumps(json.dumps(handed_in.keras_2_config()))), "not-a-model"),
    "control characters": (zip_of({"a\nb": b"x"}), "hostile-name"),
    "text that runs backwards": (zip_of({"a\u202eb": b"x"}), "hostile-name"),
    "an endless name": (zip_of({"x" * 300: b"x"}), "hostile-name"),
    "an endless path": (zip_of({"x/" * 600 + "y": b"x"}), "hostile-name"),
    "a name that is no UTF-8": (tar_of({"a\udcff": b"x"}), "hostile-name"),
    "a damaged graph": (zip_of({"saved_model.pb": b"\xff" * 50}), "damaged"),
    "an empty graph": (zip_of({"saved_model.pb": b""}), "damaged"),
    "damaged Keras metadata": (zip_of({**saved_model(), "keras_metadata.pb": b"\xff" * 50}), "damaged"),
    "a config that is no JSON": (zip_of({"config.json": b"{", "metadata.json": b"{}"}), "damaged"),
    "a config that is a list": (zip_of({"config.json": b"[]", "metadata.json": b"{}"}), "damaged"),
    "a deep config": (zip_of({"config.json": b"[" * 100_000, "metadata.json": b"{}"}), "too-deep"),
    "a deep config in HDF5": (handed_in.h5_saying("[" * 100_000), "too-deep"),
    "terabytes declared in HDF5": (handed_in.hdf5_declaring((1 << 40,)), "declares-too-much"),
    "more than a number holds declared in HDF5": (handed_in.hdf5_declaring((1 << 31, 1 << 31)), "declares-too-much"),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_each_bad_model_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    """What is wrong, and what to do; a code for programs."""
    made, code = BAD_MODELS[name]
    content = made if isinstance(made, bytes) else made()
    found = looked_into(tmp_path, model=content)
    assert found.refused is not None
    assert found.refused.code == code or not code, found.refused
    for sentence in (found.refused.message, found.refused.next_step):
        assert sentence[0].isupper() or sentence.startswith(("saved_model.pb", "config.json", "keras_metadata.pb")), (
            sentence
        )
        assert sentence[-1] in ".?)", sentence
        assert "Traceback" not in sentence


def test_a_directory_of_millions_is_not_even_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a zip says how many there are: nothing is made of each of them."""
    raw = bytearray(zip_of({"saved_model.pb": b""}))
    struct.pack_into("<2H", raw, raw.rindex(b"PK\5\6") + 8, 65_000, 65_000)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert code_of(looked_into(tmp_path, model=bytes(raw))) == "too-many-members"


def test_a_bomb_stops_while_it_goes_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tar says nothing of its size beforehand: what comes out of it is counted."""
    monkeypatch.setattr(archive, "SMALL", 1 << 20)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)
    inside = tar_of({"a": bytes(2 << 20), "saved_model.pb": b""}, packed=True)
    assert code_of(looked_into(tmp_path, model=inside)) == "unpacks-too-large"


def test_a_wrong_suffix_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """Bytes count."""
    assert looked_into(tmp_path, "model.tar.gz", model=keras_zip()).refused is None


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (b"def build_model(:\n", "syntax-error", "in line 1"),
        (b"\n\nx = 'abc\n", "syntax-error", "in line 3"),
        (b"a\0b", "syntax-error", "builder script"),
        (b"\xff\xfe", "syntax-error", "builder script"),
        (b"(" * 5000, "syntax-error", "builder script"),
        (b"-" * 100_000 + b"1", "syntax-error", "builder script"),
        (b"", "no-build-model", "defines no build_model()"),
        (b"def make_model(): ...", "no-build-model", "It defines: make_model"),
        (b"def build_model(width): ...", "no-build-model", "without arguments"),
        (b"def build_model(*, width): ...", "no-build-model", "without arguments"),
        (b"async def build_model(): ...", "no-build-model", "without arguments"),
        (b"class A:\n  def build_model(self): ...", "no-build-model", "defines no build_model()"),
        (b"#" * (3 << 20), "too-large", "are not read"),
    ],
)
def test_a_bad_builder_is_refused_with_its_line(tmp_path: Path, script: bytes, code: str, said: str) -> None:
    """It is parsed and never run."""
    found = looked_into(tmp_path, builder=script)
    assert found.refused is not None
    assert (found.refused.code, said in found.refused.message) == (code, True), found.refused


@pytest.mark.parametrize(
    "script",
    [
        b"def build_model(width=3, *rest, name=None, **more): ...",
        b"import tensorflow as tf\nif True:\n  def build_model(): ...\nelse:\n  pass",
        b"try:\n  from x import y\nexcept ImportError:\n  y = None\nbuild_model = lambda: None",
        "# -*- coding: latin-1 -*-\nname = 'é'\ndef build_model(): ...".encode("latin-1"),
    ],
)
def test_a_builder_may_define_its_function_in_any_way(tmp_path: Path, script: bytes) -> None:
    """As long as it can be called without arguments."""
    assert looked_into(tmp_path, builder=script).refused is None


def test_python_that_is_too_new_for_the_oldest_is_told(tmp_path: Path) -> None:
    """TensorFlow 2.4 has Python 3.8."""
    found = looked_into(tmp_path, builder=b"def build_model():\n  match 1:\n    case 1: pass\n")
    assert found.refused is None
    assert any("newer Python than the 3.8" in note for note in found.notes)


@pytest.mark.parametrize(
    ("script", "code"),
    [(b"class X(:", "syntax-error"), (b"import os", "no-custom-objects"), (b"_x = 1", "no-custom-objects")],
)
def test_bad_custom_objects_are_refused(tmp_path: Path, script: bytes, code: str) -> None:
    """A file that defines nothing helps no loader."""
    assert code_of(looked_into(tmp_path, model=keras_zip(), custom_objects=script)) == code


@pytest.mark.parametrize(
    ("parts", "code"),
    [({}, "no-model"), ({"inputs": handed_in.npz(a=1)}, "no-model"), ({"architecture": b"{}"}, "architecture-alone")],
)
def test_without_a_model_there_is_nothing(tmp_path: Path, parts: dict[str, bytes], code: str) -> None:
    """Parts beside a model are no model."""
    assert code_of(looked_into(tmp_path, **parts)) == code


def npz_declaring(shape: str) -> bytes:
    """Inputs whose array declares another shape than it has."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return zip_of({"a.npy": b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(16)})


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        (b"", "inputs-damaged"),
        (b"not an npz", "inputs-damaged"),
        (handed_in.npz(x=np.array([{"a": 1}], object)), "inputs-pickled"),
        (handed_in.npz(x=np.zeros((2, 5), "float32")), "inputs-do-not-fit"),
        (handed_in.npz(x=np.zeros(4, "float32")), "inputs-do-not-fit"),
        (handed_in.npz(x=np.array([["a"] * 4])), "inputs-do-not-fit"),
        (handed_in.npz(x=np.zeros((2, 4)), y=np.zeros((2, 4))), "inputs-do-not-fit"),
        (handed_in.npz(x=np.zeros((5000, 4), "float32")), "inputs-do-not-fit"),
        (handed_in.npz(x=np.zeros((2, 4), "complex64")), "inputs-damaged"),
        (handed_in.npz(x=np.zeros((2, 4), "datetime64[s]")), "inputs-damaged"),
        (handed_in.npz(x=np.zeros(2, [("a", "f4")])), "inputs-damaged"),
        (npz_declaring("(1099511627776,)"), "inputs-damaged"),
        (npz_declaring("(" * 4000), "inputs-damaged"),
        (npz_declaring("(-4,)"), "inputs-damaged"),
        (zip_of({"a.txt": b"x"}), "inputs-damaged"),
        (zip_of({"a.npy": b"x"}), "inputs-damaged"),
        (zip_of({}), "inputs-too-large"),
        (zip_of({f"{number}.npy": b"" for number in range(300)}), "inputs-too-large"),
        (zip_of({"a.npy": bytes(40 << 20)}), "inputs-damaged"),
        (encrypted(), "inputs-damaged"),
    ],
)
def test_bad_inputs_are_refused(tmp_path: Path, inputs: bytes, code: str) -> None:
    """They are held against the model, and never unpickled; what is known of the model is told all the same."""
    found = looked_into(tmp_path, model=keras_zip(), inputs=inputs)
    assert (code_of(found), found.kind) == (code, "keras")


def test_hdf5_that_runs_in_circles_comes_to_an_end(tmp_path: Path) -> None:
    """Groups can be members of themselves."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(handed_in.keras_2_config())
        file["a/b/kernel"] = np.zeros(3, "float32")
        file["a/b/c"] = file["a"]
        file["d"] = file["a/b"]
        file["e"] = h5py.SoftLink("/e")
    found = looked_into(tmp_path, model=buffer.getvalue())
    assert (found.refused, found.model.parameters) == (None, 3)


@pytest.mark.parametrize("value", [np.zeros(5000), np.array([b"x"] * 3), h5py.Empty("S10"), 7, b"\xff\xfe"])
def test_hdf5_attributes_that_are_no_text_are_damage(tmp_path: Path, value: Any) -> None:
    """A model's config is a text; what else it is has no model."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = value
    assert looked_into(tmp_path, model=buffer.getvalue()).refused is not None
