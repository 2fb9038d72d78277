"""What an upload is, and who saved it: told by its bytes, whatever it is called."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from images.inspector.versions import Provenance
from matrix.results import Tensor
from tests import handed_in
from tests.handed_in import code_of, h5, keras_zip, looked_into, saved_model, tar_of, under, weights_h5, zip_of


def test_a_keras_zip_tells_all_of_itself(tmp_path: Path) -> None:
    """Version, day, layers, weights, inputs: the first answer, before any TensorFlow runs."""
    found = looked_into(tmp_path, model=keras_zip(weights=handed_in.new_weights(state=True)))
    assert (found.kind, found.packing, found.root, found.members) == ("keras", "file", "", 3)
    assert (found.saved_with.keras, found.saved_with.oldest, found.saved_with.newest) == ("3.9.0", "2.16", "2.19")
    assert (found.model.class_name, found.model.layers, found.model.parameters) == ("Functional", 2, 15)
    assert found.model.layer_classes == {"InputLayer": 1, "Dense": 1}
    assert (found.model.optimizer, found.model.optimizer_state) == ("Adam", True)
    assert found.signature is not None
    assert found.signature.inputs == (Tensor(name="x", shape=(None, 4), dtype="float32"),)
    assert [(name, array.shape) for name, array in found.inputs] == [("x", (2, 4))]
    assert (found.inputs_from, found.inputs_note, found.notes) == ("signature", None, ())


def test_packed_weights_are_read_as_well(tmp_path: Path) -> None:
    """Who packs a .keras file again packs its weights, too."""
    found = looked_into(tmp_path, model=keras_zip(packed=True))
    assert (found.model.parameters, found.model.optimizer_state) == (15, False)


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "model.zip", "model"])
def test_hdf5_is_hdf5_under_any_name(tmp_path: Path, name: str) -> None:
    """Keras up to 2.12 writes HDF5 under the name .keras."""
    found = looked_into(tmp_path, name, model=h5())
    assert (found.kind, found.model.class_name, found.model.parameters) == ("h5", "Sequential", 15)
    assert (found.saved_with.keras, found.saved_with.oldest, found.saved_with.newest) == ("2.15.0", "2.15", "2.15")
    assert (found.model.optimizer, found.model.optimizer_state) == ("Adam", True)
    assert any("is HDF5" in note for note in found.notes) is (name in {"model.keras", "model.zip"})


def test_a_zip_under_the_name_h5_is_a_zip(tmp_path: Path) -> None:
    """The other way round, with a sentence."""
    found = looked_into(tmp_path, "model.h5", model=keras_zip())
    assert found.kind == "keras"
    assert any("is a .keras zip" in note for note in found.notes)


@pytest.mark.parametrize(
    "pack", [zip_of, tar_of, lambda files: tar_of(files, packed=True)], ids=["zip", "tar", "tar.gz"]
)
@pytest.mark.parametrize("folder", ["", "my_model", "a/b c/ü"])
def test_a_saved_model_is_found_in_any_archive_at_any_depth(tmp_path: Path, pack: Any, folder: str) -> None:
    """Its root is said, so that it is found again."""
    files = saved_model()
    found = looked_into(tmp_path, "m", model=pack(under(folder, files) if folder else files))
    assert (found.kind, found.root, found.refused) == ("savedmodel", folder, None)
    assert (found.saved_with.tensorflow, found.saved_with.keras) == ("2.9.3", "2.9.0")
    assert (found.model.parameters, found.model.optimizer, found.model.optimizer_state) == (12, "SGD", True)
    assert found.model.class_name == "Sequential"
    assert found.members == 4


def test_a_saved_model_without_keras_is_an_export(tmp_path: Path) -> None:
    """Its inputs come from its signature."""
    found = looked_into(tmp_path, model=zip_of(saved_model(keras=False, version="2.18.0")))
    assert (found.kind, found.model.layers, found.model.parameters) == ("export", None, 12)
    assert found.saved_with.newest == "2.18"
    assert found.signature is not None
    assert found.signature.outputs == (Tensor(name="y", shape=(None, 3), dtype="float32"),)
    assert found.inputs[0][1].shape == (2, 4)


def test_what_systems_add_when_they_pack_is_no_second_model(tmp_path: Path) -> None:
    """A Mac puts a shadow beside each file."""
    shadows = {"__MACOSX/m/._saved_model.pb": b"x", "m/.DS_Store": b"x", "m/._model.h5": b"x"}
    found = looked_into(tmp_path, model=zip_of({**under("m", saved_model()), **shadows}))
    assert (found.kind, found.root, found.refused) == ("savedmodel", "m", None)


@pytest.mark.parametrize(("content", "kind"), [(h5(), "h5"), (keras_zip(), "keras"), (weights_h5(), "weights-h5")])
@pytest.mark.parametrize("pack", [zip_of, tar_of], ids=["zip", "tar"])
def test_a_file_that_was_packed_once_more_is_found(tmp_path: Path, pack: Any, content: bytes, kind: str) -> None:
    """People zip a model before they send it."""
    found = looked_into(tmp_path, model=pack({"sent/model.h5": content, "sent/read me.txt": b"x"}))
    assert (found.kind, found.root, found.members) == (kind, "sent/model.h5", 2)
    assert found.packing == ("zip" if pack is zip_of else "tar")


@pytest.mark.parametrize(
    "pack", [zip_of, tar_of, lambda files: tar_of(files, packed=True)], ids=["zip", "tar", "tar.gz"]
)
@pytest.mark.parametrize(
    ("name", "content", "kind"), [("MODEL.H5", h5(), "h5"), ("my.Keras", keras_zip(), "keras"), ("a.HDF5", h5(), "h5")]
)
def test_a_file_within_an_archive_is_found_however_its_name_is_spelt(
    tmp_path: Path, pack: Any, name: str, content: bytes, kind: str
) -> None:
    """A tar is read once: what is taken to be the model has to be what was kept on the way."""
    found = looked_into(tmp_path, model=pack({name: content}))
    assert (found.refused, found.kind, found.root) == (None, kind, name)


def test_weights_alone_are_told_and_refused(tmp_path: Path) -> None:
    """All that is known of them is said; loaded they can be with a model only."""
    found = looked_into(tmp_path, model=weights_h5())
    assert (found.kind, found.model.parameters, found.model.layers) == ("weights-h5", 12, 2)
    assert (code_of(found), found.saved_with.keras) == ("weights-alone", "2.9.0")


def test_weights_with_an_architecture_are_a_model(tmp_path: Path) -> None:
    """The JSON says what the inputs are."""
    architecture = json.dumps(
        {**handed_in.keras_2_config(), "keras_version": "2.9.0", "backend": "tensorflow"}
    ).encode()
    found = looked_into(tmp_path, model=weights_h5(keras=None), architecture=architecture)
    assert (found.kind, found.refused, found.model.class_name) == ("json+weights", None, "Sequential")
    assert (found.saved_with.keras, found.inputs[0][0]) == ("2.9.0", "x")


@pytest.mark.parametrize(
    ("group", "oldest", "newest"), [("_layer_checkpoint_dependencies", "2.12", "2.14"), ("layers", "2.15", None)]
)
def test_the_layout_of_weights_says_who_saved_them(tmp_path: Path, group: str, oldest: str, newest: str | None) -> None:
    """New weights state no version; where they lie does."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file[f"{group}/dense/vars/0"] = np.zeros((4, 3), "float32")
    found = looked_into(tmp_path, model=buffer.getvalue(), builder=b"def build_model(): ...")
    assert (found.saved_with.oldest, found.saved_with.newest, found.refused) == (oldest, newest, None)
    assert found.saved_with.evidence


