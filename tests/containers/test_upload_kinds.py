"""Every kind of upload, from the door to its row: looked into, loaded in each version by the way it calls for, and judged."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.model import Format, Method, Verdict
from matrix.store import Store, open_store
from matrix.uploads.model import ITSELF, Options, Part, Upload, UploadState
from matrix.uploads.work import UploadWork
from service.uploads.working import upload_work
from tests import handed_in
from tests.containers.conftest import TESTED, MakeSession
from tests.containers.test_brought import BUILDER, CUSTOM_OBJECTS, PLAIN, SAMPLED, Desk, data, of_json
from tests.fake_uploads import IDS, hand_in, is_over, until

pytestmark = pytest.mark.containers

SECONDS = 240.0
NAMES = {
    Part.ARCHITECTURE: "model.json",
    Part.BUILDER: "builder.py",
    Part.CUSTOM_OBJECTS: "custom_objects.py",
    Part.INPUTS: "inputs.npz",
}
OWN_BUILDER = (
    CUSTOM_OBJECTS
    + BUILDER.replace(b"from custom_objects import Twice\n", b"")
    + b"""
def custom_objects():
    return {"Twice": Twice}
"""
)
WORDS = np.array([[1, 2, 3, 4, 19], [0, 5, 6, 7, 8], [9, 9, 9, 9, 9]], "int32")


class Made:
    """What TensorFlow 2.15 saves, when it is first wanted: a plain model, and one with a class of its own that reads words."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._found: dict[tuple[Format, bool], bytes] = {}

    def saved(self, format_: Format, *, custom: bool = False) -> bytes:
        """One model in one format."""
        if (format_, custom) not in self._found:
            beside = {"custom_objects": CUSTOM_OBJECTS} if custom else {}
            report = self._desk.save(BUILDER if custom else PLAIN, (format_.value,), **beside)
            self._found[format_, custom] = data(report, format_)
        return self._found[format_, custom]


Parts = dict[Part, bytes]
Answers = Mapping[str, tuple[tuple[Method, Verdict], ...]]
D, CUSTOM, WEIGHTS = Method.DEFAULT, Method.CUSTOM_OBJECTS, Method.WEIGHTS
PASS, FAIL, LOADS = Verdict.PASS, Verdict.FAIL, Verdict.LOADS


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is handed in under a name, and what is to be said of it.

    ``row`` has for each version every way that was tried, in order, with what came of it. ``found`` is what the inspector says.
    """

    name: str
    parts: Callable[[Made], Parts]
    row: Answers
    found: dict[str, Any] = field(default_factory=dict)
    keras: str | None = None
    tensorflow: str | None = None
    inputs_from: str = "signature"
    reference: str | None = "tf2.15"


def files(tar: bytes, under: str = "") -> dict[str, bytes]:
    """The files of a canonical tar, in a folder."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        opened = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        found = {name: file.read() for name, file in opened.items() if file}
    return handed_in.under(under, found) if under else found


def model(format_: Format, *, custom: bool = False, **beside: bytes) -> Callable[[Made], Parts]:
    """Hand in one save, and files beside it."""

    def parts(made: Made) -> Parts:
        return {Part.MODEL: made.saved(format_, custom=custom)} | {Part(part): said for part, said in beside.items()}

    return parts


def json_and_weights(made: Made) -> Parts:
    """Weights, and what ``model.to_json()`` says."""
    architecture, weights = of_json(made.saved(Format.JSON_WEIGHTS))
    return {Part.MODEL: weights, Part.ARCHITECTURE: architecture}


def in_all(*ways: tuple[Method, Verdict]) -> Answers:
    """The same in every version."""
    return dict.fromkeys(TESTED, ways)


