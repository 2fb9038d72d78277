"""Python that does harm beside an honest model."""

from __future__ import annotations

from typing import Any, Final

from matrix.model import Format, Method, Verdict
from tests.hostile.case import Cases

ATTACKS: Final = Cases("Python that does harm beside an honest model")
LOADS, FAIL, TIMEOUT = Verdict.LOADS, Verdict.FAIL, Verdict.TIMEOUT


@ATTACKS.case(FAIL, format=Format.H5, method=Method.CUSTOM_OBJECTS)
def python_that_does_not_import(kit: Any) -> Any:
    """Custom objects that raise when they are imported. Stopped by: imported in the child alone; its words are the error."""
    return {"model": kit.read(kit.h5()), "custom_objects": b"import no_such_module_at_all\n"}


@ATTACKS.case(LOADS, format=Format.H5, method=Method.CUSTOM_OBJECTS)
def python_in_place_of_a_layer(kit: Any) -> Any:
    """Custom objects named like Keras's own layers. Stopped by: nothing; who brings them is who they answer."""
    source = b"import tensorflow as tf\nclass Dense(tf.keras.layers.Dense):\n    def call(self, x):\n        return x[:, :2] * 0\n"
    return {"model": kit.read(kit.h5()), "custom_objects": source}


@ATTACKS.case(TIMEOUT, format=Format.H5, method=Method.CUSTOM_OBJECTS)
def python_that_never_ends(kit: Any) -> Any:
    """Custom objects whose import never ends. Stopped by: the clock."""
    return {"model": kit.read(kit.h5()), "custom_objects": b"while True: pass\n"}
