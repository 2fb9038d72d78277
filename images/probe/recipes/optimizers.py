"""Optimizers: what each keeps for every weight, and the settings that a file names it by.

Three steps are trained, so that the slots hold something.
"""

from .base import ROWS, Built, Recipe, normal, stream

STEPS = 3


def rmsprop(tf):
    """Build a regression trained with RMSprop, centered and with momentum, so that it has all of its three slots."""
    optimizer = tf.keras.optimizers.RMSprop(learning_rate=0.01, rho=0.8, momentum=0.9, centered=True)
    return _regression(tf, optimizer, "rmsprop", 12)


def sgd_momentum(tf):
    """Build a regression trained with SGD that keeps a velocity."""
    optimizer = tf.keras.optimizers.SGD(learning_rate=0.01, momentum=0.9, nesterov=True)
    return _regression(tf, optimizer, "sgd_momentum", 13)


def learning_rate_schedule(tf):
    """Build a regression whose learning rate is an object of its own in the compile settings."""
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.9, staircase=True)
    return _regression(tf, tf.keras.optimizers.SGD(learning_rate=schedule), "learning_rate_schedule", 14)


def _regression(tf, optimizer, name, seed):
    features = tf.keras.Input((8,), name="features")
    hidden = tf.keras.layers.Dense(6, activation="relu", name="hidden")(features)
    price = tf.keras.layers.Dense(1, name="price")(hidden)
    model = tf.keras.Model(features, price, name=name)
    model.compile(optimizer=optimizer, loss="mean_squared_error")
    random = stream(seed)
    inputs = [("features", normal(random, ROWS, 8))]
    return Built(model, inputs, normal(random, ROWS, 1), {}, training_steps=STEPS)


RECIPES = (
    Recipe(
        id="rmsprop",
        group="optimizers",
        title="RMSprop, centered and with momentum",
        shows="Whether RMSprop's three slots and its old settings (decay, epsilon) stop a model from loading.",
        build=rmsprop,
        reference="keras#17752",
        training_steps=STEPS,
    ),
    Recipe(
        id="sgd-momentum",
        group="optimizers",
        title="SGD with Nesterov momentum",
        shows="Whether SGD's velocity survives, and a SavedModel with slots still opens (add_slot).",
        build=sgd_momentum,
        reference="tensorflow#52370",
        training_steps=STEPS,
    ),
    Recipe(
        id="learning-rate-schedule",
        group="optimizers",
        title="Learning rate schedule",
        shows="Whether an object inside the optimizer's settings is made again, which a plain number never asks.",
        build=learning_rate_schedule,
        training_steps=STEPS,
    ),
)
