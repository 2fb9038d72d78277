"""Loads an artifact by one method and says how far it got. Compares nothing: the host judges.

The rungs are ``opened`` (the container can be read), ``deserialized`` (the framework gave an object) and ``called`` (it
answered the inputs). A cell works on a private copy: Keras 3.4.0 writes beside the file it reads, and a sandbox must
never make a verdict.
"""

import os
import shutil
import tarfile
import zipfile

import feed
import observe
import recipes
import wire

NAMES = {"h5": "model.h5", "keras": "model.keras", "savedmodel": "model", "export": "model"}
FOLDERS = frozenset(["savedmodel", "export"])
METHODS = frozenset(["default", "custom_objects", "saved_model.load"])
INBOX = os.environ.get("TFMATRIX_INBOX", "/in")


class UnsafeArchive(Exception):
    """A tar with members that no save of ours would have. Ours, not the framework's."""


def load(job, workdir):
    """Return (header, body) for a load job; the body is the outputs' bytes."""
    reason = _unsupported(job)
    if reason:
        return {"unsupported": reason}, b""
    header = {"reached": "nothing", "steps": {}, "signature": None, "outputs": [], "warnings": []}
    body = b""
    with observe.listening() as header["warnings"]:
        try:
            body = _climb(job, workdir, header)
        except BaseException as error:  # noqa: BLE001  SystemExit, RecursionError and the like are findings too
            header["exception"] = observe.exception(error)
    observe.under_way(header["steps"])
    return header, body


def private_copy(path, is_tar, workdir, format_):
    """Copy an artifact into ``workdir`` under the name its format asks for; return the copy's path."""
    target = os.path.join(workdir, NAMES[format_])
    if is_tar != (format_ in FOLDERS):
        raise UnsafeArchive(
            "%s is %s" % (format_, "one file, and this is a tar" if is_tar else "a folder, and this is a file")
        )
    if is_tar:
        untar(path, target)
    else:
        shutil.copyfile(path, target)
    return target


def untar(path, target):
    """Unpack regular files and folders, and refuse a tar with anything else, or with a member that leads outside."""
    os.mkdir(target)
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            parts = member.name.split("/")
            if member.name.startswith("/") or ".." in parts or "\0" in member.name:
                raise UnsafeArchive("the tar has a member that leads outside: %r" % member.name)
            place = os.path.join(target, *[part for part in parts if part not in ("", ".")])
            if member.isdir():
                os.makedirs(place, exist_ok=True)
            elif member.isreg() and not member.issparse():
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "xb") as file:
                    shutil.copyfileobj(archive.extractfile(member), file)
            else:
                raise UnsafeArchive("the tar has a member that is neither file nor folder: %r" % member.name)


def _unsupported(job):
    """Return why this probe does not know what the job asks, or ``None``; touches no file."""
    format_, method = job["format"], job["method"]
    if format_ not in NAMES:
        return "there is no format named %r" % (format_,)
    if method not in METHODS:
        return "there is no method named %r" % (method,)
    if method == "saved_model.load" and format_ not in FOLDERS:
        return "saved_model.load reads folders, and %s is one file" % format_
    if method == "custom_objects":
        recipe = recipes.find(job.get("model"))
        if recipe is None or not recipe.needs_custom_objects:
            return "no custom objects are known for %r" % (job.get("model"),)
    return None


def _climb(job, workdir, header):
    """Climb rung by rung, writing into ``header`` what is reached; return the outputs' bytes."""
    inputs, structure = _inputs(job)
    path = private_copy(os.path.join(INBOX, job["artifact"]), job["is_tar"], workdir, job["format"])
    steps = header["steps"]
    with observe.timed(steps, "opened"):
        _open(path, job["format"])
    header["reached"] = "opened"
    import tensorflow as tf

    observe.keep_tracebacks()
    plain = job["method"] == "saved_model.load"
    with observe.timed(steps, "deserialized"):
        loaded = tf.saved_model.load(path) if plain else _load_model(tf, path, job)
    header["reached"] = "deserialized"
    header["signature"] = _signature(loaded, plain)
    if not inputs:
        return b""
    with observe.timed(steps, "called"):
        outputs = (feed.call_saved_model if plain else feed.call_model)(tf, loaded, inputs, structure)
    header["reached"] = "called"
    return _packed(outputs, header, job["limits"]["body"])


def _inputs(job):
    """Return (inputs, structure) of the frame the job names; no inputs where it names none."""
    if not job.get("inputs"):
        return [], "single"
    with open(os.path.join(INBOX, job["inputs"]), "rb") as file:
        header, body = wire.unpack(file.read())
    return wire.decode_arrays(header["arrays"], body), header["structure"]


def _open(path, format_):
    """Read the container itself, without the framework's loader."""
    if format_ == "h5":
        import h5py

        with h5py.File(path, "r") as file:
            list(file)
    elif format_ == "keras":
        with zipfile.ZipFile(path) as archive:
            archive.namelist()
    else:
        from tensorflow.core.protobuf import saved_model_pb2

        with open(os.path.join(path, "saved_model.pb"), "rb") as file:
            saved_model_pb2.SavedModel().ParseFromString(file.read())


def _load_model(tf, path, job):
    if job["method"] == "custom_objects":
        return tf.keras.models.load_model(path, custom_objects=recipes.find(job["model"]).custom_objects(tf))
    return tf.keras.models.load_model(path)


def _signature(loaded, plain):
    """Return what the loaded thing states of itself; what it cannot state is no failure of the load."""
    try:
        if not plain:
            return observe.model_signature(loaded)
        endpoint = feed.default_endpoint(loaded)
        return None if endpoint is None else observe.endpoint_signature(endpoint)
    except Exception:  # noqa: BLE001
        return None


def _packed(outputs, header, room):
    specs, body = wire.encode_arrays(outputs)
    if len(body) > room:
        raise observe.TooLarge("the outputs have %d bytes, and the job has room for %d" % (len(body), room))
    header["outputs"] = specs
    return body
