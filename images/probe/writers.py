"""The formats: how a model is written to disk in each, and how what was written becomes bytes."""

import io
import os
import sys
import tarfile

import observe
import ways

ZIP_MAGIC, HDF5_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


class Absent(Exception):
    """This version never had the format; the message says so."""


def is_keras(model):
    """Whether this is a Keras model, and not a plain ``tf.Module``, which has neither training nor formats of Keras."""
    return hasattr(model, "train_on_batch")


def absence(model, format_):
    """Return why this version cannot have the format at all, as far as that is known before the save, or ``None``."""
    if format_ not in WRITERS:
        return "there is no format named %r" % (format_,)
    if not is_keras(model):
        return None
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
    if is_keras(model):
        model.save(path, save_format="tf")
    else:
        import tensorflow as tf

        tf.saved_model.save(model, path, signatures={"serving_default": model.serve})
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


def _weights_h5(model, folder):
    path = os.path.join(folder, ways.WEIGHTS)
    model.save_weights(path)
    return path


def _checkpoint(model, folder):
    """Write what Keras 2 writes for ``save_weights("name")``, by the means that Keras 3 has as well."""
    import tensorflow as tf

    path = os.path.join(folder, "model")
    tf.train.Checkpoint(model).write(os.path.join(path, ways.PREFIX))
    return path


def _json_weights(model, folder):
    path = os.path.join(folder, "model")
    os.mkdir(path)
    with open(os.path.join(path, ways.ARCHITECTURE), "w") as file:
        file.write(model.to_json())
    model.save_weights(os.path.join(path, ways.WEIGHTS))
    return path


WRITERS = {
    "weights-h5": _weights_h5,
    "json+weights": _json_weights,
    "checkpoint": _checkpoint,
    "savedmodel": _savedmodel,
    "export": _export,
    "keras": _keras,
    "h5": _h5,
}
READ_ONLY = frozenset(["weights-h5", "json+weights", "checkpoint"])


def turn(format_):
    """Return a format's place in the order of saves: what only reads the model comes first, h5 last."""
    return list(WRITERS).index(format_) if format_ in WRITERS else len(WRITERS)


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
        limits = (format(size, ","), format(room, ","))
        raise observe.TooLarge("it has %s bytes; no more than %s are taken out of a sandbox" % limits)


def _magic(path):
    with open(path, "rb") as file:
        return file.read(8)
