"""Preprocessing inside the model: layers that moved out of experimental and gained arguments on the way."""

from .base import ROWS, Built, Recipe, classifier, normal, one_hot, preprocessing, stream

CODES = [10, 20, 30, 40]


def integer_lookup(tf):
    """Build an embedding of codes; what is unknown has the first place."""
    import numpy as np

    layers = tf.keras.layers
    code = tf.keras.Input((2,), dtype="int64", name="code")
    hidden = layers.Embedding(5, 4, name="embedding")(_lookup(tf)(code))
    model = classifier(tf, code, layers.Flatten(name="flat")(hidden), "integer_lookup")
    codes = np.array([[10, 20], [40, 30], [7, 10], [20, -1]], dtype="int64")
    return Built(model, [("code", codes)], one_hot(stream(25), 3), {})


def _lookup(tf):
    """Make the lookup without a mask, so that a place is the same in all versions; 2.4 calls the mask a value."""
    kind = preprocessing(tf, "IntegerLookup")
    try:
        return kind(vocabulary=CODES, num_oov_indices=1, mask_token=None, name="lookup")
    except TypeError:
        return kind(vocabulary=CODES, num_oov_indices=1, mask_value=None, name="lookup")


def hashing(tf):
    """Build an embedding of hashed words, with a key of its own for the hash."""
    import numpy as np

    layers = tf.keras.layers
    word = tf.keras.Input((2,), dtype="string", name="word")
    places = preprocessing(tf, "Hashing")(num_bins=7, salt=[133, 137], name="hashing")(word)
    hidden = layers.Embedding(7, 4, name="embedding")(places)
    model = classifier(tf, word, layers.Flatten(name="flat")(hidden), "hashing")
    words = np.array([["red", "green"], ["blue", "red"], ["yellow", ""], ["black", "white"]], dtype=object)
    return Built(model, [("word", words)], one_hot(stream(26), 3), {})


def rescale_resize(tf):
    """Build a classifier that brings pictures to its own scale and size."""
    layers = tf.keras.layers
    image = tf.keras.Input((10, 12, 3), name="image")
    hidden = preprocessing(tf, "Rescaling")(1 / 127.5, offset=-1.0, name="rescaling")(image)
    hidden = preprocessing(tf, "Resizing")(6, 6, interpolation="bilinear", name="resizing")(hidden)
    model = classifier(tf, image, layers.Flatten(name="flat")(hidden), "rescale_resize")
    random = stream(27)
    inputs = [("image", random.uniform(0, 255, (ROWS, 10, 12, 3)).astype("float32"))]
    return Built(model, inputs, one_hot(random, 3), {})


def augmentation(tf):
    """Build a classifier that flips, turns and moves pictures while it trains, and leaves them alone afterwards."""
    layers = tf.keras.layers
    image = tf.keras.Input((8, 8, 3), name="image")
    hidden = preprocessing(tf, "RandomFlip")("horizontal", seed=1, name="flip")(image)
    hidden = preprocessing(tf, "RandomRotation")(0.1, seed=2, name="rotation")(hidden)
    hidden = preprocessing(tf, "RandomTranslation")(0.1, 0.1, seed=3, name="translation")(hidden)
    hidden = preprocessing(tf, "RandomZoom")(0.1, seed=4, name="zoom")(hidden)
    hidden = preprocessing(tf, "RandomContrast")(0.1, seed=5, name="contrast")(hidden)
    model = classifier(tf, image, layers.Flatten(name="flat")(hidden), "augmentation")
    random = stream(28)
    return Built(model, [("image", normal(random, ROWS, 8, 8, 3))], one_hot(random, 3), {})


RECIPES = (
    Recipe(
        id="integer-lookup",
        group="preprocessing",
        title="IntegerLookup",
        shows="Renamed options (max_values, mask_value, oov_value) and whether the table of codes comes back.",
        build=integer_lookup,
        reference="tensorflow#56054",
    ),
    Recipe(
        id="hashing",
        group="preprocessing",
        title="Hashing with a salt",
        shows="Whether the hash is the same in every version: another one answers with other rows, not with an error.",
        build=hashing,
    ),
    Recipe(
        id="rescale-resize",
        group="preprocessing",
        title="Rescaling and Resizing",
        shows="Options that were added to Resizing, which an older loader refuses, and pixels that come out differently.",
        build=rescale_resize,
    ),
    Recipe(
        id="augmentation",
        group="preprocessing",
        title="Random augmentation",
        shows="Layers that are active in training only, with generators as state, and options that were added to them.",
        build=augmentation,
        reference="keras#15699",
    ),
)
