"""The methods: how an artifact of each format becomes something that can be called, and how that is called.

What a person would write, and no more: a method is a line of code that people find in the guides.
"""

import os

import feed
import observe

PREFIX = "weights"
WEIGHTS = "model.weights.h5"
OLD_WEIGHTS = "model.h5"
ARCHITECTURE = "model.json"
NAMES = {
    "h5": "model.h5",
    "savedmodel": "model",
    "keras": "model.keras",
    "export": "model",
    "weights-h5": WEIGHTS,
    "checkpoint": "model",
    "json+weights": "model",
}
FOLDERS = frozenset(["savedmodel", "export", "checkpoint", "json+weights"])
REBUILT = frozenset(["weights", "checkpoint.read"])
METHODS = {
    "h5": frozenset(["default", "compile=False", "custom_objects", "safe_mode=False", "weights"]),
    "keras": frozenset(["default", "compile=False", "custom_objects", "safe_mode=False", "weights"]),
    "savedmodel": frozenset(["default", "compile=False", "custom_objects", "weights", "TFSMLayer", "saved_model.load"]),
    "export": frozenset(["saved_model.load", "TFSMLayer"]),
    "weights-h5": frozenset(["weights"]),
    "checkpoint": frozenset(["weights", "checkpoint.read"]),
    "json+weights": frozenset(["default", "custom_objects", "weights"]),
}


def load(tf, path, cell, recipe, rebuilt):
    """Return what the cell's method makes of the artifact at ``path``.

    ``recipe`` may be ``None`` but for methods that need custom objects or a model; ``rebuilt`` is that model.
    """
    format_, method = cell["format"], cell["method"]
    if method == "saved_model.load":
        return tf.saved_model.load(path)
    if method == "TFSMLayer":
        endpoint = "serve" if format_ == "export" else "serving_default"
        return tf.keras.layers.TFSMLayer(path, call_endpoint=endpoint)
    if method == "weights":
        rebuilt.load_weights(_weights(path, format_))
        return rebuilt
    if method == "checkpoint.read":
        # Without the question at its end a file that fits nothing is read without a word.
        tf.train.Checkpoint(rebuilt).read(os.path.join(path, PREFIX)).assert_existing_objects_matched()
        return rebuilt
    options = _options(tf, method, recipe)
    if format_ == "json+weights":
        return _from_json(tf, path, options)
    return tf.keras.models.load_model(path, **options)


def call(tf, loaded, method, inputs, structure):
    """Call what a method gave; return its outputs as an ordered list of (name, array)."""
    if method == "TFSMLayer":
        return observe.flatten(loaded(feed.as_saved(feed.tensors(tf, inputs), structure)))
    if method == "saved_model.load" or not isinstance(loaded, tf.keras.layers.Layer):
        return feed.call_saved_model(tf, loaded, inputs, structure)
    return feed.call_model(tf, loaded, inputs, structure)


def _options(tf, method, recipe):
    """Return the arguments of the loader: every way beyond the default also gives a model its own classes."""
    options = {"compile=False": {"compile": False}, "safe_mode=False": {"safe_mode": False}}.get(method, {})
    if method != "default" and recipe is not None and recipe.needs_custom_objects:
        return dict(options, custom_objects=recipe.custom_objects(tf))
    return options


def _weights(path, format_):
    """Return the path that ``load_weights`` is given."""
    inside = {
        "savedmodel": os.path.join("variables", "variables"),
        "checkpoint": PREFIX,
        "json+weights": weights_within(path),
    }
    return os.path.join(path, inside[format_]) if format_ in inside else path


def weights_within(folder):
    """Return the name of the file of weights in a folder: Keras tells the layout by it, and brought ones may be old."""
    return OLD_WEIGHTS if os.path.exists(os.path.join(folder, OLD_WEIGHTS)) else WEIGHTS


def _from_json(tf, path, options):
    with open(os.path.join(path, ARCHITECTURE)) as file:
        model = tf.keras.models.model_from_json(file.read(), **options)
    model.load_weights(os.path.join(path, weights_within(path)))
    return model
