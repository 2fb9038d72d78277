"""What is tried with a loaded model beyond the top rung. Says what it saw; the host makes marks of it.

In this order: saving again cannot change what follows; the optimizer is looked at before a step moves it; the model
that takes the step is thrown away with its process.
"""

import os

import observe
import save
import writers


def tried(tf, model, format_, recipe, workdir):
    """Return what came of saving again, of the optimizer's state, and of a training step."""
    found = {"saved_again": _attempt(lambda: _save(model, format_, workdir))}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return dict(found, optimizer=None, trained_step={"ok": False, "why": "the loaded model has no optimizer"})
    found["optimizer"] = _optimizer(optimizer)
    found["trained_step"] = _attempt(lambda: _step(tf, model, recipe))
    return found


def _save(model, format_, workdir):
    folder = os.path.join(workdir, "again")
    os.mkdir(folder)
    path = writers.WRITERS[format_](model, folder)
    if not writers.canonical(path, 1 << 30):
        raise ValueError("what was saved again is empty")


def _optimizer(optimizer):
    """Return the steps that the optimizer counts, and how many of its slots exist and how many hold anything.

    Keras 2 makes slots when they are first needed; what a file holds for them then waits unseen.
    """
    import numpy as np

    iterations = getattr(optimizer, "iterations", None)
    variables = optimizer.variables
    variables = [np.asarray(v) for v in (variables() if callable(variables) else variables)]
    slots = [v for v in variables if v.ndim]
    return {
        "iterations": None if iterations is None else int(np.asarray(iterations)),
        "slots": len(slots),
        "filled": sum(bool(np.any(v)) for v in slots),
    }


def _step(tf, model, recipe):
    import numpy as np

    built = recipe.build(tf)
    before = [np.array(v) for v in model.get_weights()]
    model.run_eagerly = True
    losses = save.train_step(tf, model, built)
    if not np.all(np.isfinite(np.asarray(losses, dtype="float64"))):
        raise ValueError("the loss is not finite: %r" % (losses,))
    if all(np.array_equal(a, b) for a, b in zip(before, model.get_weights())):
        raise ValueError("the step changed no weight")


def _attempt(act):
    try:
        act()
    except BaseException as error:  # noqa: BLE001
        seen = observe.exception(error)
        return {"ok": False, "why": "%s: %s" % (seen["class"], seen["message"][:600])}
    return {"ok": True, "why": None}
