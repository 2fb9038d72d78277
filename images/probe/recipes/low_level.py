"""Below the layers: TensorFlow's own operations in a functional model, and a module that is no Keras model at all."""

from .base import ROWS, Built, Recipe, Unsupported, classifier, normal, one_hot, stream


def raw_ops(tf):
    """Build a functional model that uses TensorFlow's operations between its layers."""
    features = tf.keras.Input((8,), name="features")
    hidden = tf.keras.layers.Dense(6, name="hidden")(features)
    try:
        scaled = tf.math.tanh(hidden) * 2.0
        joined = tf.concat([scaled, tf.reduce_mean(hidden, axis=1, keepdims=True)], axis=-1)
    except ValueError as error:
        if "KerasTensor" not in str(error):
            raise
        raise Unsupported("Keras 3 takes no TensorFlow operation on a tensor of a functional model") from error
    random = stream(40)
    model = classifier(tf, features, joined, "raw_ops")
    return Built(model, [("features", normal(random, ROWS, 8))], one_hot(random, 3), {})


def tf_module(tf):
    """Build a ``tf.Module`` with a signature. It is called as ``module.serve(features)``, which answers a dictionary.

    Saved by ``tf.saved_model.save(module, path, signatures={"serving_default": module.serve})``, or as a checkpoint by
    ``tf.train.Checkpoint(model=module)``. It has no ``train_on_batch`` and is not trained.
    """

    class Scorer(tf.Module):
        """A matrix, a bias and a table; TensorFlow alone, no Keras."""

        def __init__(self, weights, name):
            super().__init__(name=name)
            self.weights = tf.Variable(weights, name="weights")
            self.bias = tf.Variable([0.5, -0.5], name="bias")
            self.calls = tf.Variable(0, dtype="int64", trainable=False, name="calls")
            ranks = tf.lookup.KeyValueTensorInitializer(tf.constant([0, 1], "int64"), tf.constant(["low", "high"]))
            self.ranks = tf.lookup.StaticHashTable(ranks, "unknown")

        @tf.function(input_signature=[tf.TensorSpec([None, 4], "float32", name="features")])
        def serve(self, features):
            """Return the scores of each row, and the better one's name."""
            scores = tf.math.softplus(tf.matmul(features, self.weights) + self.bias)
            return {"scores": scores, "rank": self.ranks.lookup(tf.argmax(scores, axis=1))}

    random = stream(41)
    module = Scorer(normal(random, 4, 2), "tf_module")
    return Built(module, [("features", normal(random, ROWS, 4))], None, {}, training_steps=0)


RECIPES = (
    Recipe(
        id="raw-ops",
        group="low-level",
        title="TensorFlow operations between layers",
        shows="Operations that Keras 2 stores as TFOpLambda layers and Keras 3 neither makes nor reads.",
        build=raw_ops,
        reference="hyunnamlee/RAPUNet#4",
    ),
    Recipe(
        id="tf-module",
        group="low-level",
        title="A tf.Module with a signature",
        shows="What TensorFlow alone keeps across versions: variables, a table and a traced function, without any Keras.",
        build=tf_module,
        formats=("savedmodel", "checkpoint"),
        training_steps=0,
    ),
)
