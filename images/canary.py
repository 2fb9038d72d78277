"""Proves that an environment works: builds, trains, saves, loads and calls a model in every format its version has.

Runs inside the build with the environment's own Python, hence the syntax of 3.8. Exits with an error if anything fails.
"""

import os
import tempfile

import numpy as np
import tensorflow as tf


def build():
    """Return a small model of the layers that most models have."""
    inputs = tf.keras.Input((8, 8, 1), name="image")
    hidden = tf.keras.layers.Conv2D(2, 3, activation="relu")(inputs)
    hidden = tf.keras.layers.BatchNormalization()(hidden)
    hidden = tf.keras.layers.Reshape((6, 12))(hidden)
    hidden = tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(2))(hidden)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile("adam", "categorical_crossentropy")
    return model


def check(model, path, images):
    """Fail unless what was saved at ``path`` answers what ``model`` answers."""
    loaded = tf.keras.models.load_model(path)
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-4, atol=1e-5)


def main():
    """Go through the formats."""
    version = tuple(int(part) for part in tf.__version__.split(".")[:2])
    model, folder = build(), tempfile.mkdtemp()
    images = np.ones((2, 8, 8, 1), "float32")
    model.train_on_batch(images, np.eye(2, dtype="float32"))
    model.save(os.path.join(folder, "model.h5"))
    check(model, os.path.join(folder, "model.h5"), images)
    if version <= (2, 15):
        model.save(os.path.join(folder, "saved"), save_format="tf")
        check(model, os.path.join(folder, "saved"), images)
    if version >= (2, 12):
        options = {"save_format": "keras_v3"} if version == (2, 12) else {}
        model.save(os.path.join(folder, "model.keras"), **options)
        check(model, os.path.join(folder, "model.keras"), images)
    if version >= (2, 13):
        model.export(os.path.join(folder, "export"))
        exported = tf.saved_model.load(os.path.join(folder, "export"))  # its functions only borrow its variables
        exported.serve(tf.constant(images))
    print("canary:", tf.__version__, tf.keras.__version__ if hasattr(tf.keras, "__version__") else "", "works")


if __name__ == "__main__":
    main()
