"""Layers whose options or weight layouts changed, each in a model of its own so that one does not hide another.

Values are flattened before the last layer: what is averaged or pooled would fail by ``keepdims`` first.
"""

from .base import ROWS, Built, Recipe, classifier, normal, one_hot, stream


def depthwise_conv(tf):
    """Build a depthwise convolution."""
    image, layers = _image(tf), tf.keras.layers
    hidden = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu", name="depthwise")(image)
    return _fed_image(tf, image, layers.Flatten(name="flat")(hidden), "depthwise_conv", 15)


def separable_conv(tf):
    """Build a separable convolution, two kernels in one layer."""
    image, layers = _image(tf), tf.keras.layers
    hidden = layers.SeparableConv2D(5, 3, strides=2, activation="relu", name="separable")(image)
    return _fed_image(tf, image, layers.Flatten(name="flat")(hidden), "separable_conv", 16)


def transposed_conv(tf):
    """Build a transposed convolution, as decoders and generators have."""
    image, layers = _image(tf), tf.keras.layers
    hidden = layers.Conv2DTranspose(2, 3, strides=2, padding="same", activation="relu", name="transposed")(image)
    return _fed_image(tf, image, layers.Flatten(name="flat")(hidden), "transposed_conv", 17)


def residual_concat(tf):
    """Build a residual sum that is joined with its input along the sequence; along the last axis it would fit, too."""
    layers = tf.keras.layers
    series = tf.keras.Input((6, 4), name="series")
    changed = layers.Dense(4, activation="tanh", name="changed")(series)
    added = layers.Add(name="residual")([series, changed])
    joined = layers.Concatenate(axis=1, name="joined")([series, added])
    return _fed_series(tf, series, layers.Flatten(name="flat")(joined), "residual_concat", 18)


def advanced_activations(tf):
    """Build a model with every activation that is a layer with settings."""
    layers = tf.keras.layers
    series = tf.keras.Input((6, 4), name="series")
    hidden = layers.LeakyReLU(0.2, name="leaky")(series)  # named alpha in Keras 2 and negative_slope in Keras 3
    hidden = layers.PReLU(shared_axes=[1], alpha_initializer="glorot_uniform", name="prelu")(hidden)
    hidden = layers.ELU(0.5, name="elu")(hidden)
    hidden = layers.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2, name="relu")(hidden)
    hidden = layers.Softmax(axis=1, name="over_time")(hidden)
    return _fed_series(tf, series, layers.Flatten(name="flat")(hidden), "advanced_activations", 19)


def stateful_recurrent(tf):
    """Build an LSTM that goes on where the batch before ended, so its batch size is part of the model."""
    layers = tf.keras.layers
    series = tf.keras.Input((5, 3), batch_size=ROWS, name="series")
    hidden = layers.LSTM(6, stateful=True, name="lstm")(series)
    random = stream(20)
    model = classifier(tf, series, hidden, "stateful_recurrent")
    return Built(model, [("series", normal(random, ROWS, 5, 3))], one_hot(random, 3), {})


def forget(model):
    """Put a stateful recurrent layer back to its first state."""
    model.get_layer("lstm").reset_states()


def time_distributed(tf):
    """Build a convolution that is applied to each picture of a short film."""
    layers = tf.keras.layers
    film = tf.keras.Input((3, 6, 6, 2), name="film")
    hidden = layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu", name="conv"), name="each")(film)
    hidden = layers.TimeDistributed(layers.Flatten(name="flat"), name="each_flat")(hidden)
    hidden = layers.TimeDistributed(layers.Dense(4, activation="tanh", name="dense"), name="each_dense")(hidden)
    random = stream(21)
    model = classifier(tf, film, layers.Flatten(name="all")(hidden), "time_distributed")
    return Built(model, [("film", normal(random, ROWS, 3, 6, 6, 2))], one_hot(random, 3), {})


def pretrained_embedding(tf):
    """Build an embedding that begins with a table of word vectors and keeps it, as with GloVe."""
    layers, random = tf.keras.layers, stream(22)
    table = tf.keras.initializers.Constant(normal(random, 20, 4))
    words = tf.keras.Input((6,), dtype="int32", name="words")
    hidden = layers.Embedding(20, 4, embeddings_initializer=table, trainable=False, name="vectors")(words)
    model = classifier(tf, words, layers.Flatten(name="flat")(hidden), "pretrained_embedding")
    return Built(model, [("words", random.randint(0, 20, (ROWS, 6)).astype("int32"))], one_hot(random, 3), {})


def _image(tf):
    return tf.keras.Input((8, 8, 3), name="image")


def _fed_image(tf, image, hidden, name, seed):
    random = stream(seed)
    inputs = [("image", normal(random, ROWS, 8, 8, 3))]
    return Built(classifier(tf, image, hidden, name), inputs, one_hot(random, 3), {})


def _fed_series(tf, series, hidden, name, seed):
    random = stream(seed)
    inputs = [("series", normal(random, ROWS, 6, 4))]
    return Built(classifier(tf, series, hidden, name), inputs, one_hot(random, 3), {})


RECIPES = (
    Recipe(
        id="depthwise-conv",
        group="layers",
        title="Depthwise convolution",
        shows="The option groups that Keras 2 wrote into every depthwise convolution and Keras 3 refuses.",
        build=depthwise_conv,
        reference="keras#19151",
    ),
    Recipe(
        id="separable-conv",
        group="layers",
        title="Separable convolution",
        shows="Options for one kernel, written for a layer that has two, which Keras 3 refuses (groups, kernel_initializer).",
        build=separable_conv,
        reference="mafda/knee_OA_dl_app#3",
    ),
    Recipe(
        id="transposed-conv",
        group="layers",
        title="Transposed convolution",
        shows="The option groups, written for a layer that has none, and its kernel with the channels the other way round.",
        build=transposed_conv,
        reference="keras#19441",
    ),
    Recipe(
        id="residual-concat",
        group="layers",
        title="Residual sum and concatenation on axis 1",
        shows="An axis that the loader drops: along the last one the shapes fit as well, and only the numbers tell.",
        build=residual_concat,
        reference="keras#20973",
    ),
    Recipe(
        id="advanced-activations",
        group="layers",
        title="Activation layers with settings",
        shows="Renamed settings (alpha, negative_slope) and a softmax whose axis is dropped without an error.",
        build=advanced_activations,
        reference="keras#20973",
    ),
    Recipe(
        id="stateful-recurrent",
        group="layers",
        title="Stateful LSTM with a fixed batch size",
        shows="Whether the fixed batch size survives in the input layer, and state that one version keeps as a variable.",
        build=stateful_recurrent,
        reference="keras#20106",
        settle=forget,
    ),
    Recipe(
        id="time-distributed",
        group="layers",
        title="TimeDistributed layers",
        shows="Whether a layer within a wrapper is made again with its options and gets its weights.",
        build=time_distributed,
    ),
    Recipe(
        id="pretrained-embedding",
        group="layers",
        title="Embedding that begins with an array",
        shows="An array inside the configuration (a Constant initializer), which not every version reads back.",
        build=pretrained_embedding,
        reference="keras#18328",
    ),
)