def test_a_checkpoint_is_recognised_and_told_what_to_do(tmp_path: Path) -> None:
    """It is weights without a model; with a builder it is loaded."""
    files = under("ck", {"model.index": b"x", "model.data-00000-of-00001": b"x", "checkpoint": b"x"})
    found = looked_into(tmp_path, model=zip_of(files))
    assert (found.kind, found.root, code_of(found)) == ("checkpoint", "ck", "checkpoint")
    with_builder = looked_into(tmp_path, model=zip_of(files), builder=b"def build_model(): ...")
    assert (with_builder.kind, with_builder.refused) == ("checkpoint", None)


def test_a_builder_alone_is_an_upload(tmp_path: Path) -> None:
    """It is read, and not run."""
    script = b"raise SystemExit\ndef build_model():\n  ...\ndef sample_inputs():\n  ...\ndef custom_objects():\n  ...\n"
    found = looked_into(tmp_path, builder=script)
    assert (found.kind, found.refused, found.inputs_from) == ("builder", None, "none")
    assert [note.partition("come from ")[2] for note in found.notes] == [
        "custom_objects() of the builder script.",
        "sample_inputs() of the builder script.",
    ]


def test_what_is_not_needed_is_said(tmp_path: Path) -> None:
    """A whole model needs no builder and no architecture."""
    found = looked_into(tmp_path, model=keras_zip(), builder=b"def build_model(): ...", architecture=b"{}")
    assert found.refused is None
    assert len([note for note in found.notes if "not needed" in note]) == 2


