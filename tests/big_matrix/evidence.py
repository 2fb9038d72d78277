"""Saves and cells as the probe would have reported them: signatures, differences, warnings, marks, effort."""

from __future__ import annotations

import math
import random
from typing import Final

from matrix.model import LOAD_VERSION, CellKey, Environment, Format, Model, Rung, SaveKey, SaveOutcome, Verdict
from matrix.plan import LoadTask
from matrix.results import (
    Artifact,
    CellResult,
    Difference,
    Effort,
    Mark,
    Marks,
    SaveResult,
    Signature,
    Tensor,
)
from tests.big_matrix.failures import failure
from tests.big_matrix.rules import Judged, Saved
from tests.big_matrix.texts import HOSTILE
from tests.store_samples import digest

_TARS: Final = frozenset({Format.SAVEDMODEL, Format.EXPORT, Format.CHECKPOINT, Format.JSON_WEIGHTS})
_SHARED: Final = {Format.CHECKPOINT: 2, Format.WEIGHTS_H5: 2, Format.H5: 1, Format.JSON_WEIGHTS: 1}
"""Formats in which Kerases write the same bytes: two minors of Keras in a row, or two TensorFlows with one Keras."""

_IMAGE: Final = Tensor(name="image", shape=(None, 8, 8, 3), dtype="float32")
_INPUTS: Final = {
    "layers": (_IMAGE,),
    "text": (Tensor(name="words", shape=(None, 1), dtype="string"),),
    "preprocessing": (_IMAGE, Tensor(name="word", shape=None, dtype="int64")),
    "inputs": (
        Tensor(name="pixels", shape=(None, 4, 4), dtype="uint8"),
        Tensor(name=HOSTILE[0][1], shape=(None, 1), dtype="float16"),
    ),
}
_FEATURES: Final = (Tensor(name="features", shape=(None, 6), dtype="float32"),)
_OUTPUTS: Final = {
    "multi-io": ("gaze", "risk"),
    "multi-dtype": ("label", HOSTILE[1][1]),
    "nested-models": ("inner", "outer"),
}
_NOISE: Final = (0.0, 0.0, 5.96e-8, 1.19e-7, 2.4e-7)
_UNEQUAL: Final = (math.inf, math.nan)
_PARTIAL: Final = (
    "WARNING: A checkpoint was restored (e.g. tf.train.Checkpoint.restore or tf.keras.Model.load_weights) but not all "
    "checkpointed values were used. See above for specific issues. Use expect_partial() on the load status object, e.g. "
    "tf.train.Checkpoint.restore(...).expect_partial(), to silence these warnings, or use assert_consumed() to make the "
    "check explicit. See https://www.tensorflow.org/guide/checkpoint#loading_mechanics for details."
)
_LEGACY: Final = (
    "WARNING: You are saving your model as an HDF5 file via `model.save()` or `keras.saving.save_model(model)`. This file "
    "format is considered legacy. We recommend using instead the native Keras format, e.g. `model.save('my_model.keras')`"
)
_NO_OPTIMIZER: Final = {
    "optimizer_restored": "it holds nothing for any variable, and cannot take a step",
    "trained_step": "ValueError: Unknown variable: <KerasVariable shape=(8, 6), dtype=float32, path=hidden/kernel>. This "
    "optimizer can only be called for the variables it was originally built with.",
}
_RUNGS: Final = {Verdict.PASS: Rung.OUTPUTS_EQUAL, Verdict.DRIFT: Rung.CALLED, Verdict.FAIL: Rung.OPENED}
_SIGNALS: Final = {Verdict.CRASH: 11, Verdict.OUT_OF_MEMORY: 9}
_REPEATED: Final = {Verdict.PASS: 0.01, Verdict.DRIFT: 0.03, Verdict.FAIL: 0.1, Verdict.HARNESS_BROKEN: 0.0}
_UNSTABLE: Final = 0.03
"""The share of repeats that come to something else."""


