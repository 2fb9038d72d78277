"""What somebody brought, loaded for real: each kind of file, Python beside it, inputs made up, and saved again."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import pytest

from images.probe import wire
from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.compare import compare
from matrix.messages import AgainJob, Brought, LoadCell, LoadJob, Packing, SaveJob, SaveReport
from matrix.model import CellKey, Format, Method, Rung, SaveOutcome, Verdict
from matrix.session import Session
from matrix.verdict import Unheld
from tests.containers.conftest import TESTED, MakeSession, often

pytestmark = pytest.mark.containers

CUSTOM_OBJECTS = b"""
import tensorflow as tf

class Twice(tf.keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2.0
"""

BUILDER = b"""
import tensorflow as tf
from custom_objects import Twice

def build_model():
    words = tf.keras.Input((5,), dtype="int32", name="words")
    hidden = tf.keras.layers.Flatten()(tf.keras.layers.Embedding(20, 4)(words))
    return tf.keras.Model(words, tf.keras.layers.Dense(3)(Twice()(hidden)))
"""

SAMPLED = b"""
import numpy as np
import tensorflow as tf

class Sums(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = tf.keras.layers.Dense(2)
    def call(self, inputs):
        return self.dense(inputs["a"] + inputs["b"])

def build_model():
    return Sums()

def sample_inputs():
    return {"a": np.ones((3, 4), "float32"), "b": np.zeros((3, 4), "float32")}
"""

PLAIN = b"""
import tensorflow as tf

def build_model():
    model = tf.keras.Sequential([tf.keras.Input((3,), name="x"), tf.keras.layers.Dense(2, name="y")])
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model
"""

ALL = tuple(one.value for one in Format)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A session to which uploads are brought."""

    session: Session
    blobs: Blobs

    def save(self, builder: bytes, formats: tuple[str, ...], inputs: bytes = b"", **python: bytes) -> SaveReport:
        """Have a builder built and saved."""
        brought = self._brought(builder=builder, **python)
        name = self.blobs.put(inputs) if inputs else ""
        self.session.place_files(self.blobs, [name] if inputs else [])
        return self._saved(SaveJob(model="", formats=formats, brought=brought, inputs=name))

    def save_again(self, cell: LoadCell, formats: tuple[str, ...] = ALL) -> SaveReport:
        """Have what a cell loads saved in formats."""
        return self._saved(AgainJob(cell=cell, formats=formats))

    def cell(  # noqa: PLR0913  what an upload may consist of
        self,
        format_: Format,
        model: bytes,
        method: Method = Method.DEFAULT,
        *,
        inputs: bytes | None = None,
        packing: Packing = Packing.FILE,
        root: str = "",
        **parts: bytes,
    ) -> LoadCell:
        """Place an upload; return the cell that loads it."""
        names = [self.blobs.put(model), *([self.blobs.put(inputs)] if inputs else [])]
        self.session.place_files(self.blobs, names)
        return LoadCell(
            model="",
            format=format_,
            method=method,
            artifact=names[0],
            is_tar=False,
            inputs=names[1] if inputs else "",
            brought=replace(self._brought(**parts), packing=packing, root=root),
        )

    def load(self, cell: LoadCell) -> Unheld:
        """Load a cell and judge it."""
        ending, said = self.session.run(LoadJob(cells=(cell,)))
        key = CellKey(artifact=cell.artifact, loader=self.session.environment.recipe_digest, method=cell.method)
        return verdict.judge_brought(key, ending, said)

    def _brought(self, **parts: bytes) -> Brought:
        names = {part: self.blobs.put(content) for part, content in parts.items()}
        self.session.place_files(self.blobs, names.values())
        return Brought(
            architecture=names.get("architecture"),
            custom_objects=names.get("custom_objects"),
            builder=names.get("builder"),
        )

    def _saved(self, job: SaveJob | AgainJob) -> SaveReport:
        ending, said = self.session.run(job)
        assert said, ending
        return protocol.save_report(said)


Desks = Callable[[str], Desk]


@pytest.fixture(scope="module")
def desks(make_session: MakeSession, blobs: Blobs) -> Iterator[Desks]:
    """Open the desk of an environment, once."""
    with ExitStack() as stack:
        opened: dict[str, Desk] = {}

        def desk(name: str) -> Desk:
            if name not in opened:
                opened[name] = Desk(session=stack.enter_context(make_session(name)), blobs=blobs)
            return opened[name]

        yield desk


@pytest.fixture(scope="module")
def made(desks: Desks) -> dict[str, SaveReport]:
    """The custom model as its builder's saves, by environment."""
    return {name: desks(name).save(BUILDER, ALL, custom_objects=CUSTOM_OBJECTS) for name in TESTED}


def data(report: SaveReport, format_: Format) -> bytes:
    """The bytes of one save that must have been made."""
    saved = next(one for one in report.saves if one.format is format_)
    assert saved.outcome is SaveOutcome.SAVED, saved
    return saved.data


def in_a_folder(tar: bytes, packing: Packing) -> bytes:
    """Pack a folder's canonical tar as somebody would: below a folder of its own, beside a file that is not its."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as source:
        files = {f"mine/v1/{one.name}": source.extractfile(one) for one in source if one.isfile()}
        contents = {name: file.read() for name, file in files.items() if file} | {"mine/README.md": b"read me"}
    if packing is Packing.ZIP:
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=whole, mode="w:gz") as compressed:
            for name, content in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                compressed.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def of_json(tar: bytes) -> tuple[bytes, bytes]:
    """The two files of ``json+weights``: architecture, weights."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        found = {one.name: archive.extractfile(one) for one in archive}
        files = {name: file.read() for name, file in found.items() if file}
    return files["model.json"], files["model.weights.h5"]


def assert_answers(found: Unheld, saver: SaveReport) -> None:
    """It loads and gives the answers of what was saved."""
    assert (found.result.verdict, found.result.rung) == (Verdict.LOADS, Rung.CALLED), found.result.failure
    assert all(one.equal for one in compare(found.outputs, protocol.arrays(saver.outputs)))


@pytest.mark.parametrize("name", TESTED)
def test_a_builder_is_built_and_saved(made: dict[str, SaveReport], name: str) -> None:
    """It imports the custom objects beside it; nobody gave inputs, so they are made, within the embedding."""
    report = made[name]
    assert report.raised is None, report.raised
    outcomes = {one.format: one.outcome for one in report.saves}
    wanted = {Format.H5, Format.WEIGHTS_H5, Format.JSON_WEIGHTS}
    wanted |= {Format.SAVEDMODEL} if name != "tf2.21" else {Format.KERAS, Format.EXPORT}
    assert {one for one, outcome in outcomes.items() if outcome is SaveOutcome.SAVED} >= wanted, report.saves
    ((_, words),) = protocol.arrays(report.inputs)
    assert words.shape == (2, 5)
    assert 1 < words.max() < 20


@pytest.mark.parametrize("name", TESTED)
def test_h5_needs_its_custom_objects(desks: Desks, made: dict[str, SaveReport], name: str) -> None:
    """Without them it fails by name; with them it answers as it was saved, given the inputs or making the same."""
    desk, content = desks(name), data(made[name], Format.H5)
    alone = desk.load(desk.cell(Format.H5, content))
    assert alone.result.verdict is Verdict.FAIL
    assert alone.result.failure is not None
    assert "Twice" in alone.result.failure.message
    cell = desk.cell(Format.H5, content, Method.CUSTOM_OBJECTS, custom_objects=CUSTOM_OBJECTS, inputs=made[name].inputs)
    assert_answers(desk.load(cell), made[name])
    found = desk.load(replace(cell, inputs=""))
    assert_answers(found, made[name])
    assert found.inputs == made[name].inputs, "the same signature gave other inputs"
    if name == "tf2.21":
        content = data(made[name], Format.KERAS)
        cell = desk.cell(Format.KERAS, content, Method.CUSTOM_OBJECTS, custom_objects=CUSTOM_OBJECTS)
        assert_answers(desk.load(cell), made[name])


@pytest.mark.parametrize("name", TESTED)
def test_architecture_and_weights_are_two_files(desks: Desks, made: dict[str, SaveReport], name: str) -> None:
    """As are weights and a builder."""
    desk = desks(name)
    architecture, weights = of_json(data(made[name], Format.JSON_WEIGHTS))
    cell = desk.cell(
        Format.JSON_WEIGHTS, weights, Method.CUSTOM_OBJECTS, architecture=architecture, custom_objects=CUSTOM_OBJECTS
    )
    assert_answers(desk.load(cell), made[name])
    cell = desk.cell(Format.WEIGHTS_H5, weights, Method.WEIGHTS, builder=BUILDER, custom_objects=CUSTOM_OBJECTS)
    assert_answers(desk.load(cell), made[name])


def test_weights_of_2_4_are_read_by_all(desks: Desks, made: dict[str, SaveReport]) -> None:
    """Their layout is the old one, and from 2.12 on Keras goes by the name of the file."""
    weights = data(made["tf2.4"], Format.WEIGHTS_H5)
    for name in ("tf2.15", "tf2.21"):
        desk = desks(name)
        cell = desk.cell(Format.WEIGHTS_H5, weights, Method.WEIGHTS, builder=BUILDER, custom_objects=CUSTOM_OBJECTS)
        assert_answers(desk.load(cell), made["tf2.4"])


@pytest.mark.parametrize("name", ["tf2.4", "tf2.15"])
@pytest.mark.parametrize("packing", [Packing.ZIP, Packing.TAR_GZ])
def test_a_savedmodel_comes_in_an_archive(
    desks: Desks, made: dict[str, SaveReport], name: str, packing: Packing
) -> None:
    """Below a folder of its own; made inputs are found by its signature, too, where it is loaded without Keras."""
    desk, content = desks(name), in_a_folder(data(made[name], Format.SAVEDMODEL), packing)
    inputs = made[name].inputs
    cell = desk.cell(Format.SAVEDMODEL, content, packing=packing, root="mine/v1", inputs=inputs)
    assert_answers(desk.load(cell), made[name])
    found = desk.load(replace(cell, method=Method.SAVED_MODEL_LOAD, inputs=""))
    assert found.result.verdict is Verdict.LOADS, found.result
    assert found.inputs is not None
    assert found.notes


def test_keras_3_loads_a_savedmodel_as_a_layer(desks: Desks, made: dict[str, SaveReport]) -> None:
    """By TFSMLayer and by saved_model.load; a bomb beside it refuses all of it."""
    desk, content = desks("tf2.21"), in_a_folder(data(made["tf2.15"], Format.SAVEDMODEL), Packing.ZIP)
    inputs = made["tf2.15"].inputs
    for method in (Method.TFSM_LAYER, Method.SAVED_MODEL_LOAD):
        cell = desk.cell(Format.SAVEDMODEL, content, method, packing=Packing.ZIP, root="mine/v1", inputs=inputs)
        assert_answers(desk.load(cell), made["tf2.15"])
    whole = io.BytesIO(content)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mine/../../../tmp/out", b"outside")
    cell = desk.cell(Format.SAVEDMODEL, whole.getvalue(), Method.TFSM_LAYER, packing=Packing.ZIP, root="mine/v1")
    found = desk.load(cell)
    assert (found.result.verdict, found.result.rung) == (Verdict.FAIL, Rung.NOTHING)
    assert found.result.failure is not None
    assert found.result.failure.exception == "archives.UnsafeArchive"


@pytest.mark.parametrize("name", TESTED)
def test_samples_of_a_builder_are_what_its_model_is_called_with(desks: Desks, name: str) -> None:
    """A subclassed model states nothing; without samples it is said what to add."""
    desk = desks(name)
    report = desk.save(SAMPLED, (Format.WEIGHTS_H5,))
    assert report.raised is None, report.raised
    named = protocol.arrays(report.inputs)
    assert [one for one, _ in named] == ["a", "b"]
    ((_, answer),) = protocol.arrays(report.outputs)
    assert answer.shape == (3, 2)
    report = desk.save(SAMPLED.partition(b"def sample_inputs")[0], (Format.WEIGHTS_H5,))
    assert report.raised is not None
    assert "Define sample_inputs() in builder.py" in report.raised.message


@pytest.mark.parametrize("name", often("tf2.15"))
def test_a_subclassed_model_is_called_with_what_was_given(desks: Desks, name: str) -> None:
    """It states nothing and its script has no samples: arrays of a person's own are enough, also for each further save."""
    specs, raw = wire.encode_arrays([("a", np.ones((5, 4), "float32")), ("b", np.ones((5, 4), "float32"))])
    given = wire.pack({"arrays": specs, "structure": "dict"}, raw)
    report = desks(name).save(SAMPLED.partition(b"def sample_inputs")[0], ALL, inputs=given)
    assert report.raised is None, report.raised
    assert [one.reason for one in report.saves if "making the model anew" in (one.reason or "")] == []
    ((_, answer),) = protocol.arrays(report.outputs)
    assert (answer.shape, report.inputs, report.source) == ((5, 2), given, "")


@pytest.mark.parametrize("name", often("tf2.15"))
def test_formats_share_no_room(desks: Desks, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit beside the others is left out, what does not fit at all is too large, and nothing fails."""
    desk = desks(name)
    whole = {one.format: len(one.data) for one in desk.save(PLAIN, ALL).saves if one.outcome is SaveOutcome.SAVED}
    patience = desk.session._patience
    for room, outcomes in (
        (max(whole.values()) + 1000, {SaveOutcome.SAVED, SaveOutcome.UNSUPPORTED}),
        (1000, {SaveOutcome.TOO_LARGE, SaveOutcome.UNSUPPORTED}),
    ):
        limits = replace(patience.save, body=room, file=1 << 30)
        monkeypatch.setattr(desk.session, "_patience", replace(patience, save=limits))
        left = list(ALL)
        while left:
            report = desk.save(PLAIN, tuple(left))
            assert {one.outcome for one in report.saves} <= outcomes, report.saves
            assert report.saves, "nothing was saved of what fits alone"
            left = [one for one in left if one not in {saved.format.value for saved in report.saves}]


@pytest.mark.parametrize("name", often("tf2.15"))
def test_a_model_whose_answers_are_too_large_loads(desks: Desks, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file, and as a script."""
    desk = desks(name)
    content = data(desk.save(PLAIN, (Format.H5,)), Format.H5)
    patience = desk.session._patience
    limits = replace(patience.load, body=30, file=1 << 30)
    monkeypatch.setattr(desk.session, "_patience", replace(patience, load=limits, save=replace(limits, seconds=60)))
    found = desk.load(desk.cell(Format.H5, content))
    assert (found.result.verdict, found.result.rung, found.outputs) == (Verdict.LOADS, Rung.CALLED, ())
    assert "no more than" in found.remarks[0]
    report = desk.save(PLAIN, ())
    assert (report.raised, protocol.arrays(report.outputs)) == (None, ())
    assert report.remarks


def test_what_a_version_loads_it_saves_again(desks: Desks) -> None:
    """A file of 2.4 is loaded in 2.15 and saved in every format; 2.21 loads what came of it, and it still answers."""
    first = desks("tf2.4").save(PLAIN, (Format.H5, Format.SAVEDMODEL))
    desk = desks("tf2.15")
    again = desk.save_again(desk.cell(Format.H5, data(first, Format.H5), inputs=first.inputs))
    assert again.raised is None, again.raised
    assert again.inputs == first.inputs
    assert all(one.equal for one in compare(protocol.arrays(again.outputs), protocol.arrays(first.outputs)))
    assert {one.format: one.outcome for one in again.saves} == dict.fromkeys(Format, SaveOutcome.SAVED), again.saves
    folder = in_a_folder(data(first, Format.SAVEDMODEL), Packing.ZIP)
    no_keras = desk.cell(Format.SAVEDMODEL, folder, Method.SAVED_MODEL_LOAD, packing=Packing.ZIP, root="mine/v1")
    outcomes = {one.outcome for one in desk.save_again(no_keras).saves}
    assert outcomes == {SaveOutcome.NOT_APPLICABLE}
    desk = desks("tf2.21")
    assert_answers(desk.load(desk.cell(Format.H5, data(again, Format.H5), inputs=again.inputs)), first)
    cell = desk.cell(Format.KERAS, data(again, Format.KERAS), inputs=again.inputs)
    failed = desk.load(cell).result.failure
    assert failed is not None
    assert "legacy.Adam" in failed.message  # 2.15 gives what 2.4 saved an optimizer that 2.21 has not
    assert_answers(desk.load(replace(cell, method=Method.COMPILE_FALSE)), first)
    content = data(again, Format.SAVEDMODEL)
    cell = desk.cell(Format.SAVEDMODEL, content, Method.TFSM_LAYER, packing=Packing.TAR, inputs=again.inputs)
    assert_answers(desk.load(cell), first)


def test_a_load_that_fails_is_not_saved_again(desks: Desks, made: dict[str, SaveReport]) -> None:
    """With the load's own error."""
    desk = desks("tf2.21")
    report = desk.save_again(desk.cell(Format.H5, data(made["tf2.21"], Format.H5)))
    assert report.saves == ()
    assert report.raised is not None
    assert "Twice" in report.raised.message


def test_an_answer_is_that_of_the_inputs_given(desks: Desks) -> None:
    """Inputs that a person gives are what the model is called with, not made ones."""
    desk = desks("tf2.21")
    saved = desk.save(PLAIN, (Format.KERAS,))
    specs, raw = wire.encode_arrays([("x", np.full((7, 3), 2.5, "float32"))])
    given = wire.pack({"arrays": specs, "structure": "single"}, raw)
    found = desk.load(desk.cell(Format.KERAS, data(saved, Format.KERAS), inputs=given))
    assert found.result.verdict is Verdict.LOADS
    assert found.outputs[0][1].shape == (7, 2)
    assert found.inputs is None
