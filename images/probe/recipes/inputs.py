"""Inputs that are not a batch of float32: integers of several kinds, double precision, sparse."""

from .base import ROWS, Built, Recipe, classifier, normal, one_hot, preprocessing, stream


def multi_dtype(tf):
    """Build a model whose inputs each have another dtype."""
    layers = tf.keras.layers
    pixels = tf.keras.Input((4, 4), dtype="uint8", name="pixels")
    product = tf.keras.Input((1,), dtype="int64", name="product")
    weekday = tf.keras.Input((1,), dtype="int32", name="weekday")
    amount = tf.keras.Input((3,), dtype="float64", name="amount")
    parts = [
        layers.Flatten(name="flat_pixels")(preprocessing(tf, "Rescaling")(1 / 255.0, name="rescaling")(pixels)),
        layers.Flatten(name="flat_product")(layers.Embedding(9, 4, name="product_embedding")(product)),
        layers.Flatten(name="flat_weekday")(layers.Embedding(7, 2, name="weekday_embedding")(weekday)),
        layers.Dense(3, activation="tanh", name="hidden")(amount),
    ]
    taken = {"pixels": pixels, "product": product, "weekday": weekday, "amount": amount}
    model = classifier(tf, taken, layers.Concatenate(name="joined")(parts), "multi_dtype")
    random = stream(38)
    inputs = [
        ("pixels", random.randint(0, 256, (ROWS, 4, 4)).astype("uint8")),
        ("product", random.randint(0, 9, (ROWS, 1)).astype("int64")),
        ("weekday", random.randint(0, 7, (ROWS, 1)).astype("int32")),
        ("amount", random.standard_normal((ROWS, 3))),
    ]
    return Built(model, inputs, one_hot(random, 3), {}, "dict")


def sparse_input(tf):
    """Build a classifier of mostly empty rows, as bags of words are; its input travels as three arrays."""
    import numpy as np

    words = tf.keras.Input((20,), sparse=True, name="words")
    hidden = tf.keras.layers.Dense(5, activation="tanh", name="hidden")(words)
    random = stream(39)
    places = np.array([[0, 2], [0, 17], [1, 5], [2, 0], [2, 9], [2, 19], [3, 11]], dtype="int64")
    inputs = [
        ("indices", places),
        ("values", normal(random, len(places))),
        ("dense_shape", np.array([ROWS, 20], dtype="int64")),
    ]
    return Built(classifier(tf, words, hidden, "sparse_input"), inputs, one_hot(random, 3), {}, "sparse")


RECIPES = (
    Recipe(
        id="multi-dtype",
        group="inputs",
        title="Inputs of several dtypes",
        shows="Whether each input keeps its dtype; a loader that makes all of them float32 refuses, or rounds.",
        build=multi_dtype,
        reference="tensorflow#45269",
    ),
    Recipe(
        id="sparse-input",
        group="inputs",
        title="Sparse input",
        shows="Whether the mark sparse on an input layer survives, and what a signature makes of a sparse tensor.",
        build=sparse_input,
        reference="tensorflow#60212",
    ),
)
