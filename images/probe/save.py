"""Builds a canonical model, trains it a step, asks it, and saves it in each format a job names.

Every save is tried on its own and reported on its own: what the framework wrote leaves as bytes, a folder as a
canonical tar. ``unsupported`` is for a version that never had the format; a format that a version has and that raises
is ``save-failed``.
"""

import os
import random
import shutil

import brought
import feed
import numpy as np
import observe
import recipes
import ways
import wire
import writers

SEED = 20260101
FAILED = {"save": "saving", "rebuild": "making the model anew"}


def save(job, workdir):
    """Return (header, body) for a save job: the body is inputs, outputs, then artifacts in the order of ``saves``."""
    what = job.get("brought")
    recipe = brought.recipe(what, workdir, brought.given(job)) if what else recipes.find(job["model"])
    if recipe is None:
        return {"unsupported": "there is no recipe named %r" % (job["model"],)}, b""
    steps = {}
    try:
        with observe.listening() as heard:
            header, built, body = _first(recipe, steps, what, job["limits"]["body"])
    except recipes.Unsupported as reason:
        return {"unsupported": str(reason)}, b""
    except BaseException as error:  # noqa: BLE001  a model may raise SystemExit, and that is a finding too
        return broken_off(error, steps, heard), b""
    header["warnings"] = heard
    return in_formats(_makers(recipe, built), job, workdir, header, body)


def broken_off(error, steps, heard):
    """Return what is said of a job that raised before anything could be saved."""
    seen = observe.exception(error)
    return {"exception": seen, "at": observe.under_way(steps) or "call", "steps": steps, "warnings": heard}


def in_formats(makers, job, workdir, header, body):
    """Return (header, body) with what came of the formats that a job names.

    Each may have all the room that there is. What does not fit beside those before it is left out: the host asks for it again.
    """
    if header.get("notes"):  # nothing is here that what is saved could be held to
        why = " ".join(header["notes"])
        header["saves"] = [dict(_entry(format_), outcome="too-large", reason=why) for format_ in job["formats"]]
        return header, body
    header["saves"] = []
    room = left = job["limits"]["body"] - len(body)
    least = 0
    for format_ in sorted(job["formats"], key=writers.turn):
        if least > left:  # every format holds the weights, so it would be saved for nothing
            continue
        entry, artifact = _saved(makers, format_, workdir, room)
        if artifact:
            least = min(least or len(artifact), len(artifact))
        if len(artifact) <= left:
            header["saves"].append(entry)
            body += artifact
            left -= len(artifact)
    return header, body


def _first(recipe, steps, what, room):
    """Build, train and call the model; return (header, built, bytes of inputs and outputs)."""
    import tensorflow as tf

    observe.keep_tracebacks()
    built = _trained(tf, recipe, steps)
    if what and not built.inputs:
        raise brought.Unusable(
            "Nothing is known of what the model takes. Define sample_inputs() in builder.py; it returns an array, a list of "
            "arrays or a dictionary of them. Or give inputs as .npz."
        )
    with observe.timed(steps, "call"):
        outputs = ways.call(tf, built.model, "default", built.inputs, built.structure)
    _settle(recipe, built.model)
    header, body = asked(built.model, built.inputs, built.structure, outputs, room)
    return dict(header, steps=steps, made=built.made), built, body


def asked(model, inputs, structure, outputs, room):
    """Return (header, body) with what a model was given and what it answered, or why there is no room for it."""
    inputs, raw_inputs = wire.encode_arrays(inputs)
    outputs, raw_outputs = wire.encode_arrays(outputs)
    header = {
        "structure": structure,
        "inputs": inputs,
        "outputs": outputs,
        "signature": observe.model_signature(model),
        "notes": [],
    }
    size = len(raw_inputs) + len(raw_outputs)
    if size > room:
        return dict(header, inputs=[], outputs=[], notes=[observe.too_large(size, room)]), b""
    return header, raw_inputs + raw_outputs


