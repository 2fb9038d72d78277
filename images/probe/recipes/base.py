"""What every recipe is made of: its record, what it builds, and the few helpers that the recipes share."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

ROWS = 4


class Unsupported(Exception):
    """This version cannot express the recipe; the message says why."""


class Built(NamedTuple):
    """A compiled model with what to feed it: ``structure`` says how ``model(...)`` takes ``inputs``.

    ``training_steps`` repeats the recipe's own; ``made`` says of inputs that nobody chose how they came about.
    """

    model: Any
    inputs: List[Tuple[str, Any]]
    targets: Any
    custom_objects: Dict[str, Any]
    structure: str = "single"  # or "list", "dict", "sparse"
    training_steps: int = 1
    made: Optional[Dict[str, Any]] = None


def no_custom_objects(_tf):
    """Return the custom objects of a model made of built-in layers: none."""
    return {}


class Recipe(NamedTuple):
    """A canonical model: what it is called, what it can show, how it is built.

    ``reference`` is a public issue where the break was reported, empty where none is known; ``formats`` are those that
    make sense for the model, all where it is ``None``. ``settle`` brings a model that keeps state between calls back to
    where a loaded one begins: whoever saves calls it after training, and again after taking the answers.
    """

    id: str
    group: str
    title: str
    shows: str
    build: Callable[[Any], Built]
    custom_objects: Callable[[Any], Dict[str, Any]] = no_custom_objects
    reference: str = ""
    formats: Optional[Tuple[str, ...]] = None
    training_steps: int = 1
    settle: Optional[Callable[[Any], None]] = None

    @property
    def needs_custom_objects(self):
        """Whether the model has classes or functions of its own that a loader must be given."""
        return self.custom_objects is not no_custom_objects


def compiled(tf, inputs, outputs, name):
    """Return a compiled classifier: an optimizer without slots, a loss by its long name."""
    model = tf.keras.Model(inputs, outputs, name=name)
    model.compile(optimizer="sgd", loss="categorical_crossentropy")
    return model


def classifier(tf, inputs, hidden, name):
    """Return the compiled model that ends ``hidden`` in a softmax over three classes."""
    return compiled(tf, inputs, tf.keras.layers.Dense(3, activation="softmax", name="label")(hidden), name)


def preprocessing(tf, name):
    """Return a preprocessing layer's class; 2.4 and 2.5 keep them under experimental."""
    kind = getattr(tf.keras.layers, name, None)
    return getattr(tf.keras.layers.experimental.preprocessing, name) if kind is None else kind


def stream(seed):
    """Return numpy's legacy generator, whose streams are frozen across its versions."""
    import numpy as np

    return np.random.RandomState(seed)


def normal(random, *shape):
    """Return float32 values of a standard normal distribution."""
    return random.standard_normal(shape).astype("float32")


def one_hot(random, classes):
    """Return one random class for each row, as a classifier's targets."""
    import numpy as np

    return np.eye(classes, dtype="float32")[random.randint(0, classes, ROWS)]
