"""Arranges stored inputs the way a model takes them. A mistake here would become a verdict, so a model is believed first."""

import observe


def arranged(tf, inputs, structure, model=None):
    """Return inputs as ``model(...)`` takes them.

    ``inputs`` is an ordered list of (name, array) and ``structure`` how the saver's model took them: "single", "list" or
    "dict". A loaded model that states its own structure is given that: Keras 3 sorts dictionaries, Keras 2 may flatten them.
    """
    tensors = [(name, tf.convert_to_tensor(array)) for name, array in inputs]
    stated = observe.input_structure(model) if model is not None else None
    if isinstance(stated, dict):
        return _keyed(tensors, stated)
    if isinstance(stated, (list, tuple)):
        return _ordered(tensors, observe.input_names(model))
    if structure == "dict":
        return dict(tensors)
    if structure == "list":
        return [tensor for _, tensor in tensors]
    return tensors[0][1]


def _keyed(tensors, stated):
    """Return a dictionary with the model's keys: by name where the names are the same, else in order."""
    by_name = dict(tensors)
    if set(by_name) == set(stated):
        return by_name
    return {key: tensor for key, (_, tensor) in zip(stated, tensors)}


def _ordered(tensors, names):
    """Return a list in the model's order where it names the same inputs, else in the saver's."""
    by_name = dict(tensors)
    if names and set(names) == set(by_name):
        return [by_name[name] for name in names]
    return [tensor for _, tensor in tensors]
