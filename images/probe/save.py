"""Builds a canonical model, trains it a step, asks it, and saves it in each format a job names.

Every save is tried on its own and reported on its own: what the framework wrote leaves as bytes, a folder as a canonical tar.
``unsupported`` is for a version that never had the format; a format that a version has and that raises is ``save-failed``.
"""

import io
import os
import random
import tarfile
import time
import zipfile

import feed
import numpy as np
import observe
import recipes
import wire

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
SEED = 20260101


class Absent(Exception):
    """This version never had the format; the message says so."""


def save(job, workdir):
    """Return (header, body) for a save job: the body is inputs, outputs, then each artifact in the order of ``saves``."""
    recipe = recipes.find(job["model"])
    if recipe is None:
        return {"unsupported": "there is no recipe named %r" % (job["model"],)}, b""
    steps = {}
    try:
        header, built, body = _prepared(recipe, steps)
    except recipes.Unsupported as reason:
        return {"unsupported": str(reason)}, b""
    except BaseException as error:  # noqa: BLE001  a model may raise SystemExit, and that is a finding too
        observe.keep_tracebacks()
        return {"exception": observe.exception(error), "at": _stage(steps), "steps": steps}, b""
    header["saves"] = []
    for format_ in job["formats"]:
        entry, artifact = _saved(built.model, format_, workdir, job["limits"]["body"] - len(body))
        header["saves"].append(entry)
        body += artifact
    return header, body


def _prepared(recipe, steps):
    """Build, train and call the model; return (header, built, bytes of inputs and outputs)."""
    import tensorflow as tf

    observe.keep_tracebacks()
    _seed(tf)
    with observe.listening() as heard:
        with _timed(steps, "build"):
            built = recipe.build(tf)
        with _timed(steps, "train"):
            _train(built)
        with _timed(steps, "call"):
            fed = feed.arranged(tf, built.inputs, built.structure)
            outputs = observe.flatten(built.model(fed, training=False), observe.output_names(built.model))
    inputs, raw_inputs = wire.encode_arrays(built.inputs)
    outputs, raw_outputs = wire.encode_arrays(outputs)
    header = {
        "structure": built.structure,
        "inputs": inputs,
        "outputs": outputs,
        "signature": observe.model_signature(built.model),
        "steps": steps,
        "warnings": heard,
    }
    return header, built, raw_inputs + raw_outputs


def _seed(tf):
    """Make weights repeatable within a version: each Keras draws from another of the three."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  the framework draws from this one
    tf.random.set_seed(SEED)


def _train(built):
    """Train the steps the recipe asks for, eagerly: tracing a graph for one step costs ten times the step."""
    inputs = {name: array for name, array in built.inputs} if built.structure == "dict" else [a for _, a in built.inputs]
    built.model.run_eagerly = True
    for _ in range(built.training_steps):
        built.model.train_on_batch(inputs[0] if built.structure == "single" else inputs, built.targets)
    built.model.run_eagerly = False


def _saved(model, format_, workdir, room):
    """Return (entry, artifact bytes) of one save; never raises."""
    entry = {"format": format_, "is_tar": False, "length": 0, "steps": {}, "warnings": []}
    writer = WRITERS.get(format_)
    if writer is None:
        return dict(entry, outcome="unsupported", reason="there is no format named %r" % (format_,)), b""
    folder = os.path.join(workdir, "saved-" + format_)
    try:
        os.mkdir(folder)
        with observe.listening() as entry["warnings"], _timed(entry["steps"], "save"):
            path = writer(model, folder)
        artifact = canonical(path, room)
    except Absent as reason:
        return dict(entry, outcome="unsupported", reason=str(reason)), b""
    except BaseException as error:  # noqa: BLE001
        seen = observe.exception(error)
        reason = "saving raised %s" % seen["class"]
        return dict(entry, outcome="save-failed", reason=reason, exception=seen), b""
    return dict(entry, outcome="saved", reason=None, is_tar=os.path.isdir(path), length=len(artifact)), artifact


def _h5(model, folder):
    path = os.path.join(folder, "model.h5")
    model.save(path)
    return path


def _savedmodel(model, folder):
    version = keras_version(model)
    if version >= (3,):
        raise Absent("Keras %d.%d cannot save a whole model as a SavedModel, only export one" % version)
    path = os.path.join(folder, "model")
    model.save(path, save_format="tf")
    return path


def _keras(model, folder):
    """Save the zip, and believe the bytes: up to 2.11 the same call writes HDF5 without a word."""
    path = os.path.join(folder, "model.keras")
    version = keras_version(model)
    options = {"save_format": "keras_v3"} if version == (2, 12) else {}
    try:
        model.save(path, **options)
    except Exception as error:
        if version < (2, 12):
            raise Absent("Keras %d.%d has no .keras zip: %s" % (version + (error,))) from error
        raise
    if not zipfile.is_zipfile(path):
        raise Absent("Keras %d.%d writes %s under the name model.keras, not a zip" % (version + (_container(path),)))
    return path


def _export(model, folder):
    if not hasattr(model, "export"):
        raise Absent("Keras %d.%d has no model.export, it came with 2.13" % keras_version(model))
    path = os.path.join(folder, "model")
    model.export(path)
    return path


WRITERS = {"h5": _h5, "savedmodel": _savedmodel, "keras": _keras, "export": _export}


def keras_version(model):
    """Return (major, minor) of the Keras that the model's class comes from."""
    import sys

    for kind in type(model).__mro__:
        version = getattr(sys.modules.get(kind.__module__.split(".")[0]), "__version__", None)
        if kind.__name__ == "Model" and version:
            major, minor = version.split(".")[:2]
            return int(major), int(minor)
    raise LookupError("the model's Keras does not state its version")


def canonical(path, room):
    """Return one file's bytes, or a folder's canonical tar: sorted, no times or owners, files and folders only."""
    if not os.path.isdir(path):
        _check(os.path.getsize(path), room)
        with open(path, "rb") as file:
            return file.read()
    members = sorted(_members(path))
    _check(sum(os.path.getsize(os.path.join(path, name)) + 1024 for name in members), room)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in members:
            _add(archive, path, name)
    return buffer.getvalue()


def _members(root):
    """Yield the relative names of all regular files and folders below ``root``."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            whole = os.path.join(folder, name)
            if os.path.isdir(whole) or os.path.isfile(whole):
                if not os.path.islink(whole):
                    yield os.path.relpath(whole, root)


def _add(archive, root, name):
    member = tarfile.TarInfo(name)  # times, owners and groups are zero already
    whole = os.path.join(root, name)
    if os.path.isdir(whole):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(member)
        return
    member.size = os.path.getsize(whole)
    with open(whole, "rb") as file:
        archive.addfile(member, file)


def _check(size, room):
    if size > room:
        raise observe.TooLarge("the artifact has %d bytes, and the job has room for %d" % (size, room))


def _container(path):
    with open(path, "rb") as file:
        return "HDF5" if file.read(8) == HDF5_MAGIC else "something else"


def _stage(steps):
    """Return the step that was under way: a step is entered with no time, and timed when it ends."""
    return next((name for name, seconds in steps.items() if seconds is None), "call")


class _timed:
    """Times a step of work into ``steps``; a step that raises keeps ``None``."""

    def __init__(self, steps, name):
        self.steps, self.name, self.started = steps, name, time.perf_counter()
        steps[name] = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.steps[self.name] = round(time.perf_counter() - self.started, 6)
