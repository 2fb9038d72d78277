"""Gives a model its inputs the way it takes them, so that a mistake of ours never becomes a verdict.

Inputs are kept as an ordered list of (name, array) with the saver's structure. A loaded model may take another one:
Keras 2 may want a list in its own order, a SavedModel's signature wants keywords. Names decide where both sides have
the same names, else the order does.
"""

import observe


class NoEndpoint(Exception):
    """A SavedModel offers nothing to call."""


def as_saved(inputs, structure):
    """Return the inputs as the saver's model takes them: one value, a list, a dictionary or a sparse tensor."""
    if structure == "sparse":
        return _sparse(inputs)
    if structure == "dict":
        return dict(inputs)
    values = [value for _, value in inputs]
    return values[0] if structure == "single" and len(values) == 1 else values


def call_model(tf, model, inputs, structure):
    """Call a Keras model for inference; return its outputs as an ordered list of (name, array)."""
    fed = arranged(tensors(tf, inputs), structure, observe.input_structure(model), observe.input_names(model))
    return observe.flatten(model(fed, training=False), observe.output_names(model))


def call_saved_model(tf, loaded, inputs, structure):
    """Call what ``tf.saved_model.load`` gave, by ``serve`` where it has one, else by its default signature."""
    fed = tensors(tf, inputs)
    if hasattr(loaded, "serve"):
        positional, named = _serve(loaded.serve, fed, structure)
        return observe.flatten(loaded.serve(*positional, **named))
    endpoint = default_endpoint(loaded)
    if endpoint is None:
        raise NoEndpoint("the SavedModel has neither a serve endpoint nor a signature to call")
    positional, named = endpoint.structured_input_signature
    if positional and not named:
        return observe.flatten(endpoint(*[value for _, value in _in_order(fed, structure)]))
    return observe.flatten(endpoint(**_keywords(fed, sorted(named), structure)))


def default_endpoint(loaded):
    """Return the ``serving_default`` signature of a SavedModel, else its only one, else ``None``."""
    signatures = dict(getattr(loaded, "signatures", None) or {})
    if "serving_default" in signatures:
        return signatures["serving_default"]
    return next(iter(signatures.values())) if len(signatures) == 1 else None


def arranged(inputs, structure, taken, names):
    """Return inputs in the structure a model states that it takes, where it states one, else in the saver's.

    ``taken`` is the model's own structure and ``names`` the names of its inputs in its own order, both as far as known.
    """
    if structure == "sparse":  # one tensor, though it travels as three arrays
        inputs, structure = [("sparse", _sparse(inputs))], "single"
    if isinstance(taken, dict):
        return _keywords(inputs, sorted(taken), structure)
    if isinstance(taken, (list, tuple)):
        return [value for _, value in _in_order(inputs, structure, names)]
    if taken is not None and len(inputs) == 1:
        return inputs[0][1]
    return as_saved(inputs, structure)


def _serve(function, inputs, structure):
    """Return the (positional, keyword) arguments for a restored function, as its only trace says that it takes them."""
    traces = list(getattr(function, "concrete_functions", None) or [])
    if len(traces) != 1:
        return [as_saved(inputs, structure)], {}
    positional, named = traces[0].structured_input_signature
    if not positional and named:
        return [], _keywords(inputs, sorted(named), structure)
    if len(positional) == 1:
        taken = positional[0]
        names = [getattr(spec, "name", None) for spec in taken] if isinstance(taken, (list, tuple)) else None
        return [arranged(inputs, structure, taken, names)], {}
    ordered = _in_order(inputs, structure, [getattr(spec, "name", None) for spec in positional])
    return [value for _, value in ordered], {}


def _in_order(inputs, structure, names=None):
    """Return inputs in the order of ``names`` where these are the same, else in the saver's, a dictionary's sorted."""
    by_name = dict(inputs)
    if names and len(names) == len(inputs) and set(names) == set(by_name):
        return [(name, by_name[name]) for name in names]
    return sorted(inputs, key=_name) if structure == "dict" else inputs


def _sparse(inputs):
    """Return the sparse tensor that travelled as ``indices``, ``values`` and ``dense_shape``."""
    import tensorflow as tf

    return tf.sparse.SparseTensor(**dict(inputs))


def _name(pair):
    return pair[0]


def _keywords(inputs, wanted, structure):
    """Return inputs by the names wanted: by name where these are the same, else by position."""
    if set(wanted) == {name for name, _ in inputs} or len(wanted) != len(inputs):
        return dict(inputs)
    return {name: value for name, (_, value) in zip(wanted, _in_order(inputs, structure))}


def tensors(tf, inputs):
    """Return named arrays as named tensors."""
    return [(name, tf.constant(value)) for name, value in inputs]
