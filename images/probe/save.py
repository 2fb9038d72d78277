"""Builds a canonical model, trains it a step, asks it, and saves it in each format a job names.

Every save is tried on its own and reported on its own: what the framework wrote leaves as bytes, a folder as a
canonical tar. ``unsupported`` is for a version that never had the format; a format that a version has and that raises
is ``save-failed``.
"""

import os
import random

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
    for format_ in sorted(job["formats"], key=writers.turn):
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
        outputs = ways.call(tf, built.model, "default", built.inputs, built.structure)
    _settle(recipe, built.model)
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
    """Gives each save of a whole model one of its own, all with the same weights: a save may change what it saves.

    Keras 3 takes the optimizer out of a model's compile settings when it saves it as h5, and each later file lacks it.
    Saves that only read weights or settings share the first model with the first save of a whole one.
    """

    def __init__(self, recipe, built):
        self.recipe, self.unused, self.sample = recipe, built.model, built.model
        self.weights = built.model.get_weights() if writers.is_keras(built.model) else None

    def model(self, format_, steps):
        """Return the model to save: one that nothing was done to since it was trained and called."""
        if format_ in writers.READ_ONLY or self.weights is None:
            return self.sample
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


def _saved(makers, format_, workdir, room):
    """Return (entry, artifact bytes) of one save; never raises."""
    entry = {"format": format_, "is_tar": False, "length": 0, "steps": {}, "warnings": []}
    folder = os.path.join(workdir, "saved-" + str(format_).replace("/", "-"))
    try:
        if makers.recipe.formats is not None and format_ not in makers.recipe.formats:
            return dict(entry, outcome="not-applicable", reason="%s has no meaning for this model" % format_), b""
        reason = writers.absence(makers.sample, format_)
        if reason:
            raise writers.Absent(reason)
        os.mkdir(folder)
        model = makers.model(format_, entry["steps"])
        with observe.listening() as entry["warnings"], observe.timed(entry["steps"], "save"):
            path = writers.WRITERS[format_](model, folder)
        artifact = writers.canonical(path, room)
    except writers.Absent as reason:
        return dict(entry, outcome="unsupported", reason=str(reason), steps={}), b""
    except BaseException as error:  # noqa: BLE001
        seen = observe.exception(error)
        reason = "%s raised %s" % (
            FAILED.get(observe.under_way(entry["steps"]), "reading what was saved"),
            seen["class"],
        )
        return dict(entry, outcome="save-failed", reason=reason, exception=seen), b""
    return dict(entry, outcome="saved", reason=None, is_tar=os.path.isdir(path), length=len(artifact)), artifact
