"""What somebody brought: a model's file as it came, and Python beside it, which is run in a child and nowhere else.

``custom_objects.py`` gives the classes and functions that a loader needs: those that its ``custom_objects()`` returns, or
else all that it defines itself and that are public. ``builder.py`` has ``build_model()``, and perhaps ``sample_inputs()`` and
``custom_objects()``. To the code that loads and saves, all this looks like a recipe.
"""

import contextlib
import glob
import importlib
import inspect
import os
import shutil
import sys
import traceback

import archives
import feed
import invent
import numpy as np
import observe
import recipes
import ways
import wire
import writers

INBOX = os.environ.get("TFMATRIX_INBOX", "/in")
BUILDER, CUSTOM_OBJECTS = "builder", "custom_objects"
SAMPLES, STATED = "sample_inputs", "model"
UNCALLED = "The model states nothing of its inputs, so it was not called. Give inputs as .npz to have it called."


class Unusable(Exception):
    """The Python that was brought does not do what it must; the message says where, or what to change. Not the framework's."""


def recipe(what, workdir, chosen=((), "single")):
    """Return what was brought as a recipe: how its model is built, and its own classes, both only when asked for.

    ``chosen`` is what ``given`` says that somebody gave; a model that is built is called with that.
    """
    own = (
        {}
        if not (what.get(CUSTOM_OBJECTS) or what.get(BUILDER))
        else {"custom_objects": lambda _tf: _objects(what, workdir)}
    )
    return recipes.Recipe(
        id="brought",
        group="brought",
        title="Brought",
        shows="",
        build=lambda _tf: _built(what, workdir, *chosen),
        training_steps=0,
        **own,
    )


def place(cell, workdir):
    """Copy or unpack a brought model into ``workdir`` under the name its format asks for; return the copy's path."""
    what, format_ = cell["brought"], cell["format"]
    path, target = os.path.join(INBOX, cell["artifact"]), os.path.join(workdir, ways.NAMES[format_])
    if what["packing"] != "file":
        archives.unpack(path, what["packing"], what["root"], target)
        return _checkpoint(target) if format_ == "checkpoint" else target
    if format_ == "json+weights":
        os.mkdir(target)
        shutil.copyfile(os.path.join(INBOX, what["architecture"]), os.path.join(target, ways.ARCHITECTURE))
        shutil.copyfile(path, os.path.join(target, _weights_name(path)))
        return target
    if format_ == "weights-h5":
        target = os.path.join(workdir, _weights_name(path))
    shutil.copyfile(path, target)
    return target


def given(asked):
    """Return (inputs, structure) of the frame that a cell or a job names; no inputs where it names none."""
    if not asked.get("inputs"):
        return [], "single"
    with open(os.path.join(INBOX, asked["inputs"]), "rb") as file:
        header, body = wire.unpack(file.read())
    return wire.decode_arrays(header["arrays"], body), header["structure"]


def inputs(loaded, what, workdir):
    """Return (inputs, structure, made) for a model that nobody gave inputs for: the builder's, or made up.

    ``made`` says where they come ``from``, and in ``notes`` what was assumed, or why there are none.
    """
    module = _module(what, BUILDER, workdir)
    if hasattr(module, "sample_inputs"):
        with _own(workdir):
            return _sampled(module.sample_inputs(), observe.input_names(loaded)) + ({"from": SAMPLES, "notes": []},)
    named, structure, notes = _invented(loaded)
    return named, structure, {"from": STATED if named else "", "notes": notes}


def _invented(loaded):
    """Return (inputs, structure, notes) made of what a model states that it takes."""
    signature = observe.model_signature(loaded)
    if signature is None:
        endpoint = feed.default_endpoint(loaded)
        signature = None if endpoint is None else observe.endpoint_signature(endpoint)
    if not signature or not signature["inputs"]:
        return [], "single", [UNCALLED]
    named, notes = invent.invent(signature["inputs"], ranges(loaded))
    structure = observe.input_structure(loaded)
    if structure is None:
        return named, "dict" if len(named) > 1 else "single", notes
    return named, "dict" if isinstance(structure, dict) else "single" if len(named) == 1 else "list", notes


