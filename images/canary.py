"""Proves that an environment works: builds, trains, saves, loads and calls models in every format its version has.

Runs inside the build with the environment's own Python, hence the syntax of 3.8. Exits with an error if anything fails.
"""

import os
import tempfile

import numpy as np
import tensorflow as tf

IMAGES = np.ones((2, 8, 8, 1), "float32")


def convolutional():
    """Return a small model that is trained a step, in a graph."""
    inputs = tf.keras.Input((8, 8, 1), name="image")
    hidden = tf.keras.layers.Conv2D(2, 3, activation="relu")(inputs)
    hidden = tf.keras.layers.BatchNormalization()(hidden)
    hidden = tf.keras.layers.GlobalAveragePooling2D()(hidden)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile("adam", "categorical_crossentropy")
    model.train_on_batch(IMAGES, np.eye(2, dtype="float32"))
    return model


def recurrent():
    """Return a small recurrent model: as a SavedModel it would take as long as all the rest, so it is not saved as one."""
    inputs = tf.keras.Input((8, 8, 1), name="image")
    hidden = tf.keras.layers.Reshape((8, 8))(inputs)
    hidden = tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(2))(hidden)
    return tf.keras.Model(inputs, tf.keras.layers.Dense(2)(hidden))


def check(model, path, **options):
    """Save a model, load it, and fail unless both answer the same."""
    model.save(path, **options)
    loaded = tf.keras.models.load_model(path)
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), rtol=1e-4, atol=1e-5)


def main():
    """Go through the formats."""
    version = tuple(int(part) for part in tf.__version__.split(".")[:2])
    folder = tempfile.mkdtemp()
    model = convolutional()
    for number, one in enumerate((model, recurrent())):
        check(one, os.path.join(folder, "%d.h5" % number))
        if version >= (2, 12):
            options = {"save_format": "keras_v3"} if version == (2, 12) else {}
            check(one, os.path.join(folder, "%d.keras" % number), **options)
    if version <= (2, 15):
        check(model, os.path.join(folder, "saved"), save_format="tf")
    if version >= (2, 13):
        model.export(os.path.join(folder, "export"))
        exported = tf.saved_model.load(os.path.join(folder, "export"))  # its functions only borrow its variables
        exported.serve(tf.constant(IMAGES))
    print("canary:", tf.__version__, tf.keras.__version__ if hasattr(tf.keras, "__version__") else "", "works")


if __name__ == "__main__":
    main()
