"""Builds a canonical model, trains it a step, asks it, and saves it in each format a job names.

Every save is tried on its own and reported on its own: what the framework wrote leaves as bytes, a folder as a
canonical tar. ``unsupported`` is for a version that never had the format; a format that a version has and that raises
is ``save-failed``.
"""

import io
import os
import random
import sys
import tarfile

import feed
import numpy as np
import observe
import recipes
import wire

ZIP_MAGIC, HDF5_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
SEED = 20260101
FAILED = {"save": "saving", "rebuild": "making the model anew"}


class Absent(Exception):
    """This version never had the format; the message says so."""


def save(job, workdir):
    """Return (header, body) for a save job: the body is inputs, outputs, then artifacts in the order of ``saves``."""
    recipe = recipes.find(job["model"])
    if recipe is None:
        return {"unsupported": "there is no recipe named %r" % (job["model"],)}, b""
    steps = {}
    try:
        with observe.listening() as heard:
            header, built, body = _first(recipe, steps)
    except recipes.Unsupported as reason:
        return {"unsupported": str(reason)}, b""
    except BaseException as error:  # noqa: BLE001  a model may raise SystemExit, and that is a finding too
        seen = observe.exception(error)
        return {"exception": seen, "at": observe.under_way(steps) or "call", "steps": steps, "warnings": heard}, b""
    header["warnings"], header["saves"] = heard, []
    makers = _Makers(recipe, built)
    for format_ in job["formats"]:
        entry, artifact = _saved(makers, format_, workdir, job["limits"]["body"] - len(body))
        header["saves"].append(entry)
        body += artifact
    return header, body


def _first(recipe, steps):
    """Build, train and call the model; return (header, built, bytes of inputs and outputs)."""
    import tensorflow as tf

    observe.keep_tracebacks()
    built = _trained(tf, recipe, steps)
    with observe.timed(steps, "call"):
        outputs = feed.call_model(tf, built.model, built.inputs, built.structure)
    inputs, raw_inputs = wire.encode_arrays(built.inputs)
    outputs, raw_outputs = wire.encode_arrays(outputs)
    header = {
        "structure": built.structure,
        "inputs": inputs,
        "outputs": outputs,
        "signature": observe.model_signature(built.model),
        "steps": steps,
    }
    return header, built, raw_inputs + raw_outputs


class _Makers:
    """Gives each save a model of its own, all with the same weights: a save may change the model it saves.

    Keras 3 takes the optimizer out of a model's compile settings when it saves it as h5, and each later file lacks it.
    """

    def __init__(self, recipe, built):
        self.recipe, self.unused = recipe, built.model
        self.sample, self.weights = built.model, built.model.get_weights()

    def fresh(self, steps):
        """Return a model that nothing was done to since it was trained and called; the first is there already."""
        model, self.unused = self.unused, None
        return self._again(steps) if model is None else model

    def _again(self, steps):
        import tensorflow as tf

        with observe.timed(steps, "rebuild"):
            tf.keras.backend.clear_session()
            model = _trained(tf, self.recipe, {}).model
            model.set_weights(self.weights)
        return model


def _trained(tf, recipe, steps):
    with observe.timed(steps, "build"):
        _seed(tf)
        built = recipe.build(tf)
    with observe.timed(steps, "train"):
        _train(built)
    return built


def _seed(tf):
    """Make weights repeatable within a version: each Keras draws from another of the three."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  the framework draws from this one
    tf.random.set_seed(SEED)


def _train(built):
    """Train the steps the recipe asks for, eagerly: tracing a graph for one step costs ten times the step."""
    fed = feed.as_saved(built.inputs, built.structure)
    built.model.run_eagerly = True
    for _ in range(built.training_steps):
        built.model.train_on_batch(fed, built.targets)
    built.model.run_eagerly = False


def _saved(makers, format_, workdir, room):
    """Return (entry, artifact bytes) of one save; never raises."""
    entry = {"format": format_, "is_tar": False, "length": 0, "steps": {}, "warnings": []}
    folder = os.path.join(workdir, "saved-" + str(format_).replace("/", "-"))
    try:
        reason = _absence(makers.sample, format_)
        if reason:
            raise Absent(reason)
        os.mkdir(folder)
        model = makers.fresh(entry["steps"])
        with observe.listening() as entry["warnings"], observe.timed(entry["steps"], "save"):
            path = WRITERS[format_](model, folder)
        artifact = canonical(path, room)
    except Absent as reason:
        return dict(entry, outcome="unsupported", reason=str(reason), steps={}), b""
    except BaseException as error:  # noqa: BLE001
        seen = observe.exception(error)
        reason = "%s raised %s" % (
            FAILED.get(observe.under_way(entry["steps"]), "reading what was saved"),
            seen["class"],
        )
        return dict(entry, outcome="save-failed", reason=reason, exception=seen), b""
    return dict(entry, outcome="saved", reason=None, is_tar=os.path.isdir(path), length=len(artifact)), artifact


def _absence(model, format_):
    """Return why this version cannot have the format at all, as far as that is known before the save, or ``None``."""
    if format_ not in WRITERS:
        return "there is no format named %r" % (format_,)
    if format_ == "savedmodel" and keras_version(model) >= (3,):
        return "Keras %d.%d cannot save a whole model as a SavedModel, only export one" % keras_version(model)
    if format_ == "export" and not hasattr(model, "export"):
        return "Keras %d.%d has no model.export, it came with 2.13" % keras_version(model)
    return None


def _h5(model, folder):
    path = os.path.join(folder, "model.h5")
    model.save(path)
    return path


def _savedmodel(model, folder):
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
    magic = _magic(path)
    if not magic.startswith(ZIP_MAGIC):
        found = "HDF5" if magic == HDF5_MAGIC else "something else"
        raise Absent("Keras %d.%d writes %s under the name model.keras, not a zip" % (version + (found,)))
    return path


def _export(model, folder):
    path = os.path.join(folder, "model")
    model.export(path)
    return path


WRITERS = {"h5": _h5, "savedmodel": _savedmodel, "keras": _keras, "export": _export}


def keras_version(model):
    """Return (major, minor) of the Keras that the model's class comes from."""
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
            if (os.path.isdir(whole) or os.path.isfile(whole)) and not os.path.islink(whole):
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


def _magic(path):
    with open(path, "rb") as file:
        return file.read(8)
