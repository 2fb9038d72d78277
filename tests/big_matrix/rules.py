"""What comes of a save or a load in the made-up world: rules in the shape of the real breaks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from matrix.methods import primary_method
from matrix.model import Environment, Flavour, Format, Method, Model, SaveOutcome, Verdict

_PAIRS: Final = frozenset({"multi-io", "multi-dtype", "shared-layer"})
_LOOKUPS: Final = frozenset({"string-lookup", "integer-lookup"})
_HDF5: Final = frozenset({Format.H5, Format.WEIGHTS_H5, Format.JSON_WEIGHTS})
_CUSTOM_HELPS: Final = frozenset({"custom", "unsafe-lambda"})
_UNCOMPILED: Final = frozenset({"optimizer", "weight-decay"})
_REBUILT: Final = frozenset(
    {"batch-shape", "optional", "functional", "quantization", "optimizer", "weight-decay", "custom"}
)

Judged = tuple[Verdict, str | None]
"""A verdict, and the kind of failure where there is one."""

PASSED: Final[Judged] = (Verdict.PASS, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """What becomes of a save: its outcome, the reason, and the kind of failure."""

    outcome: SaveOutcome
    reason: str | None = None
    kind: str | None = None


def saved(saver: Environment, model: Model, format_: Format) -> Saved:
    """Return what becomes of a save, by the first rule that applies."""
    if model.formats is not None and format_.value not in model.formats:
        return Saved(outcome=SaveOutcome.NOT_APPLICABLE, reason=f"{format_} has no meaning for this model")
    if (reason := _unsupported(saver, model, format_)) is not None:
        return Saved(outcome=SaveOutcome.UNSUPPORTED, reason=reason)
    if (kind := _save_failure(saver, model, format_)) is not None:
        name = "ValueError" if kind == "export-inputs" else "NotImplementedError"
        return Saved(outcome=SaveOutcome.FAILED, reason=f"saving raised {name}", kind=kind)
    return Saved(outcome=SaveOutcome.SAVED)


def _unsupported(saver: Environment, model: Model, format_: Format) -> str | None:
    keras = f"Keras {saver.keras_version[0]}.{saver.keras_version[1]}"
    keras_3 = saver.flavour is Flavour.KERAS3
    if model.id == "raw-ops" and keras_3:
        return "Keras 3 takes no TensorFlow operation on a tensor of a functional model"
    if format_ is Format.SAVEDMODEL and keras_3 and model.formats is None:
        return f"{keras} cannot save a whole model as a SavedModel, only export one"
    if format_ is Format.KERAS and saver.keras_version < (2, 12):
        return f"{keras} writes HDF5 under the name model.keras, not a zip"
    if format_ is Format.EXPORT and saver.keras_version < (2, 13):
        return f"{keras} has no model.export, it came with 2.13"
    return None


def _save_failure(saver: Environment, model: Model, format_: Format) -> str | None:
    keras_2 = saver.flavour is not Flavour.KERAS3
    strikes = (
        (model.id == "subclassed-model" and keras_2 and format_ is Format.H5, "subclassed"),
        (model.id == "text-vectorization" and keras_2 and format_ is Format.H5, "lookup"),
        (model.id == "text-vectorization" and saver.minor < (2, 12) and format_ in _HDF5, "lookup"),
        (model.id in _LOOKUPS and saver.minor < (2, 6) and format_ in _HDF5, "lookup"),
        (model.id in _PAIRS and saver.minor == (2, 18) and format_ is Format.EXPORT, "export-inputs"),
    )
    return next((kind for hit, kind in strikes if hit), None)


def loaded(saver: Environment, model: Model, format_: Format, loader: Environment, method: Method) -> Judged:
    """Return what comes of a load: by the primary method as the format's rules say, by others as they help."""
    primary = primary_method(model, format_)
    first = _by_primary(saver, model, format_, loader)
    if method is primary:
        return first
    verdict, kind = first
    if primary is Method.CUSTOM_OBJECTS and method is Method.DEFAULT:
        return (Verdict.FAIL, "custom") if verdict is Verdict.PASS and model.id != "registered-class" else first
    return _by_another(method, verdict, kind, saver, loader)


def _by_another(method: Method, verdict: Verdict, kind: str | None, saver: Environment, loader: Environment) -> Judged:
    """Say what another way gives where the primary one did not pass."""
    distance = abs(saver.minor[1] - loader.minor[1])
    helps = {
        Method.COMPILE_FALSE: kind in _UNCOMPILED,
        Method.CUSTOM_OBJECTS: kind in _CUSTOM_HELPS,
        Method.SAFE_MODE_FALSE: kind == "unsafe-lambda",
        Method.WEIGHTS: kind in _REBUILT and saver.flavour is loader.flavour,
        Method.TFSM_LAYER: kind != "op",
        Method.SAVED_MODEL_LOAD: kind != "op",
        Method.CHECKPOINT_READ: True,
    }.get(method, False)
    if helps:
        return (Verdict.DRIFT, None) if method is Method.TFSM_LAYER and distance % 7 == 6 else PASSED
    if method is Method.WEIGHTS and verdict is not Verdict.DRIFT:
        return Verdict.FAIL, "vars" if loader.flavour is Flavour.KERAS3 else "layer-count"
    return verdict, kind