class Makers:
    """Gives each save of a whole model one of its own: a save may change what it saves.

    Keras 3 takes the optimizer out of a model's compile settings when it saves it as h5, and each later file lacks it.
    Saves that only read weights or settings share the first model with the first save of a whole one. ``again`` makes
    another model like the first; without it the first serves for all. ``formats`` are those that make sense, all where it is
    ``None``; ``why`` says what is wrong with another.
    """

    def __init__(self, model, again, formats=None, why="%s has no meaning for this model"):
        self.sample, self.formats, self.why = model, formats, why
        self._unused, self._again = model, again

    def model(self, format_, steps):
        """Return the model to save: one that nothing was done to since it was trained and called."""
        if format_ in writers.READ_ONLY or self._again is None:
            return self.sample
        model, self._unused = self._unused, None
        if model is None:
            with observe.timed(steps, "rebuild"):
                model = self._again()
        return model


def _makers(recipe, built):
    """Return makers of a recipe's model; a further one is built and trained anew and given the first one's weights."""
    if not writers.is_keras(built.model):
        return Makers(built.model, None, recipe.formats)
    weights = built.model.get_weights()

    def again():
        import tensorflow as tf

        tf.keras.backend.clear_session()
        made = _trained(tf, recipe, {})
        model = made.model
        if len(model.get_weights()) != len(weights):  # a subclassed one has none before it is called
            ways.call(tf, model, "default", made.inputs, made.structure)
        model.set_weights(weights)
        return model

    return Makers(built.model, again, recipe.formats)


def _trained(tf, recipe, steps):
    with observe.timed(steps, "build"):
        _seed(tf)
        built = recipe.build(tf)
    with observe.timed(steps, "train"):
        _train(tf, recipe, built)
    _settle(recipe, built.model)
    return built


def _seed(tf):
    """Make weights repeatable within a version: each Keras draws from another of the three."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  the framework draws from this one
    tf.random.set_seed(SEED)


def _train(tf, recipe, built):
    """Train the steps the recipe asks for, eagerly: tracing a graph for one step costs ten times the step."""
    if recipe.training_steps:
        built.model.run_eagerly = True
        for _ in range(recipe.training_steps):
            train_step(tf, built.model, built)
        built.model.run_eagerly = False


def train_step(tf, model, built):
    """Train a model one step on its recipe's inputs and targets; return the losses."""
    return model.train_on_batch(feed.as_saved(feed.tensors(tf, built.inputs), built.structure), built.targets)


def _settle(recipe, model):
    """Make a stateful model forget: a file holds weights, and what it answers must not depend on earlier calls."""
    if recipe.settle is not None:
        recipe.settle(model)


def _entry(format_):
    return {"format": format_, "is_tar": False, "length": 0, "steps": {}, "warnings": []}


def _saved(makers, format_, workdir, room):
    """Return (entry, artifact bytes) of one save; never raises."""
    entry = _entry(format_)
    folder = os.path.join(workdir, "saved-" + str(format_).replace("/", "-"))
    try:
        if makers.formats is not None and format_ not in makers.formats:
            return dict(entry, outcome="not-applicable", reason=makers.why % format_), b""
        reason = writers.absence(makers.sample, format_)
        if reason:
            raise writers.Absent(reason)
        os.mkdir(folder)
        model = makers.model(format_, entry["steps"])
        with observe.listening() as entry["warnings"], observe.timed(entry["steps"], "save"):
            path = writers.WRITERS[format_](model, folder)
        is_tar, artifact = os.path.isdir(path), writers.canonical(path, room)
    except writers.Absent as reason:
        return dict(entry, outcome="unsupported", reason=str(reason), steps={}), b""
    except observe.TooLarge as reason:
        return dict(entry, outcome="too-large", reason=str(reason)), b""
    except BaseException as error:  # noqa: BLE001
        seen = observe.exception(error)
        reason = "%s raised %s" % (
            FAILED.get(observe.under_way(entry["steps"]), "reading what was saved"),
            seen["class"],
        )
        return dict(entry, outcome="save-failed", reason=reason, exception=seen), b""
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # there is room for copies of one file, not for one in each format
    return dict(entry, outcome="saved", reason=None, is_tar=is_tar, length=len(artifact)), artifact
