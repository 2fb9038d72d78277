"""The canonical models: one function each that builds, compiles and feeds a Keras model.

The host imports this file for its metadata, so nothing but the standard library is imported here; the framework comes
in as ``tf`` and numpy inside the functions. A recipe may be spelt differently per version but computes the same
function; where a version cannot, it raises ``Unsupported``. The layers are named, so that two saves differ only where
versions do.

Only ``optimizer-state`` names its loss by a short name, and only ``dense`` and ``optimizer-state`` use Adam: what
breaks the stored compile settings must not hide what each of the others is there to show.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Tuple

ROWS = 4


class Unsupported(Exception):
    """This version cannot express the recipe; the message says why."""


class Built(NamedTuple):
    """A compiled model with what to feed it: ``structure`` says how ``model(...)`` takes ``inputs``."""

    model: Any
    inputs: List[Tuple[str, Any]]
    targets: Any
    custom_objects: Dict[str, Any]
    structure: str = "single"  # or "list", "dict"
    training_steps: int = 1


def no_custom_objects(_tf):
    """Return the custom objects of a model made of built-in layers: none."""
    return {}


class Recipe(NamedTuple):
    """A canonical model: what it is called, what it can show, how it is built."""

    id: str
    title: str
    shows: str
    build: Callable[[Any], Built]
    custom_objects: Callable[[Any], Dict[str, Any]] = no_custom_objects

    @property
    def needs_custom_objects(self):
        """Whether the model has classes of its own that a loader must be given."""
        return self.custom_objects is not no_custom_objects


def find(id_):
    """Return the recipe of that id, the canary included, or ``None``."""
    return CANARY if id_ == CANARY.id else RECIPES.get(id_)


def dense(tf):
    """Build the classifier that every tutorial begins with."""
    model = tf.keras.Sequential(
        [
            tf.keras.Input((784,), name="pixels"),
            tf.keras.layers.Dense(128, activation="relu", name="hidden"),
            tf.keras.layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="dense",
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    random = _random(1)
    return Built(model, [("pixels", _normal(random, ROWS, 784))], _one_hot(random, 10), {})


def custom_activation(tf):
    """Build a model whose activation is a layer of the user's own."""
    objects = custom_activation_objects(tf)
    features = tf.keras.Input((12,), name="features")
    hidden = tf.keras.layers.Dense(16, name="hidden")(features)
    hidden = objects["ScaledTanh"](scale=1.5, name="activation")(hidden)
    label = tf.keras.layers.Dense(3, activation="softmax", name="label")(hidden)
    model = _compiled(tf, features, label, "custom_activation")
    random = _random(2)
    return Built(model, [("features", _normal(random, ROWS, 12))], _one_hot(random, 3), objects)


def custom_activation_objects(tf):
    """Return the class that ``custom-activation`` needs; made on demand, registered nowhere, as in a user's script."""

    class ScaledTanh(tf.keras.layers.Layer):
        """``scale * tanh(x)``, with its setting in ``get_config`` as the guides ask."""

        def __init__(self, scale=1.0, **kwargs):
            super().__init__(**kwargs)
            self.scale = scale

        def call(self, inputs):
            """Return the activation of ``inputs``."""
            return self.scale * tf.math.tanh(inputs)

        def compute_output_shape(self, input_shape):
            """Return the input's shape: the activation is elementwise."""
            return input_shape

        def get_config(self):
            """Return the settings from which the layer is made again."""
            return dict(super().get_config(), scale=self.scale)

    return {"ScaledTanh": ScaledTanh}


def optimizer_state(tf):
    """Build a regression trained for several steps, so that Adam holds two slots for each weight."""
    features = tf.keras.Input((8,), name="features")
    hidden = tf.keras.layers.Dense(16, activation="relu", name="hidden")(features)
    price = tf.keras.layers.Dense(1, name="price")(hidden)
    model = tf.keras.Model(features, price, name="optimizer_state")
    model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.01), loss="mse", metrics=["mae"])
    random = _random(3)
    inputs = [("features", _normal(random, ROWS, 8))]
    return Built(model, inputs, _normal(random, ROWS, 1), {}, training_steps=5)


