"""Results as the store's tests record them."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

from matrix.model import CellKey, Environment, Format, Method, Rung, SaveKey, SaveOutcome, Verdict
from matrix.results import Artifact, CellResult, Difference, Effort, Failure, SaveResult, Signature, Tensor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
EFFORT = Effort(steps={"load": 0.125, "call": 0.25}, wall_seconds=0.5, peak_memory=300_000_000)


def digest(*parts: object) -> str:
    """A sha256 that stands for some content."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def environment(name: str = "tf2.9") -> Environment:
    """An environment; its name decides its digest."""
    return Environment(
        id=name,
        tensorflow="2.9.3",
        keras="2.9.0",
        python="3.9",
        cut_off=date(2023, 1, 1),
        recipe_digest=digest("recipe", name),
    )


def artifact(*content: object) -> Artifact:
    """An artifact of some content."""
    image = Tensor(name="image", shape=(None, 784), dtype="float32")
    digit = Tensor(name="digit", shape=None, dtype="float32")
    return Artifact(
        sha256=digest("artifact", *content),
        size=12_345,
        is_tar=False,
        inputs=digest("inputs"),
        outputs=digest("outputs"),
        signature=Signature(inputs=(image,), outputs=(digit,)),
    )


def failure(kind: str = "bad marshal data") -> Failure:
    """An error of some kind."""
    return Failure(
        exception="ValueError",
        message=kind,
        traceback=f"Traceback (most recent call last):\nValueError: {kind}",
        frames=("keras.engine:load", "keras.utils:func_load"),
        fingerprint=digest("failure", kind),
    )


def save(saver: str = "tf2.9", model: str = "dense", **changes: Any) -> SaveResult:
    """A save that worked, but for ``changes``."""
    values: dict[str, Any] = {
        "key": SaveKey(model=model, saver=environment(saver).recipe_digest, format=Format.H5),
        "outcome": SaveOutcome.SAVED,
        "artifact": artifact(saver, model),
        "reason": None,
        "failure": None,
        "warnings": ("HDF5 is legacy",),
        "effort": EFFORT,
    }
    return SaveResult(**values | changes)


def failed_save(saver: str = "tf2.9", model: str = "dense") -> SaveResult:
    """A save that raised."""
    return save(saver, model, outcome=SaveOutcome.FAILED, artifact=None, failure=failure("cannot save"))


def cell(loader: str = "tf2.9", of: Artifact | None = None, **changes: Any) -> CellResult:
    """A cell that passed, but for ``changes``."""
    made = of or artifact("tf2.9", "dense")
    values: dict[str, Any] = {
        "key": CellKey(artifact=made.sha256, loader=environment(loader).recipe_digest, method=Method.DEFAULT),
        "verdict": Verdict.PASS,
        "rung": Rung.OUTPUTS_EQUAL,
        "signature_equal": True,
        "signal": None,
        "failure": None,
        "differences": (Difference(output="digit", equal=True, max_absolute=1e-7, max_relative=2e-7),),
        "warnings": (),
        "effort": EFFORT,
    }
    return CellResult(**values | changes)


def failed_cell(kind: str = "bad marshal data", **changes: Any) -> CellResult:
    """A cell that failed, but for ``changes``."""
    found: dict[str, Any] = {"verdict": Verdict.FAIL, "rung": Rung.OPENED, "failure": failure(kind), "differences": ()}
    return cell(**found | changes)


def broken_cell() -> CellResult:
    """A cell of an environment that could not load its own canary."""
    return cell(verdict=Verdict.HARNESS_BROKEN, rung=Rung.NOTHING, differences=())
