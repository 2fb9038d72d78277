"""Loads artifacts and says of each how far it got. Compares nothing: the host judges.

The rungs are ``opened`` (the container can be read), ``deserialized`` (the framework gave an object) and ``called`` (it
answered the inputs). A cell works on a private copy: Keras 3.4.0 writes beside the file it reads, and a sandbox must
never make a verdict.

A job names one cell or several. Several share this process, one after the other; the host lets only what is beyond
doubt count of them (docs/method.md).
"""

import errno
import os
import shutil
import zipfile

import archives
import brought
import feed
import marks
import observe
import recipes
import ways
import wire

INBOX = os.environ.get("TFMATRIX_INBOX", "/in")


class NoRoom(Exception):
    """The sandbox's disk cannot hold a copy of what is to be loaded. Ours: nothing is said of the model."""


def load(job, workdir):
    """Return (header, body) for a load job: a header for each of its cells, and the bytes of all outputs."""
    if len(job["cells"]) > 1 and any(cell.get("brought") for cell in job["cells"]):
        reason = "what was brought is loaded in a process of its own"
        return {"cells": [{"unsupported": reason, "length": 0} for _ in job["cells"]]}, b""
    headers, bodies, room = [], [], job["limits"]["body"]
    for number, cell in enumerate(job["cells"]):
        if number:
            _forget(workdir)
        header, body = load_cell(cell, workdir, room)
        room -= len(body)
        headers.append(dict(header, length=len(body)))
        bodies.append(body)
    return {"cells": headers}, b"".join(bodies)


def load_cell(cell, workdir, room):
    """Return (header, body) of one cell; the body is the outputs' bytes, of which there is room for so many.

    Before them come the bytes of the inputs, where these had to be made.
    """
    reason = unsupported(cell)
    if reason:
        return {"unsupported": reason}, b""
    header = {"notes": [], "reached": "nothing", "steps": {}, "signature": None, "outputs": [], "warnings": []}
    body = []
    with observe.listening() as header["warnings"]:
        try:
            _climb(cell, workdir, header, body, room)
        except NoRoom as reason:
            return {"unsupported": str(reason)}, b""
        except BaseException as error:  # noqa: BLE001  SystemExit, RecursionError and the like are findings too
            header["exception"] = observe.exception(error)
    observe.under_way(header["steps"])
    return header, b"".join(body)


def private_copy(path, is_tar, workdir, format_):
    """Copy an artifact into ``workdir`` under the name its format asks for; return the copy's path."""
    target = os.path.join(workdir, ways.NAMES[format_])
    if is_tar != (format_ in ways.FOLDERS):
        raise archives.UnsafeArchive(
            "%s is %s" % (format_, "one file, and this is a tar" if is_tar else "a folder, and this is a file")
        )
    if is_tar:
        archives.untar(path, target)
    else:
        shutil.copyfile(path, target)
    return target


def _forget(workdir):
    """Leave as little as may be of the cell before: its files, and what Keras counts and keeps globally."""
    import tensorflow as tf

    for entry in os.scandir(workdir):
        shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    tf.keras.backend.clear_session()


def unsupported(cell):
    """Return why this probe does not know what the cell asks, or ``None``; touches no file."""
    format_, method = cell["format"], cell["method"]
    if format_ not in ways.METHODS:
        return "there is no format named %r" % (format_,)
    if method not in ways.METHODS[format_]:
        return "%s is not loaded by %r" % (format_, method)
    what = cell.get("brought")
    if what:
        return _not_brought(what, method)
    recipe = recipes.find(cell.get("model"))
    if method == "custom_objects" and (recipe is None or not recipe.needs_custom_objects):
        return "no custom objects are known for %r" % (cell.get("model"),)
    if method in ways.REBUILT and recipe is None:
        return "there is no recipe named %r to build anew" % (cell.get("model"),)
    return None


def _not_brought(what, method):
    if method == "custom_objects" and not (what["custom_objects"] or what["builder"]):
        return "no custom objects were brought"
    if method in ways.REBUILT and not what["builder"]:
        return "no builder was brought to build the model anew"
    return None