WHOLE: Answers = {"tf2.4": ((D, FAIL), (Method.COMPILE_FALSE, PASS)), "tf2.15": ((D, PASS),), "tf2.21": ((D, PASS),)}
"""2.4 does not know the optimizer of 2.15."""
ZIP: Answers = {"tf2.4": ((D, FAIL), (Method.COMPILE_FALSE, FAIL)), "tf2.15": ((D, PASS),), "tf2.21": ((D, PASS),)}
FOLDER: Answers = {
    "tf2.4": ((D, FAIL), (Method.COMPILE_FALSE, FAIL), (Method.SAVED_MODEL_LOAD, FAIL)),
    "tf2.15": ((D, PASS),),
    "tf2.21": ((D, FAIL), (Method.TFSM_LAYER, PASS)),
}
"""2.4 lacks an op that 2.15 writes."""
NEW_WEIGHTS: Answers = {"tf2.4": ((WEIGHTS, FAIL),), "tf2.15": ((WEIGHTS, PASS),), "tf2.21": ((WEIGHTS, PASS),)}
"""2.4 knows the old layout alone; nothing in the new one says who wrote it, so the newest is the reference."""
TEXT: Answers = {"tf2.4": ((D, FAIL),), "tf2.15": ((D, PASS),), "tf2.21": ((D, FAIL),)}
"""Keras 3 does not know the classes by the names that 2.15 writes."""
TYPED: Answers = dict.fromkeys(("tf2.4", "tf2.21"), ((CUSTOM, FAIL), (Method.COMPILE_FALSE, FAIL))) | {
    "tf2.15": ((CUSTOM, PASS),)
}
"""A functional model is written with its module in Keras 2, which Keras 3 has not; 2.4 does not know the zip."""
H5, KERAS = {"kind": "h5", "packing": "file"}, {"kind": "keras", "packing": "file"}


def packed(packing: str, pack: Callable[[dict[str, bytes]], bytes], under: str = "") -> Kind:
    """The SavedModel, packed as somebody would, at the top of an archive or in a folder of it."""
    return Kind(
        name=f"m.{packing}",
        parts=lambda made: {Part.MODEL: pack(files(made.saved(Format.SAVEDMODEL), under))},
        row=FOLDER,
        found={"kind": "savedmodel", "packing": packing, "root": under},
        tensorflow="2.15.1",
        keras="2.15.0",
    )


tar_gz = partial(handed_in.tar_of, packed=True)

KINDS = {
    "keras": Kind(name="m.keras", parts=model(Format.KERAS), row=ZIP, found=KERAS, keras="2.15.0"),
    "hdf5-named-keras": Kind(name="m.keras", parts=model(Format.H5), row=WHOLE, found=H5, keras="2.15.0"),
    "h5": Kind(name="m.h5", parts=model(Format.H5), row=WHOLE, found=H5, keras="2.15.0"),
    "h5-with-inputs": Kind(
        name="m.h5",
        parts=model(Format.H5, inputs=handed_in.npz(x=np.ones((5, 3), "float32"))),
        row=WHOLE,
        found=H5 | {"arrays": [{"name": "x", "dtype": "float32", "shape": [5, 3]}]},
        keras="2.15.0",
        inputs_from="given",
    ),
    "json+weights": Kind(name="m.weights.h5", parts=json_and_weights, row=TEXT, found={"kind": "json+weights"}, keras="2.15.0"),
    "weights-and-builder": Kind(
        name="m.weights.h5",
        parts=model(Format.WEIGHTS_H5, builder=PLAIN),
        row=NEW_WEIGHTS,
        reference="tf2.21",
        found={"kind": "weights-h5"},
        inputs_from="model",
    ),
    "weights-builder-custom-inputs": Kind(
        name="m.weights.h5",
        parts=model(
            Format.WEIGHTS_H5,
            custom=True,
            builder=BUILDER,
            custom_objects=CUSTOM_OBJECTS,
            inputs=handed_in.npz(words=WORDS),
        ),
        row=NEW_WEIGHTS,
        reference="tf2.21",
        found={"kind": "weights-h5", "arrays": [{"name": "words", "dtype": "int32", "shape": [3, 5]}]},
        inputs_from="given",
    ),
    "builder-with-samples": Kind(
        name="builder.py",
        parts=lambda _: {Part.BUILDER: SAMPLED},
        row=in_all((D, LOADS)),
        found={"kind": "builder"},
        inputs_from="sample_inputs",
        reference=None,
    ),
    "custom-h5": Kind(
        name="m.h5",
        parts=model(Format.H5, custom=True, custom_objects=CUSTOM_OBJECTS),
        row=in_all((CUSTOM, PASS)),
        found=H5,
        keras="2.15.0",
    ),
    "custom-h5-and-builder": Kind(
        name="m.h5",
        parts=model(Format.H5, custom=True, builder=OWN_BUILDER),
        row=in_all((CUSTOM, PASS)),
        found=H5,
        keras="2.15.0",
    ),
    "custom-keras": Kind(
        name="m.keras",
        parts=model(Format.KERAS, custom=True, custom_objects=CUSTOM_OBJECTS),
        row=TYPED,
        found=KERAS,
        keras="2.15.0",
    ),
    "savedmodel-zip": packed("zip", handed_in.zip_of),
    "savedmodel-zip-in-a-folder": packed("zip", handed_in.zip_of, "mine/v1"),
    "savedmodel-tar": packed("tar", handed_in.tar_of),
    "savedmodel-tar-in-a-folder": packed("tar", handed_in.tar_of, "mine"),
    "savedmodel-tar-gz": packed("tar.gz", tar_gz),
    "savedmodel-tar-gz-in-a-folder": packed("tar.gz", tar_gz, "mine/v1"),
}  # fmt: skip
OFTEN = {
    "weights-builder-custom-inputs": ("tf2.15", "tf2.21"),
    "custom-keras": ("tf2.15",),
    "savedmodel-tar-gz-in-a-folder": ("tf2.15", "tf2.21"),
}
"""Those in which most comes together, and the versions of `make test` in which they tell something."""


