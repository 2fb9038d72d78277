"""The canary: the least model there is, with which an environment proves itself."""

from .base import Built, Recipe, normal, stream


def canary(tf):
    """Build the least model there is, with which an environment proves itself."""
    model = tf.keras.Sequential([tf.keras.Input((3,), name="x"), tf.keras.layers.Dense(2, name="y")], name="canary")
    model.compile(optimizer="sgd", loss="mean_squared_error")
    random = stream(11)
    return Built(model, [("x", normal(random, 2, 3))], normal(random, 2, 2), {})


CANARY = Recipe(
    id="canary",
    group="canary",
    title="Canary",
    shows="Whether the environment can save and load anything at all.",
    build=canary,
)
