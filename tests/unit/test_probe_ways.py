"""The methods and formats inside the probe: what TensorFlow is told, and in which order saves are made."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.model import CellRequest, Format, Method
from matrix.results import Artifact, Signature
from service import reproduce
from tests.probe_code import probe
from tests.store_samples import environment

ways = probe("ways")
writers = probe("writers")
save = probe("save")
load = probe("load")
archives = probe("archives")
EVERY = [(format_, method) for format_, known in ways.METHODS.items() for method in sorted(known)]
CUSTOM = SimpleNamespace(needs_custom_objects=True, custom_objects=lambda _: {"Mine": "class"})
PLAIN = SimpleNamespace(needs_custom_objects=False)


class FakeTensorFlow:
    """Notes what it is told; a loaded thing is the name of the call that gave it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        models = SimpleNamespace(load_model=self._call("load_model"), model_from_json=self._from_json)
        layers = SimpleNamespace(TFSMLayer=self._call("TFSMLayer"))
        self.keras = SimpleNamespace(models=models, layers=layers)
        self.saved_model = SimpleNamespace(load=self._call("saved_model.load"))
        self.train = SimpleNamespace(Checkpoint=self._checkpoint)

    def model(self) -> Any:
        """A model built anew, or from its settings."""
        return SimpleNamespace(load_weights=self._call("load_weights"))

    def _call(self, name: str) -> Callable[..., str]:
        def call(*args: Any, **options: Any) -> str:
            self.told.append((name, *args, options))
            return name

        return call

    def _from_json(self, text: str, **options: Any) -> Any:
        self.told.append(("model_from_json", text, options))
        return self.model()

    def _checkpoint(self, _model: Any) -> Any:
        def read(path: str) -> Any:
            self.told.append(("read", path, {}))
            return SimpleNamespace(assert_existing_objects_matched=self._call("asserted"))

        return SimpleNamespace(read=read)


def told(format_: str, method: str, path: str = "/cell", recipe: Any = PLAIN) -> list[tuple[Any, ...]]:
    """What TensorFlow is told to load a file of a format by a method."""
    tf = FakeTensorFlow()
    rebuilt = tf.model() if method in ways.REBUILT else None
    loaded = ways.load(tf, path, {"format": format_, "method": method}, recipe, rebuilt)
    assert loaded is rebuilt if rebuilt is not None else loaded is not None
    return tf.told


def test_every_format_is_written_named_and_loaded() -> None:
    """The probe's tables and the host's enum are of the same formats, and of methods that the host knows."""
    formats = {one.value for one in Format}
    assert set(ways.METHODS) == set(ways.NAMES) == set(writers.WRITERS) == formats
    assert formats > ways.FOLDERS
    assert formats > writers.READ_ONLY
    assert {method for known in ways.METHODS.values() for method in known} == {one.value for one in Method}
    assert {method for method in Method if method in {"weights", "checkpoint.read"}} == ways.REBUILT


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("default", {}),
        ("compile=False", {"compile": False}),
        ("safe_mode=False", {"safe_mode": False}),
        ("custom_objects", {}),
    ],
)
@pytest.mark.parametrize("format_", ["h5", "keras", "savedmodel"])
def test_whole_models_are_loaded_by_load_model(format_: str, method: str, options: dict[str, bool]) -> None:
    """Every way but the default also gives a model its own classes: each changes one thing beyond what it needs."""
    assert told(format_, method) == [("load_model", "/cell", options)]
    mine = {} if method == "default" else {"custom_objects": {"Mine": "class"}}
    assert told(format_, method, recipe=CUSTOM) == [("load_model", "/cell", options | mine)]
    assert told(format_, method, recipe=None) == [("load_model", "/cell", options)]


