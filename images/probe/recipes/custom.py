"""Code of the user's own: a subclassed model, a registered class, a loss and a metric.

What ``custom_objects`` gives is made without building the model: a loader calls it.
"""

from .base import ROWS, Built, Recipe, classifier, normal, one_hot, stream

PACKAGE = "tfmatrix"


def subclassed_model(tf):
    """Build a model that is a class, with the computation in ``call``."""
    objects = subclassed_model_objects(tf)
    model = objects["TwoLayers"](units=6, name="subclassed_model")
    model.compile(optimizer="sgd", loss="categorical_crossentropy")
    random = stream(32)
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), objects)


def subclassed_model_objects(tf):
    """Return the class of ``subclassed-model``, written as the guides ask."""

    class TwoLayers(tf.keras.Model):
        """Two dense layers; the base class's own configuration is not asked for, in Keras 2 it raises."""

        def __init__(self, units=4, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.hidden = tf.keras.layers.Dense(units, activation="relu", name="hidden")
            self.label = tf.keras.layers.Dense(3, activation="softmax", name="label")

        def call(self, inputs):
            """Return the classes' shares."""
            return self.label(self.hidden(inputs))

        def compute_output_shape(self, input_shape):
            """Return three shares for each row."""
            return (input_shape[0], 3)

        def get_config(self):
            """Return the settings from which the model is made again."""
            return {"name": self.name, "units": self.units}

        @classmethod
        def from_config(cls, config, custom_objects=None):  # noqa: ARG003  Keras hands it over
            """Make the model again; Keras 2's own way is for functional models."""
            return cls(**config)

    return {"TwoLayers": TwoLayers}


def registered_class(tf):
    """Build a model with a layer that is registered, so that a file names it with its package."""
    objects = registered_class_objects(tf)
    layers = tf.keras.layers
    features = tf.keras.Input((8,), name="features")
    hidden = objects["Gate"](units=5, name="gate")(layers.Dense(8, name="hidden")(features))
    random = stream(33)
    model = classifier(tf, features, hidden, "registered_class")
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), objects)


def registered_class_objects(tf):
    """Return the class that ``registered-class`` needs, and register it: once, for Keras 2 refuses a second time."""
    known = tf.keras.utils.get_registered_object(PACKAGE + ">Gate")
    if known is not None:
        return {"Gate": known}

    class Gate(tf.keras.layers.Layer):
        """``tanh(x a) * sigmoid(x b)`` with weights of its own."""

        def __init__(self, units=4, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            """Make both matrices."""
            shape = (int(input_shape[-1]), self.units)
            self.value = self.add_weight(name="value", shape=shape, initializer="glorot_uniform")
            self.gate = self.add_weight(name="gate", shape=shape, initializer="glorot_uniform")
            super().build(input_shape)

        def call(self, inputs):
            """Return what the gate lets through."""
            return tf.math.tanh(tf.matmul(inputs, self.value)) * tf.math.sigmoid(tf.matmul(inputs, self.gate))

        def compute_output_shape(self, input_shape):
            """Return as many values as the layer has units."""
            return (*input_shape[:-1], self.units)

        def get_config(self):
            """Return the settings from which the layer is made again."""
            return dict(super().get_config(), units=self.units)

    return {"Gate": tf.keras.utils.register_keras_serializable(package=PACKAGE)(Gate)}


def custom_loss_metric(tf):
    """Build a regression of built-in layers with a loss and a metric of the user's own."""
    objects = custom_loss_metric_objects(tf)
    features = tf.keras.Input((8,), name="features")
    hidden = tf.keras.layers.Dense(5, activation="relu", name="hidden")(features)
    model = tf.keras.Model(features, tf.keras.layers.Dense(1, name="price")(hidden), name="custom_loss_metric")
    metric = objects["LargestError"](scale=2.0, name="largest_error")
    model.compile(optimizer="sgd", loss=objects["pinball"], metrics=[metric])
    random = stream(34)
    return Built(model, [("features", normal(random, ROWS, 8))], normal(random, ROWS, 1), objects)


def custom_loss_metric_objects(tf):
    """Return the loss, a function, and the metric, a class, of ``custom-loss-metric``."""

    def pinball(y_true, y_pred):
        """Return a loss for which too little is nine times as bad as too much."""
        error = tf.cast(y_true, y_pred.dtype) - y_pred
        return tf.reduce_mean(tf.maximum(0.9 * error, -0.1 * error), axis=-1)

    class LargestError(tf.keras.metrics.Metric):
        """The largest error seen, times a setting."""

        def __init__(self, scale=1.0, name="largest_error", **kwargs):
            super().__init__(name=name, **kwargs)
            self.scale = scale
            self.largest = self.add_weight(name="largest", shape=(), initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002  Keras hands it over
            """Look at one more batch."""
            error = tf.reduce_max(tf.abs(tf.cast(y_true, y_pred.dtype) - y_pred)) * self.scale
            self.largest.assign(tf.maximum(tf.convert_to_tensor(self.largest), error))

        def result(self):
            """Return the largest error so far."""
            return tf.convert_to_tensor(self.largest)

        def get_config(self):
            """Return the settings from which the metric is made again."""
            return dict(super().get_config(), scale=self.scale)

    return {"pinball": pinball, "LargestError": LargestError}


RECIPES = (
    Recipe(
        id="subclassed-model",
        group="custom",
        title="Subclassed model",
        shows="A model that is code: formats that refuse it, and weights that wait for variables to be made.",
        build=subclassed_model,
        custom_objects=subclassed_model_objects,
        reference="tensorflow#44240",
    ),
    Recipe(
        id="registered-class",
        group="custom",
        title="Registered custom layer",
        shows="A class named with its package, which is found only where the code that registers it has run.",
        build=registered_class,
        custom_objects=registered_class_objects,
        reference="tensorflow#43721",
    ),
    Recipe(
        id="custom-loss-metric",
        group="custom",
        title="Custom loss and metric",
        shows="A model of built-in layers that does not load because of what it was compiled with.",
        build=custom_loss_metric,
        custom_objects=custom_loss_metric_objects,
        reference="keras#16124",
    ),
)
