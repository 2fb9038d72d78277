"""Text: layers whose vocabulary is neither a weight nor a setting in every version."""

from .base import Built, Recipe, classifier, one_hot, preprocessing, stream

COLOURS = ["red", "green", "blue", "yellow"]
REVIEWS = [
    ["the film was good the cast was good the end"],
    ["the film was long"],
    ["the cast, the film: good"],
    ["was the end good? the film was"],
    ["the cast"],
]
"""Each word is as frequent as no other, so that every version sorts the vocabulary alike."""


def string_lookup(tf):
    """Build a one-hot encoding of words; what is unknown has the first place."""
    import numpy as np

    word = tf.keras.Input((1,), dtype="string", name="word")
    random = stream(23)
    model = classifier(tf, word, _one_hot_words(tf, word), "string_lookup")
    words = np.array([["blue"], ["red"], ["no such colour"], ["yellow"]], dtype=object)
    return Built(model, [("word", words)], one_hot(random, 3), {})


def _one_hot_words(tf, word):
    """Encode words; 2.4 counts places in a layer of their own, 2.5 has the answer under another name."""
    kind = preprocessing(tf, "StringLookup")
    options = {"vocabulary": COLOURS, "num_oov_indices": 1, "mask_token": None, "name": "lookup"}
    try:
        return kind(output_mode="one_hot", **options)(word)
    except (TypeError, ValueError):
        pass
    try:
        return kind(output_mode="binary", **options)(word)
    except (TypeError, ValueError):
        places = kind(**options)(word)
        return preprocessing(tf, "CategoryEncoding")(max_tokens=len(COLOURS) + 1, name="encoding")(places)


def text_vectorization(tf):
    """Build a classifier that takes sentences and has learnt its vocabulary by ``adapt``."""
    import numpy as np

    layers = tf.keras.layers
    vectors = preprocessing(tf, "TextVectorization")(output_mode="int", output_sequence_length=8, name="vectorization")
    vectors.adapt(np.array(REVIEWS))
    review = tf.keras.Input((1,), dtype="string", name="review")
    hidden = layers.Embedding(12, 4, name="embedding")(vectors(review))
    model = classifier(tf, review, layers.Flatten(name="flat")(hidden), "text_vectorization")
    reviews = np.array([["The film was GOOD"], ["an unknown word!"], [""], ["the cast, the end"]], dtype=object)
    return Built(model, [("review", reviews)], one_hot(stream(24), 3), {})


RECIPES = (
    Recipe(
        id="string-lookup",
        group="text",
        title="StringLookup, one-hot",
        shows="A vocabulary that is lost on the way, without an error: every word becomes the unknown one.",
        build=string_lookup,
        reference="tensorflow#61369",
    ),
    Recipe(
        id="text-vectorization",
        group="text",
        title="Adapted TextVectorization",
        shows="Whether a vocabulary learnt by adapt() comes back, and a layer that a loader must be given in some versions.",
        build=text_vectorization,
        reference="tensorflow#45443",
    ),
)
