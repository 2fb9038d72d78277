"""Loads one artifact one way and climbs: opened, deserialized, signature read, called. Says what it saw, judges nothing."""

import os
import shutil
import tarfile
import time
import zipfile

import feed
import observe
import recipes
import wire

NAMES = {"h5": "model.h5", "keras": "model.keras", "savedmodel": "model", "export": "model"}
METHODS = ("default", "custom_objects", "saved_model.load")


def load(job, workdir):
    """Return (header, body) for a load job: the body is the outputs' bytes."""
    if job["format"] not in NAMES or job["method"] not in METHODS:
        return {"unsupported": "there is no format %r loaded by %r" % (job["format"], job["method"])}, b""
    climb = _Climb()
    with observe.listening() as heard:
        try:
            outputs = climb.up(job, workdir)
        except BaseException as error:  # noqa: BLE001  a model may raise SystemExit, and that is a finding too
            climb.header["exception"] = observe.exception(error)
            outputs = []
    specs, body = wire.encode_arrays(outputs)
    return dict(climb.header, outputs=specs, warnings=heard), body


class _Climb:
    """One load, rung by rung; ``header`` says how far it got."""

    def __init__(self):
        self.header = {"reached": "nothing", "steps": {}, "signature": None}

    def up(self, job, workdir):
        """Climb as far as it goes; return the outputs."""
        import tensorflow as tf

        observe.keep_tracebacks()
        with self.rung("opened"):
            path = copied(job["artifact"], job["is_tar"], os.path.join(workdir, NAMES[job["format"]]))
            opened(path, job["format"])
        with self.rung("deserialized"):
            loaded = LOADERS[job["method"]](tf, path, job["model"])
        self.header["signature"] = _signature(loaded)
        names, inputs, structure = observe.output_names(loaded), *_inputs(job["inputs"])
        with self.rung("called"):
            return observe.flatten(_call(tf, loaded, inputs, structure), names)

    def rung(self, name):
        """Time a rung, and count it as reached when nothing was raised."""
        return _Rung(self.header, name)


class _Rung:
    def __init__(self, header, name):
        self.header, self.name = header, name

    def __enter__(self):
        self.started = time.perf_counter()

    def __exit__(self, kind, *_):
        self.header["steps"][self.name] = round(time.perf_counter() - self.started, 6)
        if kind is None:
            self.header["reached"] = self.name


def copied(artifact, is_tar, path):
    """Make a private copy: a framework may write beside what it reads, and the inbox is read-only."""
    if not is_tar:
        shutil.copyfile(artifact, path)
        return path
    with tarfile.open(artifact) as archive:
        for member in archive:
            _unpack(archive, member, path)
    return path


def _unpack(archive, member, root):
    """Unpack a regular file or a folder inside ``root``; anything else is refused."""
    target = os.path.normpath(os.path.join(root, member.name))
    if not (target + os.sep).startswith(root + os.sep) or not (member.isfile() or member.isdir()):
        raise ValueError("the archive holds %r, which is neither a file nor a folder inside it" % member.name)
    if member.isdir():
        os.makedirs(target, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with archive.extractfile(member) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file)


def opened(path, format_):
    """Open the container that the format says it is."""
    if format_ == "h5":
        import h5py

        h5py.File(path, "r").close()
    elif format_ == "keras":
        zipfile.ZipFile(path).close()
    else:
        with open(os.path.join(path, "saved_model.pb"), "rb") as file:
            file.read()


def _default(tf, path, _model):
    return tf.keras.models.load_model(path)


def _custom_objects(tf, path, model):
    return tf.keras.models.load_model(path, custom_objects=recipes.find(model).custom_objects(tf))


def _saved_model(tf, path, _model):
    return tf.saved_model.load(path)


LOADERS = {"default": _default, "custom_objects": _custom_objects, "saved_model.load": _saved_model}


def _inputs(path):
    """Return (named arrays, structure) of a stored frame of inputs."""
    with open(path, "rb") as file:
        header, body = wire.unpack(file.read())
    return wire.decode_arrays(header["arrays"], body), header["structure"]


def _endpoint(loaded):
    """Return the signature that serves, of what ``tf.saved_model.load`` gave."""
    signatures = getattr(loaded, "signatures", {})
    return signatures["serving_default"] if "serving_default" in signatures else None


def _signature(loaded):
    if hasattr(loaded, "layers"):
        return observe.model_signature(loaded)
    endpoint = _endpoint(loaded)
    return None if endpoint is None else observe.endpoint_signature(endpoint)


def _call(tf, loaded, inputs, structure):
    """Ask the model. An exported one has ``serve``, its documented way; an older file only its signature."""
    if hasattr(loaded, "layers"):
        return loaded(feed.arranged(tf, inputs, structure, loaded), training=False)
    if hasattr(loaded, "serve"):
        return loaded.serve(feed.arranged(tf, inputs, structure))
    endpoint = _endpoint(loaded)
    names = sorted(endpoint.structured_input_signature[1])
    given = dict(inputs)
    if set(names) != set(given):
        given = dict(zip(names, given.values()))
    return endpoint(**{name: tf.convert_to_tensor(array) for name, array in given.items()})