def _climb(cell, workdir, header, body, room):
    """Climb rung by rung, writing into ``header`` what is reached and into ``body`` the bytes that go with it."""
    import tensorflow as tf

    inputs, structure = brought.given(cell)
    what, recipe = cell.get("brought"), recipe_of(cell, workdir)
    loaded = made_of(tf, cell, recipe, copied(cell, workdir), header)
    header["signature"] = _signature(loaded, cell["method"])
    if what and not inputs:
        inputs, structure, header["made"] = _made(loaded, what, workdir, body)
    if not inputs:
        return
    with observe.timed(header["steps"], "called"):
        outputs = ways.call(tf, loaded, cell["method"], inputs, structure)
    header["reached"] = "called"
    _pack(outputs, header, body, room)
    if cell.get("marks"):
        header["marks"] = marks.tried(tf, loaded, cell["format"], recipe, workdir)


def recipe_of(cell, workdir):
    """Return the recipe of a cell's model, or ``None``."""
    what = cell.get("brought")
    return brought.recipe(what, workdir, brought.given(cell)) if what else recipes.find(cell.get("model"))


def copied(cell, workdir):
    """Make a cell's private copy; return its path."""
    try:
        if cell.get("brought"):
            return brought.place(cell, workdir)
        return private_copy(os.path.join(INBOX, cell["artifact"]), cell["is_tar"], workdir, cell["format"])
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoRoom("the sandbox has no room for a copy of the file (%s)" % error.strerror) from error


def made_of(tf, cell, recipe, path, header):
    """Return what the framework makes of a copy, writing into ``header`` how far it gets."""
    steps = header["steps"]
    with observe.timed(steps, "opened"):
        _open(path, cell["format"])
    header["reached"] = "opened"
    observe.keep_tracebacks()
    rebuilt = None
    if cell["method"] in ways.REBUILT:
        with observe.timed(steps, "rebuilt"):
            rebuilt = recipe.build(tf).model
    with observe.timed(steps, "deserialized"):
        loaded = ways.load(tf, path, cell, recipe, rebuilt)
    header["reached"] = "deserialized"
    return loaded


def _made(loaded, what, workdir, body):
    """Make the inputs that nobody gave; return (inputs, structure, what is said of them), their bytes in ``body``."""
    inputs, structure, made = brought.inputs(loaded, what, workdir)
    specs, raw = wire.encode_arrays(inputs)
    body.append(raw)
    return inputs, structure, dict(made, arrays=specs, structure=structure)


def _open(path, format_):
    """Read the container itself, without the framework's loader."""
    if format_ in ("savedmodel", "export"):
        from tensorflow.core.protobuf import saved_model_pb2

        with open(os.path.join(path, "saved_model.pb"), "rb") as file:
            saved_model_pb2.SavedModel().ParseFromString(file.read())
    elif format_ == "keras":
        with zipfile.ZipFile(path) as archive:
            archive.namelist()
    elif format_ == "checkpoint":
        import tensorflow as tf

        tf.train.load_checkpoint(os.path.join(path, ways.PREFIX)).get_variable_to_shape_map()
    else:
        import h5py

        with h5py.File(
            os.path.join(path, ways.weights_within(path)) if format_ == "json+weights" else path, "r"
        ) as file:
            list(file)


def _signature(loaded, method):
    """Return what the loaded thing states of itself; what it cannot state is no failure of the load."""
    try:
        if method != "saved_model.load":
            return observe.model_signature(loaded)
        endpoint = feed.default_endpoint(loaded)
        return None if endpoint is None else observe.endpoint_signature(endpoint)
    except Exception:  # noqa: BLE001
        return None


def _pack(outputs, header, body, room):
    """Put answers into a cell's report; where there is no room for them, why they are not there."""
    specs, raw = wire.encode_arrays(outputs)
    room -= sum(map(len, body))
    if len(raw) > room:
        header["notes"].append(observe.too_large(len(raw), room))
        return
    header["outputs"] = specs
    body.append(raw)