def multi_io(tf):
    """Build a model of several named inputs and outputs, equal in shape and not in alphabetical order.

    A loader that swaps two of them raises nothing: only the numbers tell.
    """
    widths = [("right_eye", 6), ("left_eye", 6), ("age", 1)]
    inputs = {name: tf.keras.Input((width,), name=name) for name, width in widths}
    merged = tf.keras.layers.Concatenate(name="merged")([inputs[name] for name, _ in widths])
    hidden = tf.keras.layers.Dense(12, activation="relu", name="hidden")(merged)
    outputs = {
        "risk": tf.keras.layers.Dense(2, activation="sigmoid", name="risk")(hidden),
        "gaze": tf.keras.layers.Dense(2, activation="tanh", name="gaze")(hidden),
    }
    model = tf.keras.Model(inputs, outputs, name="multi_io")
    model.compile(optimizer="sgd", loss={"risk": "binary_crossentropy", "gaze": "mean_squared_error"})
    random = _random(4)
    fed = [(name, _normal(random, ROWS, width)) for name, width in widths]
    targets = {"risk": random.randint(0, 2, (ROWS, 2)).astype("float32"), "gaze": _normal(random, ROWS, 2)}
    return Built(model, fed, targets, {}, "dict")


def conv(tf):
    """Build a small image classifier; a training step moves the batch normalization's statistics."""
    layers = tf.keras.layers
    image = tf.keras.Input((16, 16, 3), name="image")
    hidden = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv")(image)
    hidden = layers.BatchNormalization(name="norm")(hidden)
    hidden = layers.Activation("relu", name="relu")(hidden)
    hidden = layers.MaxPooling2D(2, name="pool")(hidden)
    hidden = layers.Conv2D(12, 3, strides=2, activation="relu", name="conv_strided")(hidden)
    hidden = layers.GlobalAveragePooling2D(name="average")(hidden)
    label = layers.Dense(5, activation="softmax", name="label")(hidden)
    random = _random(5)
    inputs = [("image", _normal(random, ROWS, 16, 16, 3))]
    return Built(_compiled(tf, image, label, "conv"), inputs, _one_hot(random, 5), {})


def recurrent(tf):
    """Build an LSTM whose sequence is read both ways by a GRU."""
    layers = tf.keras.layers
    series = tf.keras.Input((6, 4), name="series")
    hidden = layers.LSTM(8, return_sequences=True, name="lstm")(series)
    hidden = layers.Bidirectional(layers.GRU(6, name="gru"), name="both_ways")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = _random(6)
    return Built(
        _compiled(tf, series, label, "recurrent"), [("series", _normal(random, ROWS, 6, 4))], _one_hot(random, 3), {}
    )


def attention(tf):
    """Build one block of a transformer's encoder."""
    layers = tf.keras.layers
    tokens = tf.keras.Input((6, 8), name="tokens")
    attended = layers.MultiHeadAttention(num_heads=2, key_dim=4, name="attention")(tokens, tokens)
    hidden = layers.LayerNormalization(epsilon=1e-6, name="norm")(layers.Add(name="residual")([tokens, attended]))
    hidden = layers.Flatten(name="flat")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = _random(7)
    return Built(
        _compiled(tf, tokens, label, "attention"), [("tokens", _normal(random, ROWS, 6, 8))], _one_hot(random, 3), {}
    )


def embedding_masking(tf):
    """Build a text classifier: the average leaves out the padding, if the mask reaches it."""
    import numpy as np

    layers = tf.keras.layers
    words = tf.keras.Input((10,), dtype="int32", name="words")
    hidden = layers.Embedding(50, 8, mask_zero=True, name="embedding")(words)
    hidden = layers.GlobalAveragePooling1D(name="average")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = _random(8)
    sentences = random.randint(1, 50, (ROWS, 10)).astype("int32")
    sentences[np.arange(10) >= np.array([[3], [5], [8], [10]])] = 0  # one length per row
    return Built(_compiled(tf, words, label, "embedding_masking"), [("words", sentences)], _one_hot(random, 3), {})


