"""Structure: models within models, a layer used twice, and parts of tensors."""

from .base import ROWS, Built, Recipe, classifier, normal, one_hot, stream


def nested_models(tf):
    """Build a model that uses a functional model and a Sequential as its layers."""
    layers = tf.keras.layers
    inner = tf.keras.Input((8,), name="inner_features")
    encoder = tf.keras.Model(inner, layers.Dense(5, activation="tanh", name="code")(inner), name="encoder")
    head = tf.keras.Sequential(
        [tf.keras.Input((5,), name="inner_code"), layers.Dense(4, activation="relu", name="hidden")], name="head"
    )
    features = tf.keras.Input((8,), name="features")
    model = classifier(tf, features, head(encoder(features)), "nested_models")
    random = stream(29)
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), {})


def shared_layer(tf):
    """Build twins: one layer reads both sides of a list, and their difference has a sign."""
    layers = tf.keras.layers
    left, right = tf.keras.Input((6,), name="left"), tf.keras.Input((6,), name="right")
    encoder = layers.Dense(5, activation="tanh", name="encoder")
    difference = layers.Subtract(name="difference")([encoder(left), encoder(right)])
    model = classifier(tf, [left, right], difference, "shared_layer")
    random = stream(30)
    inputs = [("left", normal(random, ROWS, 6)), ("right", normal(random, ROWS, 6))]
    return Built(model, inputs, one_hot(random, 3), {}, "list")


def slicing(tf):
    """Build a model that takes parts of its input by Python's own brackets."""
    layers = tf.keras.layers
    series = tf.keras.Input((6, 4), name="series")
    parts = [series[:, 0], series[:, -1], series[:, 1:5:2, 2]]
    model = classifier(tf, series, layers.Concatenate(name="joined")(parts), "slicing")
    random = stream(31)
    return Built(model, [("series", normal(random, ROWS, 6, 4))], one_hot(random, 3), {})


RECIPES = (
    Recipe(
        id="nested-models",
        group="structure",
        title="Models within a model",
        shows="A Sequential within a functional model that is made again wrongly, and weights that go by nested names.",
        build=nested_models,
        reference="keras#19959",
    ),
    Recipe(
        id="shared-layer",
        group="structure",
        title="A layer used twice, on a list of inputs",
        shows="Whether one layer stays one, and which of two equal inputs is the first.",
        build=shared_layer,
        reference="keras#20813",
    ),
    Recipe(
        id="slicing",
        group="structure",
        title="Slices of a tensor",
        shows="Operators that a version stores as layers of its own (SlicingOpLambda, GetItem) and another does not know.",
        build=slicing,
        reference="tensorflow#37298",
    ),
)
