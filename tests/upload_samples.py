"""Uploads as a runner leaves them in the database at each moment, for pages to show: whole, on the way, refused, hostile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from matrix.catalog import load_environments
from matrix.model import CellKey, Environment, Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import CellResult, Difference, Effort, Failure
from matrix.store import Store
from matrix.uploads.model import (
    ITSELF,
    Options,
    Part,
    PartFile,
    Upload,
    UploadCell,
    UploadSave,
    UploadState,
    content_of,
    hashed,
)
from matrix.uploads.ways import OWN_PYTHON
from reports import addresses

TOKEN: Final = "token-that-deletes"  # noqa: S105  (made up)
HOSTILE: Final = '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1">'
BASE: Final[tuple[Environment, ...]] = tuple(one for one in load_environments() if one.base is None)
REFERENCE: Final = "tf2.11"

INSPECTION: Final[dict[str, Any]] = {
    "refused": None,
    "kind": "h5",
    "packing": "file",
    "root": "",
    "members": 1,
    "unpacked": 1_234_567,
    "saved_with": {
        "tensorflow": None,
        "keras": "2.11.0",
        "evidence": ["The attribute keras_version says 2.11.0.", "The backend is tensorflow."],
        "oldest": "2.11",
        "newest": "2.11",
    },
    "model": {
        "class": "Functional",
        "layers": 9,
        "layer_classes": {"InputLayer": 1, "Conv2D": 3, "Dense": 2, "Dropout": 1, "Flatten": 1, "Lambda": 1},
        "custom": ["shop>Gate"],
        "parameters": 1_234_567,
        "optimizer": "Adam",
        "optimizer_state": True,
        "lambdas": ["scale"],
        "reaches": [],
    },
    "signature": {
        "inputs": [{"name": "image", "shape": [None, 28, 28, 1], "dtype": "float32"}],
        "outputs": [{"name": "digit", "shape": [None, 10], "dtype": "float32"}],
    },
    "inputs_from": "signature",
    "inputs_note": "The inputs were made from what the model says it takes: 4 rows of numbers.",
    "notes": [],
}


def an_upload(letter: str = "a", **changes: Any) -> Upload:
    """An upload whose row is complete, but for ``changes``; the letter makes its id and its content."""
    now = datetime.now(UTC).replace(microsecond=0)
    parts = {Part.MODEL: PartFile(name="classifier.h5", sha256=(letter * 64)[:64].encode().hex()[:64], size=1_234_567)}
    values: dict[str, Any] = {
        "id": letter * 22,
        "content": content_of(parts),
        "parts": parts,
        "options": Options(),
        "state": UploadState.DONE,
        "owner": "somebody",
        "deletion": hashed(TOKEN),
        "handed_in_at": now - timedelta(seconds=90),
        "started_at": now - timedelta(seconds=88),
        "row_at": now - timedelta(seconds=79),
        "finished_at": now - timedelta(seconds=5),
        "expires_at": now + timedelta(days=30),
        "inspection": INSPECTION,
        "plan": tuple(one.id for one in BASE),
        "reference": REFERENCE,
    }
    return Upload(**values | changes)


def failure(text: str = "bad marshal data (unknown type code)", exception: str = "ValueError") -> Failure:
    """A failure of a kind of its own."""
    trace = f'Traceback (most recent call last):\n  File "keras/saving.py", line 12, in load\n{exception}: {text}'
    return Failure(
        exception=exception,
        message=text,
        traceback=trace,
        frames=("keras.saving:load",),
        fingerprint=text[:20].encode().hex().ljust(64, "0"),
    )


def own_python(text: str = "custom_objects.py, line 1: ModuleNotFoundError: No module named 'torch'") -> Failure:
    """What a child says of Python that was handed in and raises."""
    return failure(text, OWN_PYTHON)


def a_result(environment: Environment, verdict: Verdict, method: Method = Method.DEFAULT, **changes: Any) -> CellResult:
    """What came of one way in one environment."""
    error = {Verdict.PASS: 3e-8, Verdict.DRIFT: 0.0421}.get(verdict)
    apart = Difference(output="digit", equal=verdict is Verdict.PASS, max_absolute=error, max_relative=error)
    values: dict[str, Any] = {
        "key": CellKey(artifact="f" * 64, loader=environment.recipe_digest, method=method),
        "verdict": verdict,
        "rung": {Verdict.PASS: Rung.OUTPUTS_EQUAL, Verdict.FAIL: Rung.OPENED}.get(verdict, Rung.CALLED),
        "signature_equal": None,
        "signal": None,
        "failure": failure() if verdict is Verdict.FAIL else None,
        "differences": () if error is None else (apart,),
        "warnings": (),
        "effort": Effort(steps={"load": 0.1}, wall_seconds=0.31, peak_memory=300_000_000),
    }  # fmt: skip
    return CellResult(**values | changes)


def a_cell(environment: Environment, verdict: Verdict, method: Method = Method.DEFAULT, **changes: Any) -> UploadCell:
    """A cell of what was handed in."""
    group = {Verdict.PASS: 0, Verdict.DRIFT: 1}.get(verdict)
    return UploadCell(
        saver=ITSELF,
        format=Format.H5,
        result=a_result(environment, verdict, method, **changes),
        outputs=None,
        group=group,
        measured_at=datetime.now(UTC),
    )


def the_row(environments: Sequence[Environment] = BASE) -> list[UploadCell]:
    """A telling row: other answers in the oldest, equal ones up to 2.15, failures since, of which another method helps."""
    found = []
    for one in environments:
        if one.minor < (2, 7):
            found.append(a_cell(one, Verdict.DRIFT))
        elif one.minor < (2, 16):
            found.append(a_cell(one, Verdict.PASS))
        elif one.minor < (2, 19):
            found += [a_cell(one, Verdict.FAIL), a_cell(one, Verdict.PASS, Method.COMPILE_FALSE)]
        else:
            unknown = failure("Unknown layer: 'Gate'. Please ensure you are using a `keras.utils.custom_object_scope`.")
            found += [a_cell(one, Verdict.FAIL, failure=unknown), a_cell(one, Verdict.FAIL, Method.COMPILE_FALSE)]
    return found


def saved_again(environments: Sequence[Environment] = BASE) -> tuple[list[UploadSave], list[UploadCell]]:
    """What each of those that load it saved, and what came of that in all."""
    saves, cells = [], []
    for saver in environments:
        if saver.minor >= (2, 16):
            continue
        for format_ in (Format.H5, Format.SAVEDMODEL, Format.KERAS):
            is_saved = format_ is not Format.KERAS or saver.minor >= (2, 13)
            outcome = SaveOutcome.SAVED if is_saved else SaveOutcome.UNSUPPORTED
            saves.append(
                UploadSave(
                    saver=saver.recipe_digest, format=format_, outcome=outcome, reason=None, failure=None,
                    artifact="e" * 64 if is_saved else None, size=1000, is_tar=False,
                    inputs="d" * 64, outputs="c" * 64, signature=None,
                )
            )  # fmt: skip
            for loader in environments if is_saved else ():
                loads = loader.minor < (2, 16) if format_ is not Format.KERAS else loader.minor >= (2, 13)
                verdict = Verdict.PASS if loads else Verdict.FAIL
                cells.append(replace(a_cell(loader, verdict), saver=saver.recipe_digest, format=format_, group=None))
    return saves, cells


def whole(store: Store, letter: str = "a", **changes: Any) -> Upload:
    """An upload of which all is known, in a database."""
    upload = an_upload(letter, **changes)
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, the_row())
    saves, cells = saved_again()
    store.uploads.record_saves(upload.content, saves)
    store.uploads.record_cells(upload.content, cells)
    return upload


def on_the_way(store: Store, letter: str = "b", tried: int = 5) -> Upload:
    """An upload whose row is filling in."""
    upload = an_upload(letter, state=UploadState.LOADING, row_at=None, finished_at=None)
    store.uploads.add(upload)
    store.uploads.record_cells(upload.content, the_row(BASE[-tried:]))
    return upload


def hostile(store: Store, letter: str = "h") -> Upload:
    """An upload in which every text that a stranger chooses is markup."""
    file = PartFile(name=f"{HOSTILE}.h5", sha256="9" * 64, size=5)
    said = {
        **INSPECTION,
        "saved_with": {**INSPECTION["saved_with"], "keras": HOSTILE, "evidence": [HOSTILE]},
        "model": dict.fromkeys(("class", "optimizer"), HOSTILE)
        | {name: [HOSTILE] for name in ("custom", "lambdas", "reaches")}
        | {"layer_classes": {HOSTILE: 1}},
        "signature": {"inputs": [{"name": HOSTILE, "shape": [HOSTILE], "dtype": HOSTILE}], "outputs": []},
        "inputs_note": HOSTILE,
        "notes": [HOSTILE],
    }  # fmt: skip
    parts = {Part.MODEL: file}
    upload = an_upload(letter, parts=parts, content=content_of(parts), inspection=said, note=HOSTILE)
    store.uploads.add(upload)
    bad = failure(HOSTILE, exception=HOSTILE)
    store.uploads.record_cells(upload.content, [a_cell(one, Verdict.FAIL, failure=bad) for one in BASE])
    return upload


def refused(store: Store, letter: str = "r") -> Upload:
    """An upload that the inspector sent back."""
    upload = an_upload(
        letter,
        state=UploadState.REFUSED,
        inspection={**INSPECTION, "kind": None},
        message="The zip is encrypted, so nobody can look into it.",
        next_step="Pack it again without a password.",
        plan=(),
        reference=None,
        row_at=None,
    )
    store.uploads.add(upload)
    return upload


PAGES: Final = {
    "upload that is whole": addresses.upload("a" * 22),
    "upload on the way": addresses.upload("b" * 22),
    "upload of hostile words": addresses.upload("h" * 22),
    "upload that was refused": addresses.upload("r" * 22),
}
"""Where those are that ``fill`` makes."""


def fill(store: Store) -> None:
    """Put an upload of each kind into a database."""
    for make in (whole, on_the_way, hostile, refused):
        make(store)
