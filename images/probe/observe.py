"""Turns what a framework did into plain data: exceptions, warnings, signatures, outputs. Judges nothing.

Everything here reads objects made by 18 TensorFlows and by hostile files, so each reader is guarded, and each text
bounded and cleaned. Outputs become an ordered list of (name, array): a dictionary's by sorted key, a list's in its
own order, named by the model where it names as many. The host compares by name when both sides have the same names,
else by position.
"""

import contextlib
import logging
import os
import re
import sys
import sysconfig
import time
import traceback
import warnings

import numpy as np
import wire

MAX_MESSAGE = 8 << 10
MAX_TRACEBACK = 32 << 10
MAX_WARNING = 1 << 10
MAX_WARNINGS = 20
MAX_FRAMES = 5
MAX_TENSORS = 256
QUIET = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
LOGGERS = ("tensorflow", "absl")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class TooLarge(Exception):
    """What was made is larger than the job allows. Ours, not the framework's: no verdict is made of it."""


def exception(error):
    """Return an exception as the host stores it: class, message, traceback and the innermost library frames."""
    try:
        message = str(error)
    except BaseException as second:  # noqa: BLE001  a model's own exception may not even print
        message = "<its message could not be made: %s>" % type(second).__name__
    return {
        "class": clean(_class_name(type(error)), 256),
        "message": clean(message, MAX_MESSAGE),
        "traceback": clean(_formatted(error), MAX_TRACEBACK),
        "frames": library_frames(error.__traceback__),
    }


def clean(text, limit):
    """Return text without control characters and of at most ``limit`` bytes; the middle of a long one is left out.

    Both ends are kept because Keras wraps a cause in messages that begin with the object and end with the cause.
    """
    text = _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    note = "\n[... %d bytes left out ...]\n" % (len(raw) - limit)
    room = max(limit - len(note), 0)
    head, tail = raw[: room - room // 2], raw[len(raw) - room // 2 :]
    return (head.decode("utf-8", "ignore") + note + tail.decode("utf-8", "ignore"))[:limit]


def library_frames(trace):
    """Return up to five ``module:function`` of the innermost frames, without ours and the standard library's."""
    names = []
    for frame, _ in traceback.walk_tb(trace):
        if _is_library(frame.f_code.co_filename):
            names.append("%s:%s" % (frame.f_globals.get("__name__", "?"), frame.f_code.co_name))
    return [clean(name, 256) for name in names[-MAX_FRAMES:]]


def keep_tracebacks():
    """Make the framework leave whole tracebacks on its exceptions.

    Its own switch would also drop what it adds to messages ("Exception encountered when calling layer ..."), which is
    what users see and search for; so only the function that cuts the frames away is replaced.
    """
    for name, module in list(sys.modules.items()):
        if name.endswith("traceback_utils") and hasattr(module, "_process_traceback_frames"):
            module._process_traceback_frames = _same


def too_large(count, room):
    """Say that answers do not leave the sandbox; what is loaded or saved loads and saves all the same."""
    sizes = (format(count, ","), format(room, ","))
    return "Its answers have %s bytes; no more than %s are taken out of a sandbox, so they cannot be compared." % sizes


@contextlib.contextmanager
def timed(steps, name):
    """Time a step of work into ``steps``; one that raises is left as ``None``."""
    steps[name] = None
    started = time.perf_counter()
    yield
    steps[name] = round(time.perf_counter() - started, 6)


def under_way(steps):
    """Return the first step that was begun and not ended, taking its entry out, or ``None``."""
    for name, seconds in list(steps.items()):
        if seconds is None:
            del steps[name]
            return name
    return None


@contextlib.contextmanager
def listening():
    """Collect what is warned of meanwhile, by Python's warnings or the framework's loggers, each text once."""
    heard = []
    listener = _Listener(heard)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for category in QUIET:
            warnings.simplefilter("ignore", category)
        warnings.showwarning = lambda message, category, *_, **__: _hear(heard, category.__name__, message)
        for logger in loggers:
            logger.addHandler(listener)
            logger.setLevel(logging.WARNING)
        try:
            yield heard
        finally:
            for logger, level in zip(loggers, levels):
                logger.removeHandler(listener)
                logger.setLevel(level)


def flatten(outputs, names=None):
    """Return what a model answered as an ordered list of (name, array); ``names`` are the model's own, where known."""
    if isinstance(outputs, dict):
        keys = sorted(outputs, key=str)
        return [pair for key in keys for pair in _nested(str(key), outputs[key])]
    if isinstance(outputs, (list, tuple)) and not hasattr(outputs, "_fields"):
        if not names or len(names) != len(outputs) or len(set(names)) != len(names):
            names = ["output_%d" % index for index in range(len(outputs))]
        return [pair for name, value in zip(names, outputs) for pair in _nested(str(name), value)]
    return _nested(str(names[0]) if names and len(names) == 1 else "output_0", outputs)


def output_names(model):
    """Return the names a Keras model gives its outputs, or ``None``."""
    names = attribute(_functional(model), "output_names")
    return [str(name) for name in names] if isinstance(names, (list, tuple)) else None


def input_names(model):
    """Return the names of a Keras model's inputs in the order of ``model.inputs``, or ``None``."""
    names = attribute(_functional(model), "input_names")
    if not isinstance(names, (list, tuple)):
        names = [tensor.name for tensor in attribute(model, "inputs") or []]
    return [str(name) for name in names] or None


def input_structure(model):
    """Return how a Keras model takes its inputs: dictionary, list, tuple or tensor; ``None`` if it does not say."""
    return _structure(model, "_inputs_struct", "_nested_inputs")


def model_signature(model):
    """Return what a Keras model states that it takes and gives, or ``None`` where it states nothing."""
    inputs, outputs = attribute(model, "inputs"), attribute(model, "outputs")
    if not inputs or not outputs:
        return None
    return {
        "inputs": _tensors(input_structure(model), inputs, input_names(model)),
        "outputs": _tensors(_structure(model, "_outputs_struct", "_nested_outputs"), outputs, output_names(model)),
    }


def endpoint_signature(endpoint):
    """Return what a SavedModel's signature function states that it takes and gives."""
    positional, named = endpoint.structured_input_signature
    inputs = dict(named) if named else dict(enumerate(positional))
    return {
        "inputs": [_tensor(name, inputs[name]) for name in sorted(inputs, key=str)][:MAX_TENSORS],
        "outputs": [_tensor(name, spec) for name, spec in sorted(endpoint.structured_outputs.items())][:MAX_TENSORS],
    }


class _Listener(logging.Handler):
    """Keeps the loggers' warnings."""

    def __init__(self, heard):
        super().__init__(logging.WARNING)
        self.heard = heard

    def emit(self, record):
        _hear(self.heard, record.levelname, record.getMessage())


def _hear(heard, kind, message):
    text = clean("%s: %s" % (kind, message), MAX_WARNING)
    if len(heard) < MAX_WARNINGS and text not in heard:
        heard.append(text)


def _same(trace):
    return trace


def _class_name(kind):
    return kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)