def _by_primary(saver: Environment, model: Model, format_: Format, loader: Environment) -> Judged:
    rules = {
        Format.H5: _h5,
        Format.SAVEDMODEL: _savedmodel,
        Format.KERAS: _zip,
        Format.EXPORT: _graph,
        Format.WEIGHTS_H5: _weights,
        Format.CHECKPOINT: _checkpoint,
        Format.JSON_WEIGHTS: _json,
    }
    if model.formats is not None:
        return PASSED if format_ is Format.CHECKPOINT else _graph(saver, model, loader)
    return rules[format_](saver, model, loader)


def _h5(saver: Environment, model: Model, loader: Environment) -> Judged:
    if (found := _lambda_bytecode(saver, model, loader)) is not None:
        return found
    if _is_3(saver) and not _is_3(loader):
        return Verdict.FAIL, "optional" if saver.minor >= (2, 19) else "batch-shape"
    if _newer_keras_3(saver, loader):
        return Verdict.FAIL, "quantization"
    if not _is_3(saver) and not _is_3(loader) and saver.minor >= (2, 11) > loader.minor:
        return Verdict.FAIL, "optimizer" if loader.minor < (2, 9) else "weight-decay"
    if model.id in {"recurrent", "normalization", "advanced-activations"} and _is_3(loader) and saver.minor < (2, 6):
        return Verdict.DRIFT, None
    return PASSED


def _savedmodel(saver: Environment, model: Model, loader: Environment) -> Judged:  # noqa: ARG001  (all rules alike)
    if _is_3(loader):
        return Verdict.FAIL, "no-savedmodel"
    if loader.minor < (2, 6) <= saver.minor:
        return Verdict.FAIL, "json"
    return (Verdict.FAIL, "op") if _needs_newer_op(saver, loader) else PASSED


def _zip(saver: Environment, model: Model, loader: Environment) -> Judged:
    if not _knows_zip(loader):
        return Verdict.FAIL, "no-zip" if loader.minor < (2, 10) else "signature"
    if model.id == "lambda":
        return Verdict.FAIL, "unsafe-lambda"
    if _is_3(saver) != _is_3(loader):
        return Verdict.FAIL, "functional"
    return (Verdict.FAIL, "quantization") if _newer_keras_3(saver, loader) else PASSED


def _graph(saver: Environment, model: Model, loader: Environment) -> Judged:
    if _needs_newer_op(saver, loader):
        return Verdict.FAIL, "op"
    drifts = model.id in {"augmentation", "mixed-precision"} and saver.minor < (2, 14)
    return (Verdict.DRIFT, None) if drifts else PASSED


def _weights(saver: Environment, model: Model, loader: Environment) -> Judged:
    if _is_3(loader) and not _knows_zip(saver):
        return Verdict.FAIL, "vars"
    if _knows_zip(saver) and not _knows_zip(loader):
        return Verdict.FAIL, "layer-count"
    if _is_3(saver) and not _is_3(loader) and loader.minor < (2, 15):
        return Verdict.FAIL, "variables"
    drifts = model.id in {"stateful-recurrent", "nested-models"} and _is_3(saver) != _is_3(loader)
    return (Verdict.DRIFT, None) if drifts else PASSED


def _checkpoint(saver: Environment, model: Model, loader: Environment) -> Judged:  # noqa: ARG001
    if _is_3(loader):
        return Verdict.FAIL, "no-checkpoint"
    if _is_3(saver):
        return Verdict.DRIFT, None
    return (Verdict.FAIL, "variables") if saver.minor < (2, 5) and loader.minor > (2, 10) else PASSED


def _json(saver: Environment, model: Model, loader: Environment) -> Judged:
    if _is_3(saver) and not _is_3(loader):
        return Verdict.FAIL, "optional" if saver.minor >= (2, 19) else "batch-shape"
    if _knows_zip(saver) != _knows_zip(loader) or (not _is_3(saver) and _is_3(loader)):
        return Verdict.FAIL, "layer-count"
    return _lambda_bytecode(saver, model, loader) or PASSED


def _lambda_bytecode(saver: Environment, model: Model, loader: Environment) -> Judged | None:
    if model.id != "lambda":
        return None
    if _is_3(loader):
        return Verdict.FAIL, "unsafe-lambda"
    return (Verdict.FAIL, "marshal") if saver.python != loader.python else None


def _is_3(environment: Environment) -> bool:
    return environment.flavour is Flavour.KERAS3


def _knows_zip(environment: Environment) -> bool:
    return environment.keras_version >= (2, 12)


def _newer_keras_3(saver: Environment, loader: Environment) -> bool:
    """Keras 3.11 and later write a word that earlier ones do not take."""
    return _is_3(saver) and _is_3(loader) and saver.keras_version >= (3, 11) > loader.keras_version


def _needs_newer_op(saver: Environment, loader: Environment) -> bool:
    """Graphs of 2.13 and later hold an operation that came with 2.11."""
    return loader.minor < (2, 11) and saver.minor >= (2, 13)
