"""A matrix that could have been measured: the shapes of the real breaks, drift, crashes and gaps, from a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final

from matrix.model import Environment, Format, Method, Model, Rung, SaveOutcome, Verdict
from matrix.results import Failure, MatrixRow
from reports.cube import cube_of
from reports.findings import Finding, find
from reports.grid import Header, Results

NOW: Final = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
MINORS: Final = tuple(range(4, 22))
FORMATS: Final = (Format.H5, Format.SAVEDMODEL, Format.KERAS, Format.EXPORT)
"""Whole models; the fake world has no files of weights alone."""

_PYTHONS: Final = {4: "3.8", **dict.fromkeys(range(5, 15), "3.9"), **dict.fromkeys(range(15, 18), "3.11")}
_RECIPES: Final = (
    ("dense", "Dense classifier", "The plainest model there is: what fails here fails everywhere.", False),
    ("custom-activation", "Custom activation layer", "A class of one's own, found again by custom_objects.", True),
    ("trained-adam", "Trained model with optimizer state", "Whether slots of the optimizer survive.", False),
    ("named-io", "Several named inputs and outputs", "Whether names and order survive.", False),
    ("conv-bn", "Convolution, batch normalization, pooling", "Moving statistics and padding.", False),
    ("recurrent", "LSTM, GRU and bidirectional", "Gate order, reset_after, fused kernels.", False),
    ("attention", "Multi-head attention with layer normalization", "einsum equations in the config.", False),
    ("masking", "Embedding with masking", "Implicit masks through layers.", False),
    ("normalization", "Adapted Normalization", "State that is neither weight nor config.", False),
    ("lambda", "Lambda", "Python bytecode in the file.", False),
)


def environments() -> tuple[Environment, ...]:
    """Eighteen base environments, Keras 3 from 2.16 on."""
    return tuple(
        Environment(
            id=f"tf2.{minor}",
            tensorflow=f"2.{minor}.1",
            keras=f"2.{minor}.0" if minor < 16 else f"3.{minor - 12}.0",
            python=_PYTHONS.get(minor, "3.12"),
            cut_off=date(2022, 1, 1) + timedelta(days=90 * (minor - 4)),
            recipe_digest=f"{minor:02x}" * 32,
        )
        for minor in MINORS
    )


def models() -> tuple[Model, ...]:
    """The ten core recipes."""
    return tuple(Model(id=i, title=t, shows=s, needs_custom_objects=c) for i, t, s, c in _RECIPES)


def failure(exception: str, message: str, fingerprint: str, depth: int = 12) -> Failure:
    """A failure with a traceback of a plausible length."""
    frames = tuple(f"keras.src.saving.module_{place}:from_config" for place in range(depth))
    lines = [f'  File "/site/{f.replace(".", "/")}", line {7 * i}, in f\n    x = f(y)' for i, f in enumerate(frames)]
    trace = "\n".join(["Traceback (most recent call last):", *lines, f"{exception}: {message}"])
    return Failure(exception=exception, message=message, traceback=trace, frames=frames[-3:], fingerprint=fingerprint)


def failures() -> dict[str, Failure]:
    """The kinds of failure that the fake matrix holds, one of them written by an attacker."""
    script = "</script><script>window.pwned = 1</script><!-- <img src=x onerror='window.pwned = 2'> {{ 7 * 7 }}"
    kinds: tuple[Failure, ...] = (
        failure(
            "ValueError",
            "File format not supported: filepath=/in/model. Keras 3 only supports V3 `.keras` files and legacy H5 "
            "format files (`.h5` extension). Note that the legacy SavedModel format is not supported by "
            "`load_model()` in Keras 3. In order to reload a TensorFlow SavedModel as an inference-only layer in "
            "Keras 3, use `keras.layers.TFSMLayer(/in/model, call_endpoint='serving_default')`.",
            "no-savedmodel",
        ),
        failure("OSError", "Unable to open file (file signature not found)", "no-zip", 6),
        failure("TypeError", "('Keyword argument not understood:', 'batch_shape')", "batch-shape", 20),
        failure(
            "TypeError", "Could not locate class 'Functional'. Make sure custom classes are decorated.", "functional"
        ),
        failure("TypeError", "bad marshal data (unknown type code)", "marshal", 9),
        failure(
            "ValueError", "Unknown layer: Swish. Please ensure this object is passed to `custom_objects`.", "unknown"
        ),
        failure(
            "ValueError", "NodeDef mentions attr 'debug_name' not in Op<name=VarHandleOp>; NodeDef: {{node a}}", "attr"
        ),
        failure("RuntimeError", f"layer named {script}", "script", 4),
        failure("NotImplementedError", "numpy() is only available when eager execution is enabled.", "save-error", 5),
    )
    kinds += tuple(failure("KeyError", f"'layers/dense_{n}/vars/0'", f"key-{n}", 15) for n in range(40))
    return {kind.fingerprint: kind for kind in kinds}


@cache
def results() -> Results:
    """The whole fake matrix: 18 savers, 10 models, 4 formats, 18 loaders."""
    header = Header(
        generated_at=NOW,
        run="7",
        status="finished",
        engine="Docker 26.1.5",
        host_cpu="AMD EPYC 9R14, 2 cores",
        versions={"tfmatrix": "0.1.0", "runc": "1.1.15"},
    )
    return Results(header=header, rows=rows(), environments=environments(), models=models(), failures=failures())


def find_in(found: Results) -> tuple[Finding, ...]:
    """The findings of rows."""
    return find(cube_of(found), found.failures)


def empty() -> Results:
    """Environments and models, and not one result."""
    return Results(header=Header(generated_at=NOW), rows=(), environments=environments(), models=models(), failures={})


@cache
def rows(seed: int = 1) -> tuple[MatrixRow, ...]:
    """Every primary cell, and the default method where it is not the primary one."""
    dice = random.Random(seed)  # noqa: S311  (a fixture, not a secret)
    return tuple(
        row
        for saver in MINORS
        for model in models()
        for format_ in FORMATS
        for loader in MINORS
        for row in _rows(saver, model, format_, loader, dice)
    )


def _rows(saver: int, model: Model, format_: Format, loader: int, dice: random.Random) -> Iterator[MatrixRow]:
    save = _save(saver, model.id, format_)
    primary = _primary(model, format_)
    methods = {primary} if format_ is Format.EXPORT else {primary, Method.DEFAULT}
    for method in sorted(methods):
        verdict, fingerprint = (None, "save-error" if save is SaveOutcome.FAILED else None)
        if save is SaveOutcome.SAVED:
            verdict, fingerprint = _verdict(saver, model, format_, loader, dice)
            if method is not primary and verdict is Verdict.PASS:
                verdict, fingerprint = Verdict.FAIL, "unknown"
        yield _row((saver, model.id, format_, loader), method, primary, save, verdict, fingerprint, dice)


def _primary(model: Model, format_: Format) -> Method:
    if format_ is Format.EXPORT:
        return Method.SAVED_MODEL_LOAD
    return Method.CUSTOM_OBJECTS if model.needs_custom_objects else Method.DEFAULT


def _save(saver: int, model: str, format_: Format) -> SaveOutcome:
    if format_ is Format.SAVEDMODEL and saver >= 16:
        return SaveOutcome.UNSUPPORTED
    if (format_ is Format.KERAS and saver < 12) or (format_ is Format.EXPORT and saver < 13):
        return SaveOutcome.UNSUPPORTED
    if model == "normalization" and saver == 5 and format_ is Format.H5:
        return SaveOutcome.FAILED
    if model == "custom-activation" and format_ is Format.EXPORT and saver == 13:
        return SaveOutcome.NOT_APPLICABLE
    return SaveOutcome.SAVED


def _verdict(
    saver: int, model: Model, format_: Format, loader: int, dice: random.Random
) -> tuple[Verdict | None, str | None]:
    """The rules of the fake world, the first that applies."""
    strikes: tuple[tuple[bool, Verdict | None, str | None], ...] = (
        (loader == 7 and saver > 17, Verdict.HARNESS_BROKEN, None),
        (loader == 21 and saver == 21 and model.id == "lambda", None, None),
        (format_ is Format.SAVEDMODEL and loader >= 16, Verdict.FAIL, "no-savedmodel"),
        (format_ is Format.KERAS and loader < 12, Verdict.FAIL, "no-zip"),
        (format_ is not Format.EXPORT and saver >= 16 > loader, Verdict.FAIL, "batch-shape"),
        (format_ is Format.H5 and saver < 16 <= loader and model.id == "attention", Verdict.FAIL, "functional"),
        (
            model.id == "lambda" and format_ is not Format.EXPORT and _python(saver) != _python(loader),
            Verdict.FAIL,
            "marshal",
        ),
        (model.id == "recurrent" and saver < 10 and loader >= 16, Verdict.DRIFT, None),
        (model.id == "masking" and saver == 16 and loader > 18, Verdict.DRIFT, None),
        (format_ is Format.EXPORT and loader < 8 < saver, Verdict.FAIL, "attr"),
        (model.id == "conv-bn" and saver == 4 and loader == 12, Verdict.CRASH, None),
        (model.id == "attention" and saver == 13 and loader == 14, Verdict.TIMEOUT, None),
        (model.id == "named-io" and saver == 19 and loader == 20, Verdict.FAIL, "script"),
        (dice.random() < 0.004 and saver != loader, Verdict.FAIL, f"key-{dice.randrange(40)}"),
    )
    return next(((verdict, print_) for hit, verdict, print_ in strikes if hit), (Verdict.PASS, None))


def _python(minor: int) -> str:
    return _PYTHONS.get(minor, "3.12")


def _row(  # noqa: PLR0913, PLR0917  (one place makes every fake row)
    place: tuple[int, str, Format, int],
    method: Method,
    primary: Method,
    save: SaveOutcome,
    verdict: Verdict | None,
    fingerprint: str | None,
    dice: random.Random,
) -> MatrixRow:
    saver, model, format_, loader = place
    answered = verdict in {Verdict.PASS, Verdict.DRIFT}
    error = dice.choice((0.0, 5.96e-8, 1.19e-7, 2.4e-7)) if verdict is Verdict.PASS else dice.uniform(1e-3, 0.4)
    rungs = {Verdict.PASS: Rung.OUTPUTS_EQUAL, Verdict.DRIFT: Rung.CALLED}
    return MatrixRow(
        saver=f"tf2.{saver}",
        model=model,
        format=format_,
        loader=f"tf2.{loader}",
        method=method,
        primary=method is primary,
        save_outcome=save,
        verdict=verdict,
        rung=None if verdict is None else rungs.get(verdict, Rung.OPENED),
        fingerprint=fingerprint,
        max_absolute=error if answered else None,
        max_relative=error * 3 if answered else None,
        wall_seconds=None if verdict is None else round(dice.uniform(0.08, 0.3), 3),
        measured_at=None if verdict is None else NOW - timedelta(seconds=dice.randrange(1800)),
    )