def _formatted(error):
    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except BaseException as second:  # noqa: BLE001
        return "<its traceback could not be made: %s>" % type(second).__name__


def _is_library(path):
    """Whether a file lies under an entry of sys.path that is neither the standard library's nor this folder."""
    own = os.path.dirname(os.path.abspath(__file__))
    standard = {own, os.getcwd()} | {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    roots = [root for root in sys.path if root and path.startswith(root.rstrip("/") + "/")]
    return bool(roots) and max(roots, key=len).rstrip("/") not in standard and "lib-dynload" not in path


def _nested(name, value):
    if isinstance(value, dict):
        return [pair for key in sorted(value, key=str) for pair in _nested("%s/%s" % (name, key), value[key])]
    if isinstance(value, (list, tuple)):
        return [pair for index, item in enumerate(value) for pair in _nested("%s/%d" % (name, index), item)]
    if hasattr(value, "flat_values") and hasattr(value, "nested_row_splits"):  # ragged
        return _nested(name, {"values": value.flat_values, "row_splits": list(value.nested_row_splits)})
    if hasattr(value, "dense_shape") and hasattr(value, "indices"):  # sparse
        return _nested(name, {"indices": value.indices, "values": value.values, "shape": value.dense_shape})
    return [(name, _array(value))]


def _array(value):
    array = np.asarray(value)
    known = array.dtype.name in wire.NUMERIC or array.dtype.kind in "OSU"
    return array if known else array.astype("float32")  # bfloat16 and the like have no name outside TensorFlow


def attribute(thing, name):
    """Return an attribute, or ``None``: properties of models that were never built raise what they like."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001
        return None


def _functional(model):
    """Return the functional model inside a Keras 3 Sequential, else the model itself."""
    inner = attribute(model, "_functional")
    return model if inner is None else inner


def _structure(model, keras_3, keras_2):
    structure = attribute(_functional(model), keras_3)
    return attribute(model, keras_2) if structure is None else structure


def _tensors(structure, tensors, names):
    """Return tensors with the names their structure gives them: keys, sorted, of a dictionary, else the model's."""
    if isinstance(structure, dict):
        return [_tensor(name, structure[name]) for name in sorted(structure, key=str)][:MAX_TENSORS]
    if not names or len(names) != len(tensors):
        names = [getattr(tensor, "name", str(index)) for index, tensor in enumerate(tensors)]
    return [_tensor(name, tensor) for name, tensor in zip(names, tensors)][:MAX_TENSORS]


def _tensor(name, tensor):
    shape = getattr(tensor, "shape", None)
    try:
        shape = None if shape is None else [None if n is None else int(n) for n in list(shape)]
    except (TypeError, ValueError):  # an unknown rank
        shape = None
    dtype = getattr(tensor, "dtype", "")
    return {"name": clean(str(name), 256), "shape": shape, "dtype": str(getattr(dtype, "name", dtype))}