def test_inputs_come_from_one_place_and_that_is_said(tmp_path: Path) -> None:
    """What is given counts before sample_inputs() of a script, and that before what a file states, also of a whole model."""
    script, file = b"def build_model(): ...\ndef sample_inputs(): ...\n", io.BytesIO()
    np.savez(file, x=np.zeros((2, 3), "float32"))
    sampled = looked_into(tmp_path, model=keras_zip(), builder=script)
    assert (sampled.inputs, sampled.inputs_from) == ((), "none")
    assert "Inputs come from sample_inputs() of the builder script." in sampled.notes
    given = looked_into(tmp_path, builder=script, inputs=file.getvalue())
    assert ([name for name, _ in given.inputs], given.inputs_from) == (["x"], "given")
    assert not [note for note in given.notes if "sample_inputs" in note]


@pytest.mark.parametrize(
    ("change", "oldest", "newest"),
    [
        ({}, "2.16", None),
        ({"dtype": "float32"}, "2.16", "2.17"),
    ],
)
def test_a_config_without_version_is_placed_by_what_it_says(
    tmp_path: Path, change: dict[str, Any], oldest: str, newest: str
) -> None:
    """Keras 3 names no version in to_json: dtypes are policies from 3.4 on, and quantization is written from 3.13 on."""
    config = handed_in.keras_3_config(**change)
    found = looked_into(tmp_path, model=weights_h5(keras=None), architecture=json.dumps(config).encode())
    assert (found.saved_with.keras, found.saved_with.oldest, found.saved_with.newest) == (None, oldest, newest)


@pytest.mark.parametrize(
    ("stated", "oldest", "newest"),
    [
        ("2.4.0", "2.3", "2.4"),  # what TensorFlow 2.3 called it, too
        ("2.3.0-tf", "2.2", "2.2"),
        ("2.2.4-tf", None, "2.1"),
        ("2.13.1", "2.13", "2.13"),
        ("3.0.5", "2.16", "2.16"),
        ("3.4.1", "2.16", "2.17"),
        ("3.11.3", "2.16", "2.20"),
        ("3.15.1", "2.16", None),
        ("nonsense", None, None),
    ],
)
def test_a_keras_belongs_to_some_tensorflows(
    tmp_path: Path, stated: str, oldest: str | None, newest: str | None
) -> None:
    """Of Keras 2 the numbers are the same; Keras 3 runs on whatever needs no newer one."""
    found = looked_into(tmp_path, model=h5(keras=stated))
    assert (found.saved_with.oldest, found.saved_with.newest) == (oldest, newest)


@pytest.mark.parametrize(
    ("day", "newest"), [("2024-08-01", "2.17"), ("2019-01-01", None), ("2030-01-01", None), ("2025-99-99", None)]
)
def test_what_was_not_out_yet_did_not_save(tmp_path: Path, day: str, newest: str | None) -> None:
    """The day in the file bounds the newest; a day that cannot be bounds nothing."""
    assert looked_into(tmp_path, model=keras_zip(version="3.15.0", day=day)).saved_with.newest == newest


@pytest.mark.parametrize("stated", ["2.9\ufffd3", "\u0662.\u0669.0", "2.9.0 <script>", "2.12345.0"])
def test_a_damaged_version_is_none(stated: str) -> None:
    """Found by mutation: the host refused all that was found of such a file."""
    found = Provenance()
    found.states_keras(stated, "the file")
    found.states_tensorflow(stated, "the file")
    assert (found.keras, found.tensorflow, found.stated) == (None, None, {})
