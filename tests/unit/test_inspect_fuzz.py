"""Damaged and hostile files without end: looking into each comes to an end in time, with an answer or a refusal.

Each is looked into as in its container: in a process of its own, with limits. A few here, thousands in ``make test-all``.
"""

from __future__ import annotations

import copy
import json
import tempfile
import time
import warnings
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.inspector.__main__ import watched
from matrix.uploads.inspection import Inspection, read
from tests import handed_in

SECONDS = 5.0
MEMORY = 4 << 30  # of address space, of which the test's own process has taken some
FEW = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
MANY = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))

WORDS = handed_in.keras_3_config(words=True)
FILES: dict[str, bytes] = {
    "keras": handed_in.keras_zip(WORDS, weights=handed_in.new_weights(state=True)),
    "packed keras": handed_in.keras_zip(packed=True),
    "h5": handed_in.h5(),
    "weights": handed_in.weights_h5(),
    "zip": handed_in.zip_of(handed_in.saved_model("ReadFile", "PrintV2"), packed=False),
    "tar": handed_in.tar_of(handed_in.under("m", handed_in.saved_model())),
    "tar.gz": handed_in.tar_of(handed_in.saved_model(keras=False), packed=True),
    "checkpoint": handed_in.zip_of({"model.index": b"x", "model.data-00000-of-00001": b"x"}),
    "nested": handed_in.tar_of({"model.h5": handed_in.h5()}),
}
INPUTS = handed_in.npz(x=[[1.0, 2.0, 3.0, 4.0]])
SCRIPT = b"import keras\n\n\nclass A(keras.Layer):\n    x = [1, {2: (3,)}]\n\n\ndef build_model(a=1, *, b=2):\n    return A()\n"


def answered(**parts: bytes) -> Inspection:
    """What is said of an upload by a process of its own."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside pytest's own threads
        for part, content in parts.items():
            (Path(folder) / part).write_bytes(content)
        asked = {part: {"file": part, "name": "m.keras"} for part in parts}
        began = time.monotonic()
        found = read(watched(asked, Path(folder), SECONDS, MEMORY))
    assert time.monotonic() - began < SECONDS + 20  # damaged HDF5 can keep its own library busy for ever
    json.dumps(found.to_json(None))
    return found


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with bytes changed, left out, doubled, or cut off."""
    raw = bytearray(content)
    # Of itself hypothesis would damage the first bytes most.
    random = Random(draw(st.integers(0, 1 << 32)))  # noqa: S311
    for _ in range(random.randint(1, 6)):
        at = random.randrange(max(1, len(raw)))
        match random.choice(["set", "set", "flip", "number", "cut", "drop", "double", "insert"]):
            case "set":
                raw[at : at + 1] = random.randbytes(1)
            case "flip":
                raw[at : at + 1] = bytes([raw[at] ^ (1 << random.randrange(8))]) if raw else b""
            case "number":
                raw[at : at + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\1\0\0\0"])
            case "cut":
                del raw[at:]
            case "drop":
                del raw[at : at + random.randint(1, 64)]
            case "double":
                raw[at:at] = raw[at : at + random.randint(1, 512)]
            case _:
                raw[at:at] = random.randbytes(random.randint(0, 16))
    return bytes(raw)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Dense", "x", "Lambda"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["class_name", "config", "layers", "name", "module", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def distorted(draw: st.DrawFn, config: Any) -> Any:
    """A config in which something, somewhere, is something else."""
    whole = copy.deepcopy(config)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(whole))
        if not places:
            return whole
        holder, key = draw(st.sampled_from(places))
        holder[key] = draw(JSON)
    return whole


def _places(node: Any) -> Any:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(pairs):
        yield node, key
        yield from _places(value)


def check_damaged(name: str, data: st.DataObject) -> None:
    """A damaged model is answered."""
    answered(model=data.draw(damaged(FILES[name])))


def check_distorted(_name: str, data: st.DataObject) -> None:
    """A config that says something else is answered, in each kind of file that has one."""
    pack: Any = data.draw(st.sampled_from([handed_in.keras_zip, handed_in.h5]))
    config = data.draw(st.sampled_from([WORDS, handed_in.keras_2_config(handed_in.layer("Embedding", input_dim=4))]))
    answered(model=pack(data.draw(distorted(config))))


def check_beside(_name: str, data: st.DataObject) -> None:
    """Damaged Python and inputs beside a model are answered."""
    answered(
        model=FILES["keras"],
        custom_objects=data.draw(damaged(SCRIPT)),
        inputs=data.draw(damaged(INPUTS)),
    )
    answered(model=FILES["keras"], inputs=data.draw(damaged(INPUTS)))
    answered(model=FILES["weights"], builder=data.draw(damaged(SCRIPT)))


def check_made_up(_name: str, data: st.DataObject) -> None:
    """Bytes behind any magic are answered."""
    magic = data.draw(
        st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"\x89HDF\r\n\x1a\n", b"\x1f\x8b\x08", b"\x08\1\x12", b"{"])
    )
    answered(model=magic + data.draw(st.binary(max_size=600)))


CHECKS = [(check_damaged, name) for name in FILES] + [
    (check_distorted, "config"),
    (check_beside, "beside"),
    (check_made_up, "made up"),
]
IDS = [name for _, name in CHECKS]


def test_what_is_fuzzed_is_fine_as_it_is() -> None:
    """Or the damage would be ours."""
    assert {name for name, content in FILES.items() if answered(model=content).kind is None} == set()


@pytest.mark.parametrize(("check", "name"), CHECKS, ids=IDS)
@FEW
@given(data=st.data())
def test_a_few(check: Any, name: str, data: st.DataObject) -> None:
    """The same examples each time, in seconds."""
    check(name, data)


@pytest.mark.everything
@pytest.mark.parametrize(("check", "name"), CHECKS, ids=IDS)
@MANY
@given(data=st.data())
def test_thousands(check: Any, name: str, data: st.DataObject) -> None:
    """Other examples each time."""
    check(name, data)
