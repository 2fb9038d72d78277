"""What training leaves in a file: penalties, bounds, starting values, frozen parts, half precision."""

from .base import ROWS, Built, Recipe, classifier, compiled, normal, one_hot, stream


def regularized(tf):
    """Build a model with every kind of object that a layer stores beside its weights."""
    keras = tf.keras
    features = keras.Input((8,), name="features")
    hidden = keras.layers.Dense(
        6,
        activation="tanh",
        kernel_initializer=keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="uniform"),
        bias_initializer=keras.initializers.Constant(0.25),
        kernel_regularizer=keras.regularizers.L1L2(l1=0.001, l2=0.01),
        activity_regularizer=keras.regularizers.L2(0.01),
        kernel_constraint=keras.constraints.MaxNorm(2, axis=0),
        bias_constraint=keras.constraints.NonNeg(),
        name="bounded",
    )(features)
    hidden = keras.layers.Dense(
        5,
        kernel_initializer=keras.initializers.Orthogonal(gain=0.5),
        kernel_regularizer="l2",
        kernel_constraint=keras.constraints.MinMaxNorm(0.1, 1.0, rate=0.9, axis=0),
        name="orthogonal",
    )(hidden)
    random = stream(35)
    model = classifier(tf, features, hidden, "regularized")
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), {})


def frozen_layers(tf):
    """Build a model whose first layers are frozen, as for transfer learning; their statistics stand still."""
    layers = tf.keras.layers
    features = tf.keras.Input((8,), name="features")
    base = layers.Dense(6, name="base")
    norm = layers.BatchNormalization(name="norm")
    hidden = layers.Activation("relu", name="relu")(norm(base(features)))
    hidden = layers.Dense(5, activation="relu", name="hidden")(hidden)
    base.trainable = norm.trainable = False
    random = stream(36)
    model = classifier(tf, features, hidden, "frozen_layers")
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), {})


def mixed_precision(tf):
    """Build a model that computes in half precision and answers in single; the global policy is put back."""
    policies, layers = tf.keras.mixed_precision, tf.keras.layers
    before = policies.global_policy()
    policies.set_global_policy("mixed_float16")
    try:
        features = tf.keras.Input((8,), dtype="float32", name="features")
        hidden = layers.Dense(6, activation="relu", name="hidden")(features)
        hidden = layers.LayerNormalization(name="norm")(hidden)
        label = layers.Dense(3, activation="softmax", dtype="float32", name="label")(hidden)
        model = compiled(tf, features, label, "mixed_precision")
    finally:
        policies.set_global_policy(before)
    random = stream(37)
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), {})


RECIPES = (
    Recipe(
        id="regularized",
        group="training",
        title="Regularizers, constraints, initializers",
        shows="Objects that a layer stores beside its weights, by names and settings that changed.",
        build=regularized,
    ),
    Recipe(
        id="frozen-layers",
        group="training",
        title="Frozen layers",
        shows="Weights that are stored in another order, or expected in another number, when a layer is not trained.",
        build=frozen_layers,
        reference="keras#19491",
    ),
    Recipe(
        id="mixed-precision",
        group="training",
        title="Mixed precision",
        shows="Whether the policy of each layer and the loss scaling around the optimizer come back.",
        build=mixed_precision,
        reference="leondgarse/Keras_insightface#132",
    ),
)
