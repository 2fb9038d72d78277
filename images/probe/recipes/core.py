"""The core: ten models that everybody has some of, each there to show one thing.

Only ``optimizer-state`` names its loss by a short name, and only ``dense`` and ``optimizer-state`` use Adam: what
breaks the stored compile settings must not hide what each of the others is there to show.
"""

from .base import ROWS, Built, Recipe, compiled, normal, one_hot, stream

OPTIMIZER_STEPS = 5


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
    random = stream(1)
    return Built(model, [("pixels", normal(random, ROWS, 784))], one_hot(random, 10), {})


def custom_activation(tf):
    """Build a model whose activation is a layer of the user's own."""
    objects = custom_activation_objects(tf)
    features = tf.keras.Input((12,), name="features")
    hidden = tf.keras.layers.Dense(16, name="hidden")(features)
    hidden = objects["ScaledTanh"](scale=1.5, name="activation")(hidden)
    label = tf.keras.layers.Dense(3, activation="softmax", name="label")(hidden)
    model = compiled(tf, features, label, "custom_activation")
    random = stream(2)
    return Built(model, [("features", normal(random, ROWS, 12))], one_hot(random, 3), objects)


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
    random = stream(3)
    inputs = [("features", normal(random, ROWS, 8))]
    return Built(model, inputs, normal(random, ROWS, 1), {}, training_steps=OPTIMIZER_STEPS)


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
    random = stream(4)
    fed = [(name, normal(random, ROWS, width)) for name, width in widths]
    targets = {"risk": random.randint(0, 2, (ROWS, 2)).astype("float32"), "gaze": normal(random, ROWS, 2)}
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
    random = stream(5)
    inputs = [("image", normal(random, ROWS, 16, 16, 3))]
    return Built(compiled(tf, image, label, "conv"), inputs, one_hot(random, 5), {})


def recurrent(tf):
    """Build an LSTM whose sequence is read both ways by a GRU."""
    layers = tf.keras.layers
    series = tf.keras.Input((6, 4), name="series")
    hidden = layers.LSTM(8, return_sequences=True, name="lstm")(series)
    hidden = layers.Bidirectional(layers.GRU(6, name="gru"), name="both_ways")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = stream(6)
    return Built(
        compiled(tf, series, label, "recurrent"), [("series", normal(random, ROWS, 6, 4))], one_hot(random, 3), {}
    )


def attention(tf):
    """Build one block of a transformer's encoder."""
    layers = tf.keras.layers
    tokens = tf.keras.Input((6, 8), name="tokens")
    attended = layers.MultiHeadAttention(num_heads=2, key_dim=4, name="attention")(tokens, tokens)
    hidden = layers.LayerNormalization(epsilon=1e-6, name="norm")(layers.Add(name="residual")([tokens, attended]))
    hidden = layers.Flatten(name="flat")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = stream(7)
    return Built(
        compiled(tf, tokens, label, "attention"), [("tokens", normal(random, ROWS, 6, 8))], one_hot(random, 3), {}
    )


def embedding_masking(tf):
    """Build a text classifier: the average leaves out the padding, if the mask reaches it."""
    import numpy as np

    layers = tf.keras.layers
    words = tf.keras.Input((10,), dtype="int32", name="words")
    hidden = layers.Embedding(50, 8, mask_zero=True, name="embedding")(words)
    hidden = layers.GlobalAveragePooling1D(name="average")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = stream(8)
    sentences = random.randint(1, 50, (ROWS, 10)).astype("int32")
    sentences[np.arange(10) >= np.array([[3], [5], [8], [10]])] = 0  # one length per row
    return Built(compiled(tf, words, label, "embedding_masking"), [("words", sentences)], one_hot(random, 3), {})


def normalization(tf):
    """Build a model with a Normalization layer that has learnt mean and variance from data of its own scale."""
    layers = tf.keras.layers
    kind = getattr(layers, "Normalization", None)  # 2.4 and 2.5 keep it under experimental
    if kind is None:
        kind = layers.experimental.preprocessing.Normalization
    random = stream(9)
    layer = kind(axis=-1, name="normalization")
    layer.adapt(normal(random, 64, 5) * 30 + 100)
    features = tf.keras.Input((5,), name="features")
    hidden = layers.Dense(8, activation="relu", name="hidden")(layer(features))
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    inputs = [("features", normal(random, ROWS, 5) * 30 + 100)]
    return Built(compiled(tf, features, label, "normalization"), inputs, one_hot(random, 3), {})


def lambda_(tf):
    """Build a model with a Python lambda inside; only slicing and arithmetic, which every Keras takes."""
    layers = tf.keras.layers
    features = tf.keras.Input((6,), name="features")
    hidden = layers.Lambda(lambda x: x[:, ::-1] * 2.0 + 1.0, name="lambda")(features)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    random = stream(10)
    return Built(
        compiled(tf, features, label, "lambda"), [("features", normal(random, ROWS, 6))], one_hot(random, 3), {}
    )


RECIPES = (
    Recipe(
        id="dense",
        group="core",
        title="Dense classifier 784-128-10",
        shows="Whether the plainest model loads: input layer, dense layers, compile settings with Adam and metrics.",
        build=dense,
        reference="tensorflow#64685",
    ),
    Recipe(
        id="custom-activation",
        group="core",
        title="Custom activation layer",
        shows="What happens to a class the loader does not have, and whether handing it over helps.",
        build=custom_activation,
        custom_objects=custom_activation_objects,
        reference="keras#19899",
    ),
    Recipe(
        id="optimizer-state",
        group="core",
        title="Optimizer with state",
        shows="Whether Adam's slots and settings, and a loss stored by a short name (mse), stop a model from loading.",
        build=optimizer_state,
        reference="keras#19330",
        training_steps=OPTIMIZER_STEPS,
    ),
    Recipe(
        id="multi-io",
        group="core",
        title="Several named inputs and outputs",
        shows="Whether names, dictionaries and their order survive; swapped inputs answer differently without an error.",
        build=multi_io,
        reference="keras#20813",
    ),
    Recipe(
        id="conv",
        group="core",
        title="Convolution, batch normalization, pooling",
        shows="Changed layer options (keepdims, axis, groups) and moving statistics that are lost or mixed up.",
        build=conv,
        reference="tensorflow#56882",
    ),
    Recipe(
        id="recurrent",
        group="core",
        title="LSTM, GRU and Bidirectional",
        shows="Removed options of recurrent layers (time_major), their weight layouts and the wrapper around them.",
        build=recurrent,
        reference="keras#20750",
    ),
    Recipe(
        id="attention",
        group="core",
        title="Multi-head attention with layer normalization",
        shows="Changed options and weight shapes of MultiHeadAttention, and a layer that takes several inputs.",
        build=attention,
    ),
    Recipe(
        id="embedding-masking",
        group="core",
        title="Embedding with masking",
        shows="Whether the mask still reaches the layer that honours it; a lost mask changes the answer, not the load.",
        build=embedding_masking,
    ),
    Recipe(
        id="normalization",
        group="core",
        title="Adapted Normalization",
        shows="Whether mean and variance learnt by adapt() survive, and a layer that moved out of experimental.",
        build=normalization,
    ),
    Recipe(
        id="lambda",
        group="core",
        title="Lambda layer",
        shows="Python bytecode inside a file: another Python cannot read it, and safe mode refuses it.",
        build=lambda_,
        reference="keras#14875",
    ),
)
