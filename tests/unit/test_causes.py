"""Causes: real messages, cut short, to the words under which they are counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix.results import Failure
from matrix.uploads.ways import OWN_PYTHON
from reports.causes import LONGEST, cause_in, cause_of, step_for

ADVICE = (
    "Please ensure you are using a `keras.utils.custom_object_scope` and that this object is included in the scope."
)
CONFIG = "{'name': 'depthwise', 'kernel_size': [3, 3], 'groups': 1, 'seed': {'value': None}}"

REAL = [
    (
        (
            "File format not supported: filepath=/tmp/cell/model. Keras 3 only supports V3 `.keras` files and legacy H5 files"
            " (`.h5` extension). Note that the legacy SavedModel format is not supported"
        ),
        "File format not supported: filepath=…",
    ),
    (
        "File format not supported: filepath=/tmp/cell/model/weights. Keras 3 only supports V3 `.keras` and `.weights.h5`",
        "File format not supported: filepath=…",
    ),
    (
        (
            f"Error when deserializing class 'DepthwiseConv2D' using config={CONFIG}.\n\n"
            "Exception encountered: Unrecognized keyword arguments passed to DepthwiseConv2D: {'groups': 1}"
        ),
        "Unrecognized keyword arguments passed to DepthwiseConv2D: groups",
    ),
    (
        "Unrecognized keyword arguments passed to SeparableConv2D: {'groups': 1, 'kernel_initializer': {'class_name': 'A'}}",
        "Unrecognized keyword arguments passed to SeparableConv2D: groups, kernel_initializer",
    ),
    (
        (
            "Error when deserializing class 'InputLayer' using config={'batch_shape': [None, 12], 'name': 'features'}.\n\n"
            "Exception encountered: Unrecognized keyword arguments: ['batch_shape', 'optional']"
        ),
        "Unrecognized keyword arguments passed to InputLayer: batch_shape, optional",
    ),
    (
        "('Unrecognized keyword arguments:', dict_keys(['batch_shape', 'optional']))",
        "Unrecognized keyword arguments: batch_shape, optional",
    ),
    (f"Unknown layer: 'ScaledTanh'. {ADVICE} See https://www.tensorflow.org/guide", "Unknown layer: ScaledTanh"),
    ("Unknown layer: ScaledTanh", "Unknown layer: ScaledTanh"),
    (f"Unknown layer: 'TFOpLambda'. {ADVICE}", "Unknown layer: TFOpLambda"),
    (
        (
            "Could not deserialize class 'Functional' because its parent module keras.src.engine.functional cannot be imported."
            " Full object config: {'module': 'keras.src.engine.functional', 'config': {'layers': [{'module'"
        ),
        "Could not deserialize class 'Functional' because its parent module keras.src.engine.functional cannot be imported",
    ),
    (
        "Could not locate class 'Functional'. Make sure custom classes and functions are decorated with `@keras.saving`",
        "Could not locate class 'Functional'",
    ),
    (
        "SavedModel file does not exist at: /tmp/cell/model.keras/{saved_model.pbtxt|saved_model.pb}",
        "SavedModel file does not exist at: …",
    ),
    ("('Keyword argument not understood:', 'keepdims')", "Keyword argument not understood: 'keepdims'"),
    (
        "You are trying to load a weight file containing 0 layers into a model with 2 layers.",
        "You are trying to load a weight file containing 0 layers into a model with N layers",
    ),
    (
        (
            "A total of 2 objects could not be loaded. Example error message for object <Dense name=hidden, built=True>:\n\n"
            "Layer 'hidden' expected 2 variables, but received 0 variables during loading. Expected: ['kernel', 'bias']"
        ),
        "Layer … expected N variables, but received 0 variables during loading",
    ),
    (
        (
            "Exception encountered when calling layer 'string_lookup' (type StringLookup).\n\n{{function_node __wrapped__Lookup"
            "_device_/job:localhost/replica:0/task:0/device:CPU:0}} Table not initialized. [Op:LookupTableFindV2] name: \n\n"
            "Call arguments received by layer 'string_lookup'"
        ),
        "Table not initialized",
    ),
    (
        "Op type not registered 'DisableCopyOnRead' in binary running on sandbox. Make sure the Op and Kernel are registered",
        "Op type not registered 'DisableCopyOnRead' in binary running on sandbox",
    ),
    (
        (
            "NodeDef mentions attr 'validate_shape' not in Op<name=AssignVariableOp; signature=resource:resource, value:d ->"
            " ; attr=dtype:type; is_stateful=true>; NodeDef: {{node AssignVariableOp}}. (Check whether your GraphDef"
        ),
        "NodeDef mentions attr 'validate_shape' not in Op AssignVariableOp",
    ),
    (
        (
            "Found 12 Python objects that were not bound to checkpointed values, likely due to changes in the Python program. "
            "Showing 10 of 12 unmatched objects: [<Variable path=attention/value/kernel, shape=(8, 2, 4)>]"
        ),
        "Found N Python objects that were not bound to checkpointed values, likely due to changes in the Python program",
    ),
    (
        (
            "Save or restore weights that is not an instance of `tf.Variable` is not supported in h5, use save_format='tf' "
            "instead. Got a model or layer StringLookup with weights [<tensorflow.python.Handler object at 0x7fe4035e3400>]"
        ),
        "Save or restore weights that is not an instance of `tf.Variable` is not supported in h5, use save_format='tf' instead",
    ),
    (
        (
            "Graph execution error:\n\nDetected at node mixed_precision/norm/add defined at (most recent call last):\n"
            "<stack traces unavailable>\nValue for attr 'T' of half is not in the list of allowed values: float, bfloat16\n\t;"
        ),
        "Value for attr 'T' of half is not in the list of allowed values: float, bfloat16",
    ),
    (
        "Layer \"multi_io\" expects 3 input(s), but it received 1 input tensors. Inputs received: [<tf.Tensor 'args_0:0'>]",
        "Layer … expects N input(s), but it received N input tensors",
    ),
    (
        (
            "Attempt to convert a value ({'class_name': '__numpy__', 'config': {'value': [[-0.9, -1.4]]}}) with an unsupported"
            " type (<class 'dict'>) to a Tensor."
        ),
        "Attempt to convert a value ({…}) with an unsupported type (dict) to a Tensor",
    ),
    (
        (
            "Binding inputs to tf.function `f` failed due to `Attempt to convert a value (SparseTensor(indices=tf.Tensor(\n"
            "[[ 0  2]\n [ 0 17]], shape=(7, 2), dtype=int64)"
        ),
        "Binding inputs to tf.function failed due to `Attempt to convert a value (SparseTensor(…)",
    ),
    (
        (
            "Binding inputs to tf.function failed due to `Can not cast TensorSpec(shape=(3,), dtype=tf.float64, name='amount')"
            " to TensorSpec(shape=(None, 3), dtype=tf.float32, name=None)`"
        ),
        "Binding inputs to tf.function failed due to `Can not cast TensorSpec(tf.float64) to TensorSpec(tf.float32)`",
    ),
    ("bad marshal data (unknown type code)", "bad marshal data (unknown type code)"),
    ("the process was ended by signal 11 (SIGSEGV)", "the process was ended by signal 11 (SIGSEGV)"),
    ("Keras 3 takes no TensorFlow operation on a tensor", "Keras 3 takes no TensorFlow operation on a tensor"),
    ("", ""),
]


@pytest.mark.parametrize(("message", "cause"), REAL)
def test_the_cause_of_a_real_message(message: str, cause: str) -> None:
    """What Keras wraps around it, and names, paths, numbers and configurations, are gone."""
    assert cause_in(message) == cause


def test_the_class_goes_without_its_module() -> None:
    """But for names of our own, which have no other."""
    assert cause_of(failure("tensorflow.python.errors_impl.NotFoundError", "no")) == "NotFoundError: no"
    assert cause_of(failure("tfmatrix.timeout", "too long")) == "tfmatrix.timeout: too long"


@pytest.mark.parametrize(
    "message", ["x" * 9999, "{" * 500, "Unrecognized keyword arguments: {'a", "['" * 400, "\n\n\n", "<" * 900]
)
def test_any_message_has_a_short_cause(message: str) -> None:
    """What a model wrote into its error cannot make a cause long, or break the reading of it."""
    assert len(cause_in(message)) <= LONGEST


def failure(exception: str, message: str) -> Failure:
    """A failure of which only these count."""
    return Failure(exception=exception, message=message, traceback="", frames=(), fingerprint="f")


OWN = Failure(exception=OWN_PYTHON, message="", traceback="", frames=(), fingerprint="f")


@pytest.mark.parametrize(
    ("message", "cause", "step"),
    [
        (
            "custom_objects.py, line 12: ModuleNotFoundError: No module named 'torch'",
            "custom_objects.py, line 12: ModuleNotFoundError: No module named 'torch'",
            "no other package: leave the import out of custom_objects.py",
        ),
        (
            "builder.py, line 3: ImportError: cannot import name 'A' from 'b' (/usr/lib/python3.11/b/__init__.py)",
            "builder.py, line 3: ImportError: cannot import name 'A' from 'b' (…)",
            "What versions keep in different places is imported in a try",
        ),
        (
            "builder.py, line 3: AttributeError: module 'tensorflow' has no attribute 'x'",
            "builder.py, line 3: AttributeError: module 'tensorflow' has no attribute 'x'",
            "Correct builder.py",
        ),
        (
            "builder.py defines no build_model(). Define it.",
            "builder.py defines no build_model(). Define it.",
            "hand it in again",
        ),
    ],
)
def test_a_person_s_own_python_is_named_with_its_line_and_a_step(message: str, cause: str, step: str) -> None:
    """Which is what no framework's failure has."""
    failure = replace(OWN, message=message)
    assert cause_of(failure) == cause
    assert step in step_for(failure)
    assert step_for(replace(failure, exception="ValueError")) == ""
