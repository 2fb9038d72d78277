"""Loads a model, calls it, and only then saves it again in each format a job names: answered as a save is.

Nothing trains it. What was loaded answers before it is saved, so each file has inputs and outputs to be held to.
"""

import brought
import load
import observe
import save
import ways
import writers

NO_KERAS = "what was loaded is no Keras model, and only such can be saved as %s"


def again(job, workdir):
    """Return (header, body) for a job that saves what a cell loads: the body is as a save's."""
    cell = job["cell"]
    reason = load.unsupported(cell)
    if reason:
        return {"unsupported": reason}, b""
    reached = {"steps": {}}
    try:
        with observe.listening() as heard:
            header, makers, body = _first(cell, workdir, reached, job["limits"]["body"])
    except BaseException as error:  # noqa: BLE001
        return save.broken_off(error, reached["steps"], heard), b""
    header.update(warnings=heard, steps=reached["steps"])
    return save.in_formats(makers, job, workdir, header, body)


def _first(cell, workdir, reached, room):
    """Load and call the model; return (header, what gives each save a model, bytes of inputs and outputs)."""
    import tensorflow as tf

    recipe, path = load.recipe_of(cell, workdir), load.copied(cell, workdir)
    loaded = load.made_of(tf, cell, recipe, path, reached)
    inputs, structure = brought.given(cell)
    if not inputs:
        inputs, structure, made = brought.inputs(loaded, cell["brought"] or {}, workdir)
        if not inputs:
            raise brought.Unusable(" ".join(made["notes"]))
    with observe.timed(reached["steps"], "called"):
        outputs = ways.call(tf, loaded, cell["method"], inputs, structure)
    header, body = save.asked(loaded, inputs, structure, outputs, room)
    if not writers.is_keras(loaded):
        return header, save.Makers(loaded, None, (), NO_KERAS), body

    def anew():
        tf.keras.backend.clear_session()
        return load.made_of(tf, cell, recipe, path, {"steps": {}})

    return header, save.Makers(loaded, anew), body