@pytest.mark.parametrize(
    ("format_", "path"),
    [
        ("h5", "/cell"),
        ("keras", "/cell"),
        ("weights-h5", "/cell"),
        ("savedmodel", "/cell/variables/variables"),
        ("checkpoint", "/cell/weights"),
        ("json+weights", "/cell/model.weights.h5"),
    ],
)
def test_weights_are_taken_from_where_each_format_keeps_them(format_: str, path: str) -> None:
    """A file as it is, a folder by what holds weights in it; the rest of the file is not looked at."""
    assert told(format_, "weights") == [("load_weights", path, {})]


def test_a_checkpoint_that_fits_nothing_is_a_failure() -> None:
    """It is asked whether every object of the model was found; else such a file is read without a word."""
    assert told("checkpoint", "checkpoint.read") == [("read", "/cell/weights", {}), ("asserted", {})]


def test_settings_and_weights_are_read_one_after_the_other(tmp_path: Path) -> None:
    """The model is made from its JSON, with its own classes where the method gives them, then filled."""
    (tmp_path / "model.json").write_text("{}")
    path = str(tmp_path)
    filled: tuple[Any, ...] = ("load_weights", str(tmp_path / "model.weights.h5"), {})
    assert told("json+weights", "default", path, CUSTOM) == [("model_from_json", "{}", {}), filled]
    mine = {"custom_objects": {"Mine": "class"}}
    assert told("json+weights", "custom_objects", path, CUSTOM) == [("model_from_json", "{}", mine), filled]


@pytest.mark.parametrize(("format_", "endpoint"), [("savedmodel", "serving_default"), ("export", "serve")])
def test_a_saved_model_is_taken_as_a_layer_by_the_endpoint_its_writer_gave_it(format_: str, endpoint: str) -> None:
    """Keras's own name for it in an export, TensorFlow's in a SavedModel; TensorFlow itself needs no name."""
    assert told(format_, "TFSMLayer") == [("TFSMLayer", "/cell", {"call_endpoint": endpoint})]
    assert told(format_, "saved_model.load") == [("saved_model.load", "/cell", {})]


@pytest.mark.parametrize(("format_", "method"), EVERY)
def test_what_the_probe_can_be_asked_it_does_not_call_unsupported(format_: str, method: str) -> None:
    """For a model that has a recipe and classes of its own."""
    assert load.unsupported({"format": format_, "method": method, "model": "custom-activation"}) is None


@pytest.mark.parametrize("format_", list(ways.METHODS))
def test_the_private_copy_is_a_folder_or_a_file_as_the_format_has_it(format_: str, tmp_path: Path) -> None:
    """The other one is refused before the framework sees it."""
    is_tar = format_ in ways.FOLDERS
    with pytest.raises(archives.UnsafeArchive):
        load.private_copy("/no/such/file", not is_tar, str(tmp_path), format_)
    with pytest.raises(FileNotFoundError):
        load.private_copy("/no/such/file", is_tar, str(tmp_path), format_)


def paths(format_: str, method: str) -> list[str]:
    """The paths that a method of a format reads, of an artifact at ``/cell``."""
    if method == "weights":
        return [str(ways._weights("/cell", format_))]
    if method == "checkpoint.read":
        return [f"/cell/{ways.PREFIX}"]
    return [f"/cell/{name}" for name in (ways.ARCHITECTURE, ways.WEIGHTS)] if format_ == "json+weights" else ["/cell"]


@pytest.mark.parametrize(("format_", "method"), EVERY)
def test_every_cell_can_be_seen_by_hand(format_: str, method: str) -> None:
    """The program that a person is given says what the probe does: the same path inside the folder, the same call."""
    request = CellRequest(
        saver="tf2.4", model="custom-activation", format=Format(format_), loader="tf2.9", method=Method(method)
    )
    artifact = Artifact(
        sha256="a",
        size=1,
        is_tar=format_ in ways.FOLDERS,
        inputs="b",
        outputs="c",
        signature=Signature(inputs=(), outputs=()),
    )
    program = reproduce._program("/cell", request.model, request.format, request.method)
    compile(program, "by hand", "exec")
    assert all(repr(path) in program for path in paths(format_, method))
    assert ("recipes" in program) is (method not in {"default", "TFSMLayer", "saved_model.load"})
    for line in (
        reproduce.command(artifact, Path("/blobs/a"), environment(), request),
        reproduce.venv_command(artifact, Path("/blobs/a"), Path("/venv/bin/python"), request),
    ):
        assert ("tar -xf" in line) is artifact.is_tar


