"""Files of every kind that are cut off, scrambled, or not what they are said to be."""

from __future__ import annotations

from typing import Any, Final

from matrix.model import Format, Method, Verdict
from tests.hostile.case import Cases
from tests.hostile.files.hdf5 import H5
from tests.hostile.files.keras import KERAS
from tests.hostile.files.savedmodel import SAVEDMODEL

ATTACKS: Final = Cases("Files that are cut off, scrambled, or not what they are said to be")
LOADS, FAIL, CRASH = Verdict.LOADS, Verdict.FAIL, Verdict.CRASH


@ATTACKS.case(FAIL, CRASH, **H5)
def truncated_h5(kit: Any) -> Any:
    """The first half of an h5 file. Stopped by: the reader's own checks; else one process."""
    whole = kit.read(kit.h5())
    return whole[: len(whole) // 2]


@ATTACKS.case(FAIL, CRASH, LOADS, **H5)
def scrambled_h5(kit: Any) -> Any:
    """An h5 file with bytes turned over all through it. Stopped by: the same."""
    return kit.scrambled(kit.read(kit.h5()))


@ATTACKS.case(FAIL, **KERAS)
def truncated_keras(kit: Any) -> Any:
    """The first half of a .keras. Stopped by: a zip without its directory is none."""
    whole = kit.keras()
    return whole[: len(whole) // 2]


@ATTACKS.case(FAIL, **KERAS)
def h5_under_another_name(kit: Any) -> Any:
    """An h5 file that is said to be a .keras. Stopped by: the bytes decide."""
    return kit.read(kit.h5())


@ATTACKS.case(FAIL, **H5)
def nothing_at_all(kit: Any) -> Any:
    """An empty file. Stopped by: it is no file of its kind."""
    del kit
    return b""


@ATTACKS.case(FAIL, CRASH, **SAVEDMODEL)
def scrambled_savedmodel(kit: Any) -> Any:
    """A SavedModel with bytes of its graph turned over. Stopped by: the reader's own checks; else one process."""
    import os

    def edit(path):
        with open(os.path.join(path, "saved_model.pb"), "r+b") as file:
            whole = bytearray(file.read())
            for at in range(50, len(whole), 31):
                whole[at] ^= 0x55
            file.seek(0)
            file.write(whole)

    return kit.savedmodel(lambda x: {"y": x + 1.0}, edit)


@ATTACKS.case(FAIL, CRASH, LOADS, **KERAS)
def scrambled_keras(kit: Any) -> Any:
    """A .keras with bytes turned over all through it. Stopped by: the sums of its zip, and the reader's own checks."""
    return kit.scrambled(kit.keras())


@ATTACKS.case(FAIL, CRASH, LOADS, format=Format.JSON_WEIGHTS)
def scrambled_weights_beside_json(kit: Any) -> Any:
    """Weights with bytes turned over, beside an honest architecture. Stopped by: the reader's own checks; else one process."""
    return {"model": kit.scrambled(kit.weights()), "architecture": kit.honest().to_json().encode()}


@ATTACKS.case(FAIL, format=Format.JSON_WEIGHTS)
def half_of_an_architecture(kit: Any) -> Any:
    """Honest weights, beside the first half of their JSON. Stopped by: it is no JSON."""
    text = kit.honest().to_json().encode()
    return {"model": kit.weights(), "architecture": text[: len(text) // 2]}


@ATTACKS.case(FAIL, CRASH, format=Format.CHECKPOINT, method=Method.WEIGHTS)
def scrambled_checkpoint(kit: Any) -> Any:
    """A checkpoint with bytes of its index turned over. Stopped by: the reader's own checks; else one process."""
    import os

    folder = os.path.join(kit.folder, "checkpoint")
    os.makedirs(folder, exist_ok=True)
    kit.tf.train.Checkpoint(kit.honest()).write(os.path.join(folder, "weights"))
    index = os.path.join(folder, "weights.index")
    whole = kit.scrambled(kit.read(index), first=10, step=13)
    with open(index, "wb") as file:
        file.write(whole)
    return {"model": kit.tar(folder), "builder": kit.BUILDER}


@ATTACKS.case(FAIL, format=Format.WEIGHTS_H5, method=Method.WEIGHTS)
def scrambled_builder(kit: Any) -> Any:
    """Honest weights, beside a script with bytes turned over. Stopped by: Python does not read it; in the child alone."""
    return {"model": kit.weights(), "builder": kit.scrambled(kit.BUILDER, first=5, step=7)}


@ATTACKS.case(FAIL, own_inputs=True, **H5)
def scrambled_inputs(kit: Any) -> Any:
    """An honest model, beside an .npz with bytes turned over. Stopped by: the inspector; a child that gets it all the same."""
    import io

    import numpy as np

    whole = io.BytesIO()
    np.savez(whole, x=np.ones((2, 4), "float32"))
    return {"model": kit.read(kit.h5()), "inputs": kit.scrambled(whole.getvalue(), first=3, step=11)}
