"""What the probe makes of files that somebody brought, without a framework: Python beside a model, copies, and their bounds."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

from matrix.uploads.ways import OWN_PYTHON
from tests.brought_python import Keras, built, inbox, what
from tests.probe_code import probe

__all__ = ["inbox"]

brought = probe("brought")
load = probe("load")
again = probe("again")
save = probe("save")
child = probe("child")


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