@pytest.mark.parametrize("format_", Format)
def test_a_file_seen_by_hand_is_named_as_in_the_probe(format_: Format) -> None:
    """The probe imports nothing of ours and cannot be imported as a package, so the names stand in both: alike."""
    inside = os.path.relpath(ways._weights("/cell", format_.value), "/cell")
    assert reproduce._NAMES.get(format_, "model") == ways.NAMES[format_.value]
    assert f"/{inside}" == reproduce._WEIGHTS.get(format_, "/.")


def test_what_only_reads_the_model_is_saved_first_and_h5_last() -> None:
    """Saving h5 changes a Keras 3 model's compile settings; a file of weights changes nothing."""
    order = sorted(ways.METHODS, key=writers.turn)
    assert set(order[: len(writers.READ_ONLY)]) == writers.READ_ONLY
    assert order[-1] == "h5"
    assert order == ["weights-h5", "json+weights", "checkpoint", "savedmodel", "export", "keras", "h5"]


@given(st.lists(st.sampled_from([*ways.METHODS, "onnx"]), unique=True), st.randoms(use_true_random=False))
def test_the_order_of_saves_is_the_same_however_they_are_asked_for(formats: list[str], dice: random.Random) -> None:
    """An unknown format has its turn as well, after the others: it is answered, not raised."""
    shuffled = dice.sample(formats, len(formats))
    assert sorted(shuffled, key=writers.turn) == sorted(formats, key=writers.turn)
    if "onnx" in formats:
        assert max(formats, key=writers.turn) == "onnx"


class _Model:
    train_on_batch = "there"

    def get_weights(self) -> list[float]:
        return []


def test_what_only_reads_shares_the_first_model_and_each_whole_save_has_its_own() -> None:
    """The first whole save takes the trained model itself; each further one gets another."""
    first = _Model()
    makers = save.Makers(first, _Model)
    given_ = {format_: makers.model(format_, {}) for format_ in sorted(ways.METHODS, key=writers.turn)}
    assert {format_ for format_, model in given_.items() if model is first} == {*writers.READ_ONLY, "savedmodel"}
    assert len({id(model) for model in given_.values()}) == 4


def test_a_module_is_the_same_for_every_save() -> None:
    """It has no weights to give to another, and no save of it changes it."""
    module = SimpleNamespace()
    makers = save._makers(SimpleNamespace(formats=None), SimpleNamespace(model=module))
    assert all(makers.model(format_, {}) is module for format_ in ("savedmodel", "checkpoint", "savedmodel"))
    assert writers.absence(module, "savedmodel") is None
    assert "no format named" in writers.absence(module, "onnx")


def test_saves_are_reported_in_the_order_in_which_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Artifacts follow each other in the body as their entries do, whatever order the job named."""
    built = SimpleNamespace(model=SimpleNamespace())
    monkeypatch.setattr(save, "_first", lambda *_: ({}, built, b"in"))
    monkeypatch.setattr(save, "_saved", lambda _m, format_, _w, room: ({"format": format_, "room": room}, b"x" * 10))
    job = {"model": "dense", "formats": ["h5", "checkpoint", "keras"], "limits": {"body": 100}}
    header, body = save.save(job, "/nowhere")
    assert [entry["format"] for entry in header["saves"]] == ["checkpoint", "keras", "h5"]
    assert [entry["room"] for entry in header["saves"]] == [98, 98, 98], "each has the room of all"
    assert body == b"in" + b"x" * 30