def normalization(tf):
    """Build a model with a Normalization layer that has learnt mean and variance from data of its own scale."""
    layers = tf.keras.layers
    kind = getattr(layers, "Normalization", None)  # 2.4 and 2.5 keep it under experimental
    if kind is None:
        kind = layers.experimental.preprocessing.Normalization
    random = _random(9)
    layer = kind(axis=-1, name="normalization")
    layer.adapt(_normal(random, 64, 5) * 30 + 100)
    features = tf.keras.Input((5,), name="features")
    hidden = layers.Dense(8, activation="relu", name="hidden")(layer(features))
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    inputs = [("features", _normal(random, ROWS, 5) * 30 + 100)]
    return Built(_compiled(tf, features, label, "normalization"), inputs, _one_hot(random, 3), {})


def lambda_(tf):
    """Build a model with a Python lambda inside; only slicing and arithmetic, which every Keras takes."""
    layers = tf.keras.layers
    features = tf.keras.Input((6,), name="features")
    hidden = layers.Lambda(lambda x: x[:, ::-1] * 2.0 + 1.0, name="lambda")(features)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = _random(10)
    return Built(
        _compiled(tf, features, label, "lambda"), [("features", _normal(random, ROWS, 6))], _one_hot(random, 3), {}
    )


def canary(tf):
    """Build the least model there is, with which an environment proves itself."""
    model = tf.keras.Sequential([tf.keras.Input((3,), name="x"), tf.keras.layers.Dense(2, name="y")], name="canary")
    model.compile(optimizer="sgd", loss="mean_squared_error")
    random = _random(11)
    return Built(model, [("x", _normal(random, 2, 3))], _normal(random, 2, 2), {})


def _compiled(tf, inputs, outputs, name):
    model = tf.keras.Model(inputs, outputs, name=name)
    model.compile(optimizer="sgd", loss="categorical_crossentropy")
    return model


def _random(seed):
    import numpy as np

    return np.random.RandomState(seed)  # its streams are frozen across numpy's versions


def _normal(random, *shape):
    return random.standard_normal(shape).astype("float32")


def _one_hot(random, classes):
    import numpy as np

    return np.eye(classes, dtype="float32")[random.randint(0, classes, ROWS)]


CANARY = Recipe("canary", "Canary", "Whether the environment can save and load anything at all.", canary)

RECIPES = {
    recipe.id: recipe
    for recipe in [
        Recipe(
            "dense",
            "Dense classifier 784-128-10",
            "Whether the plainest model loads: input layer, dense layers, compile settings with Adam and metrics.",
            dense,
        ),
        Recipe(
            "custom-activation",
            "Custom activation layer",
            "What happens to a class the loader does not have, and whether handing it over helps.",
            custom_activation,
            custom_activation_objects,
        ),
        Recipe(
            "optimizer-state",
            "Optimizer with state",
            "Whether Adam's slots and settings, and a loss stored by a short name (mse), stop a model from loading.",
            optimizer_state,
        ),
        Recipe(
            "multi-io",
            "Several named inputs and outputs",
            "Whether names, dictionaries and their order survive; swapped inputs answer differently without an error.",
            multi_io,
        ),
        Recipe(
            "conv",
            "Convolution, batch normalization, pooling",
            "Changed layer options (keepdims, axis, groups) and moving statistics that are lost or mixed up.",
            conv,
        ),
        Recipe(
            "recurrent",
            "LSTM, GRU and Bidirectional",
            "Removed options of recurrent layers (time_major), their weight layouts and the wrapper around them.",
            recurrent,
        ),
        Recipe(
            "attention",
            "Multi-head attention with layer normalization",
            "Changed options and weight shapes of MultiHeadAttention, and a layer that takes several inputs.",
            attention,
        ),
        Recipe(
            "embedding-masking",
            "Embedding with masking",
            "Whether the mask still reaches the layer that honours it; a lost mask changes the answer, not the load.",
            embedding_masking,
        ),
        Recipe(
            "normalization",
            "Adapted Normalization",
            "Whether mean and variance learnt by adapt() survive, and a layer that moved out of experimental.",
            normalization,
        ),
        Recipe(
            "lambda",
            "Lambda layer",
            "Python bytecode inside a file: another Python cannot read it, and safe mode refuses it.",
            lambda_,
        ),
    ]
}