@dataclass(frozen=True, kw_only=True)
class Desks:
    """The worker of a home folder, and what may be handed in to it."""

    work: UploadWork
    store: Store
    made: Made

    def hand_in(self, kind: Kind, environments: tuple[str, ...] = TESTED) -> str:
        """Hand a kind in, to be tried in some versions; return the upload's id."""
        parts = kind.parts(self.made)
        named = {part: (NAMES.get(part, kind.name), content) for part, content in parts.items()}
        options = Options(environments=environments, save_again=False)
        return hand_in(self.work.door, named=named, options=options)

    def served(self, upload_id: str) -> Upload:
        """Wait until nothing more will be found."""
        return until(self.work, self.store, upload_id, is_over, seconds=SECONDS)

    def assert_is(self, kind: Kind, upload: Upload, environments: tuple[str, ...] = TESTED) -> None:
        """See that all that is said of it in these versions is as it should be."""
        assert upload.state is UploadState.DONE, upload.message
        assert upload.inspection is not None
        said = upload.inspection
        cells = self.store.uploads.cells(upload.content)
        assert {cell.saver for cell in cells} == {ITSELF}
        row: dict[str, tuple[tuple[Method, Verdict], ...]] = {}
        for cell in cells:
            name = IDS[cell.result.key.loader]
            row[name] = (*row.get(name, ()), (cell.result.key.method, cell.result.verdict))
        found = (
            row,
            upload.reference,
            said["inputs_from"],
            said["saved_with"]["tensorflow"],
            said["saved_with"]["keras"],
        )
        reasons = [one.result.failure.message[:200] for one in cells if one.result.failure]
        wanted = {name: kind.row[name] for name in environments}
        assert found == (wanted, kind.reference, kind.inputs_from, kind.tensorflow, kind.keras), reasons
        assert {name: said[name] for name in kind.found} == kind.found


@pytest.fixture(scope="module")
def desks(make_session: MakeSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    """A worker; all models are made in one container."""
    home: Path = tmp_path_factory.mktemp("kinds")
    with make_session("tf2.15") as session, open_store(home / "matrix.db") as store:
        work = upload_work(Settings(home=home, warm=0), store, lambda _: None)
        with work.running():
            yield Desks(work=work, store=store, made=Made(Desk(session=session, blobs=Blobs(home / "blobs"))))


def test_kinds_in_which_most_comes_together(desks: Desks) -> None:
    """Handed in at once: weights with a script, custom objects and inputs; a zip with custom objects; a packed folder."""
    handed = {name: desks.hand_in(KINDS[name], environments) for name, environments in OFTEN.items()}
    for name, upload_id in handed.items():
        desks.assert_is(KINDS[name], desks.served(upload_id), OFTEN[name])


@pytest.mark.everything
@pytest.mark.parametrize("name", list(KINDS))
def test_each_kind(desks: Desks, name: str) -> None:
    """What it is, who saved it, what came of each way in each version, what it was compared with and called with."""
    desks.assert_is(KINDS[name], desks.served(desks.hand_in(KINDS[name])))
