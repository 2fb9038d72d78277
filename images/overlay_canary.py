"""Proves that an overlay works, and that it is the overlay that works: tf.keras must be its Keras and not the base's.

Runs inside the build with the environment's own Python. The models are those of canary.py; the recurrent one is built and
called, but not saved: Keras 3.0 to 3.2 save no bidirectional layer that they can load again, which is for the matrix to
show and no fault of the image.
"""

import os
import sys
import tempfile

import canary
import tensorflow as tf


def is_used(folder, name):
    """Return the package that tf.keras really is; fail unless it is the one in the overlay's folder."""
    found = tf.keras.models.load_model.__module__.partition(".")[0]
    module = sys.modules[found]
    if found != name or not module.__file__.startswith(folder + os.sep):
        raise SystemExit("tf.keras is %s of %s, not %s of %s" % (found, module.__file__, name, folder))
    return module


def main(overlay, package):
    """Go through the formats."""
    module = is_used(overlay, package.replace("-", "_"))
    folder = tempfile.mkdtemp()
    model = canary.convolutional()
    canary.check(model, os.path.join(folder, "model.h5"))
    canary.check(model, os.path.join(folder, "model.keras"))
    canary.recurrent()(canary.IMAGES)
    if module.__name__ == "tf_keras":
        canary.check(model, os.path.join(folder, "saved"), save_format="tf")
    model.export(os.path.join(folder, "export"))
    exported = tf.saved_model.load(os.path.join(folder, "export"))  # its functions only borrow its variables
    exported.serve(tf.constant(canary.IMAGES))
    print("overlay:", module.__name__, module.__version__, "works")


if __name__ == "__main__":
    main(*sys.argv[1:])