def ranges(model):
    """Return by name which numbers those inputs may hold that an embedding looks up."""
    found = {}
    names, tensors = observe.input_names(model) or [], getattr(model, "inputs", None) or []
    for layer in _layers(model):
        if type(layer).__name__ != "Embedding":
            continue
        for name, tensor in zip(names, tensors):
            if observe.attribute(layer, "input") is tensor:
                found[name] = (0, min(int(layer.input_dim), found.get(name, (0, 1 << 31))[1]))
    return found


def _layers(model):
    return list(observe.attribute(model, "layers") or [])


def _sampled(given, names):
    """Return (inputs, structure) of what ``sample_inputs()`` returned."""
    if isinstance(given, dict):
        return [(str(name), np.asarray(given[name])) for name in given], "dict"
    if isinstance(given, (list, tuple)):
        if not names or len(names) != len(given):
            names = ["input_%d" % place for place in range(len(given))]
        return [(name, np.asarray(value)) for name, value in zip(names, given)], "list"
    return [(names[0] if names else "input_0", np.asarray(given))], "single"


def _built(what, workdir, named, structure):
    module = _module(what, BUILDER, workdir)
    if not hasattr(module, "build_model"):
        raise Unusable("builder.py defines no build_model(). Define it, without arguments; it returns a Keras model.")
    with _own(workdir):
        model = module.build_model()
    if not writers.is_keras(model):
        raise Unusable(
            "build_model() returned %r, which is no Keras model. Return the model itself." % type(model).__name__
        )
    made = None
    if not named:
        named, structure, made = inputs(model, what, workdir)
    return recipes.Built(model, named, None, {}, structure, 0, made)


def _objects(what, workdir):
    found = {}
    for module in (_module(what, BUILDER, workdir), _module(what, CUSTOM_OBJECTS, workdir)):
        if hasattr(module, "custom_objects"):
            with _own(workdir):
                found.update(module.custom_objects())
        elif module is not None and module.__name__ == CUSTOM_OBJECTS:
            found.update(_defined(module))
    return found


def _defined(module):
    """Return the public classes and functions that a module defines itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }


def _module(what, part, workdir):
    """Import one of the Python files, both of which can import each other by these names; ``None`` without it."""
    if not what.get(part):
        return None
    for name in (BUILDER, CUSTOM_OBJECTS):
        path = os.path.join(workdir, name + ".py")
        if what.get(name) and not os.path.exists(path):
            shutil.copyfile(os.path.join(INBOX, what[name]), path)
    if workdir not in sys.path:
        sys.path.insert(0, workdir)
    importlib.invalidate_caches()
    with _own(workdir):
        return importlib.import_module(part)


@contextlib.contextmanager
def _own(workdir):
    """Say of what is raised meanwhile that a person's own Python raised it: in which file and line."""
    try:
        yield
    except (Unusable, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        seen = observe.exception(error)
        raise Unusable("%s: %s: %s" % (_place(error, workdir), seen["class"], seen["message"])) from error


def _place(error, workdir):
    """Return file and line of the innermost frame of theirs."""
    files = {os.path.join(workdir, name + ".py"): name + ".py" for name in (BUILDER, CUSTOM_OBJECTS)}
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        lines.append((error.filename, error.lineno))
    theirs = [(files[name], line) for name, line in lines if name in files]
    return "%s, line %s" % theirs[-1] if theirs else "Your Python"


def _weights_name(path):
    """Return the name under which every Keras reads weights in the layout of this file: it goes by the name.

    Keras before 2.12 knows one layout only; from then on ``.weights.h5`` means the new one.
    """
    import h5py

    with h5py.File(path, "r") as file:
        is_old = "layer_names" in file.attrs or "model_weights" in file
    return ways.OLD_WEIGHTS if is_old else ways.WEIGHTS


def _checkpoint(folder):
    """Give the files of a checkpoint the prefix that is loaded here, if there is one checkpoint alone."""
    found = [name[: -len(".index")] for name in glob.glob(os.path.join(glob.escape(folder), "*.index"))]
    if len(found) == 1:
        for name in glob.glob(glob.escape(found[0]) + ".*"):
            os.rename(name, os.path.join(folder, ways.PREFIX) + name[len(found[0]) :])
    return folder