def artifact(saver: Environment, model: Model, format_: Format, edition: str = "") -> Artifact:
    """Return what a save gives. Some savers write the same bytes; another ``edition`` is of other bytes."""
    major, minor = saver.keras_version
    among = _SHARED.get(format_)
    writer = saver.recipe_digest if among is None else (saver.flavour.value, major, minor // among)
    name = digest("artifact", model.id, format_.value, writer, edition)
    outputs = tuple(Tensor(name=one, shape=(None, 3), dtype="float32") for one in _outputs(model.id))
    return Artifact(
        sha256=name,
        size=8192 + int(name[:4], 16),
        is_tar=format_ in _TARS,
        inputs=digest("inputs", model.id),
        outputs=digest("outputs", name),
        signature=Signature(inputs=_INPUTS.get(model.group, _FEATURES), outputs=outputs),
    )


def save_result(saver: Environment, model: Model, format_: Format, found: Saved, dice: random.Random) -> SaveResult:
    """Return a save as it is recorded."""
    done = found.outcome is SaveOutcome.SAVED
    tried = done or found.outcome is SaveOutcome.FAILED
    names = ("build", "train", "call", "save") if done else ("build", "train") if tried else ()
    return SaveResult(
        key=SaveKey(model=model.id, saver=saver.recipe_digest, format=format_),
        outcome=found.outcome,
        artifact=artifact(saver, model, format_) if done else None,
        reason=found.reason,
        failure=None if found.kind is None else failure(found.kind, model.id, saver),
        warnings=(_LEGACY,) if done and format_ is Format.H5 and saver.keras_version >= (2, 13) else (),
        effort=_effort(names, dice),
    )


def cell_result(task: LoadTask, loader: Environment, judged: Judged, dice: random.Random) -> CellResult:
    """Return a cell as it is recorded."""
    verdict, kind = judged
    rung = _RUNGS.get(verdict, Rung.NOTHING)
    if verdict is Verdict.FAIL and dice.random() < 0.01:
        rung = Rung.SIGNATURE_EQUAL
    called = verdict in {Verdict.PASS, Verdict.DRIFT}
    reported = called or verdict is Verdict.FAIL
    names = ("opened", "deserialized", "called") if called else ("opened",) if reported else ()
    model = task.request.model
    return CellResult(
        key=CellKey(artifact=task.key.artifact, loader=task.key.loader, method=task.key.method, version=LOAD_VERSION),
        verdict=verdict,
        rung=rung,
        signature_equal=dice.random() > 0.005 if rung >= Rung.SIGNATURE_EQUAL else None,
        signal=_SIGNALS.get(verdict),
        failure=None if kind is None else failure(kind, model, loader),
        differences=tuple(_difference(name, verdict, dice) for name in _outputs(model)) if called else (),
        warnings=_warnings(task.request.format, dice) if reported else (),
        effort=_effort(names, dice, least=12.0 if verdict is Verdict.TIMEOUT else 0.0),
        repeated=_repeated(verdict, dice),
        tampered=verdict is Verdict.CRASH and dice.random() < 0.1,
        marks=_marks(dice) if task.marks and verdict is Verdict.PASS else None,
    )


def _outputs(model: str) -> tuple[str, ...]:
    return _OUTPUTS.get(model, ("label",))


def _repeated(verdict: Verdict, dice: random.Random) -> Verdict | None:
    if dice.random() >= _REPEATED.get(verdict, 1.0):
        return None
    if dice.random() >= _UNSTABLE:
        return verdict
    return Verdict.FAIL if verdict is Verdict.PASS else Verdict.PASS


def _difference(name: str, verdict: Verdict, dice: random.Random) -> Difference:
    if verdict is Verdict.PASS:
        error = dice.choice(_NOISE)
        return Difference(output=name, equal=True, max_absolute=error, max_relative=error * 3)
    draw = dice.random()
    if draw < 0.05:
        reason = "shape (4, 3) is not the saver's (3, 4)" if draw < 0.02 else "dtype float16 is not the saver's float32"
        return Difference(output=name, equal=False, max_absolute=None, max_relative=None, reason=reason)
    if draw < 0.1:
        return Difference(output=name, equal=False, max_absolute=dice.choice(_UNEQUAL), max_relative=math.inf)
    error = math.exp(dice.uniform(-8.0, 1.0))
    relative = error * math.exp(dice.uniform(0.0, 12.0))
    return Difference(output=name, equal=False, max_absolute=error, max_relative=relative)


def _warnings(format_: Format, dice: random.Random) -> tuple[str, ...]:
    draw = dice.random()
    if format_ in {Format.CHECKPOINT, Format.SAVEDMODEL} and draw < 0.3:
        names = ("iter", "decay", "learning_rate", "momentum")[: 1 + int(draw * 13)]
        return (*(f"WARNING: Unresolved object in checkpoint: (root).optimizer.{name}" for name in names), _PARTIAL)
    return (f"WARNING: {HOSTILE[int(draw * 1000 * len(HOSTILE))][1]}",) if draw < 0.001 else ()


def _marks(dice: random.Random) -> Marks:
    draw = dice.random()
    if draw < 0.5:
        return Marks(saved_again=Mark.YES, optimizer_restored=Mark.YES, trained_step=Mark.YES, notes={})
    if draw < 0.8:
        notes = {"optimizer_restored": "it counts 0 steps, the saver's counted 3"}
        return Marks(saved_again=Mark.YES, optimizer_restored=Mark.NO, trained_step=Mark.YES, notes=notes)
    again, notes = (
        (Mark.YES, _NO_OPTIMIZER) if draw < 0.95 else (Mark.NO, {**_NO_OPTIMIZER, "saved_again": HOSTILE[0][1]})
    )
    return Marks(saved_again=again, optimizer_restored=Mark.NO, trained_step=Mark.NO, notes=notes)


def _effort(names: tuple[str, ...], dice: random.Random, least: float = 0.0) -> Effort:
    steps = {name: round(dice.expovariate(16.0), 6) for name in names}
    wall = least + sum(steps.values()) + dice.expovariate(60.0)
    return Effort(steps=steps, wall_seconds=wall, peak_memory=4096 * dice.randrange(44_000, 62_000))
