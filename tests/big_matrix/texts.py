"""What frameworks say when a load or a save fails, as the real matrix holds it; and what somebody may make them say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST: Final = 8192  # where the probe cuts a message


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of failure. ``$model``, ``$layer``, ``$optimizer``, ``$number`` and ``$config`` are the model's own.

    ``calls`` are the innermost functions of the framework as ``module:function``; ``chain`` exceptions came before it.
    """

    exception: str
    message: str
    calls: tuple[str, ...]
    chain: int = 0


_OPEN: Final = ("saving.save:load_model", "saving.saved_model.load:load")
_CONFIG: Final = (
    "engine.functional:process_layer",
    "layers.serialization:deserialize",
    "engine.base_layer:from_config",
)
_H5: Final = ("engine.training:load_weights", "saving.hdf5_format:load_weights_from_hdf5_group")
_ZIP: Final = ("saving.saving_api:load_model", "saving.saving_lib:_model_from_config")
_STATE: Final = (
    "saving.saving_api:load_weights",
    "saving.saving_lib:load_weights_only",
    "saving.saving_lib:_load_state",
)
_NOT_IN_H5: Final = (
    "Save or restore weights that is not an instance of `tf.Variable` is not supported in h5, use `save_format='tf'` "
    "instead. Received a model or layer $layer with weights [<keras.layers.preprocessing.index_lookup.VocabWeightHandler>]"
)

KINDS: Final[dict[str, Kind]] = {
    "no-savedmodel": Kind(
        exception="ValueError",
        message="File format not supported: filepath=/tmp/cell/model. Keras 3 only supports V3 `.keras` files and legacy "
        "H5 format files (`.h5` extension). Note that the legacy SavedModel format is not supported by `load_model()` in "
        "Keras 3. In order to reload a TensorFlow SavedModel as an inference-only layer in Keras 3, use "
        "`keras.layers.TFSMLayer(/tmp/cell/model, call_endpoint='serving_default')`.",
        calls=("saving.saving_api:load_model",),
    ),
    "no-zip": Kind(
        exception="OSError",
        message="SavedModel file does not exist at: /tmp/cell/model.keras/{saved_model.pbtxt|saved_model.pb}",
        calls=(*_OPEN, "saved_model.loader_impl:parse_saved_model"),
    ),
    "signature": Kind(
        exception="OSError",
        message="Unable to open file (file signature not found)",
        calls=("saving.hdf5_format:load_model_from_hdf5", "h5py._hl.files:make_fid"),
    ),
    "batch-shape": Kind(
        exception="ValueError",
        message="Unrecognized keyword arguments: ['batch_shape']",
        calls=(*_CONFIG, "engine.input_layer:__init__"),
    ),
    "optional": Kind(
        exception="ValueError",
        message="Unrecognized keyword arguments: ['batch_shape', 'optional']",
        calls=(*_CONFIG, "engine.input_layer:__init__"),
    ),
    "functional": Kind(
        exception="TypeError",
        message="Could not deserialize class 'Functional' because its parent module keras.src.models.functional cannot "
        "be imported. Full object config: $config",
        calls=(*_ZIP, "saving.serialization_lib:_retrieve_class_or_fn"),
        chain=1,
    ),
    "quantization": Kind(
        exception="TypeError",
        message="<class 'keras.src.models.functional.Functional'> could not be deserialized properly. Please ensure that "
        "components that are Python object instances (layers, models, etc.) returned by `get_config()` are explicitly "
        "deserialized in the model's `from_config()` method.\n\nconfig=$config.\n\nException encountered: Unrecognized "
        "keyword arguments passed to Dense: {'quantization_config': None}",
        calls=(*_ZIP, "saving.serialization_lib:deserialize_keras_object"),
        chain=4,
    ),
    "optimizer": Kind(
        exception="ValueError",
        message="Unknown optimizer: Custom>$optimizer. Please ensure this object is passed to the `custom_objects` "
        "argument. See https://www.tensorflow.org/guide/keras/save_and_serialize#registering_the_custom_object for details.",
        calls=("saving.saving_utils:compile_args_from_training_config", "optimizers:deserialize"),
    ),
    "weight-decay": Kind(
        exception="TypeError",
        message="weight_decay is not a valid argument, kwargs should be empty  for `optimizer_experimental.Optimizer`.",
        calls=("optimizers.optimizer_experimental.optimizer:_process_kwargs",),
    ),
    "json": Kind(
        exception="json.decoder.JSONDecodeError",
        message="Expecting value: line 1 column 1 (char 0)",
        calls=(*_OPEN, "saving.saved_model.load:load_layers", "saving.saved_model.json_utils:decode"),
    ),
    "op": Kind(
        exception="FileNotFoundError",
        message="Op type not registered 'DisableCopyOnRead' in binary running on sandbox. Make sure the Op and Kernel are "
        "registered in the binary running in this process. Note that if you are loading a saved graph which used ops from "
        "tf.contrib, accessing (e.g.) `tf.contrib.resampler` should be done before importing the graph, as contrib ops "
        "are lazily registered when the module is first accessed.\n You may be trying to load on a different device.",
        calls=(*_OPEN, "saved_model.load:load_partial", "saved_model.load:load_internal"),
    ),
    "layer-count": Kind(
        exception="ValueError",
        message="Layer count mismatch when loading weights from file. Model expected $number layers of $model, found 0 "
        "saved layers.",
        calls=_H5,
    ),
    "vars": Kind(
        exception="KeyError",
        message="\"Unable to synchronously open object (object 'vars' doesn't exist)\"",
        calls=(*_STATE, "h5py._hl.group:__getitem__"),
    ),
    "variables": Kind(
        exception="ValueError",
        message="Layer '$layer' expected 2 variables, but received 0 variables during loading. Expected: "
        "['$layer/kernel:0', '$layer/bias:0']",
        calls=(*_STATE, "engine.base_layer:load_own_variables"),
    ),
    "no-checkpoint": Kind(
        exception="ValueError",
        message="File format not supported: filepath=/tmp/cell/$model.ckpt. Keras 3 only supports V3 `.keras` and "
        "`.weights.h5` files, or legacy V1/V2 `.h5` files.",
        calls=("saving.saving_api:load_weights",),
    ),
    "custom": Kind(
        exception="ValueError",
        message="Unknown layer: '$layer'. Please ensure this object is passed to the `custom_objects` argument. See "
        "https://www.tensorflow.org/guide/keras/save_and_serialize#registering_the_custom_object for details.",
        calls=(*_CONFIG, "utils.generic_utils:class_and_config_for_serialized_keras_object"),
    ),
    "marshal": Kind(
        exception="ValueError",
        message="bad marshal data (unknown type code)",
        calls=("layers.core.lambda_layer:_parse_function_from_config", "utils.generic_utils:func_load"),
    ),
    "unsafe-lambda": Kind(
        exception="ValueError",
        message="Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda. This carries a "
        "potential risk of arbitrary code execution and thus it is disallowed by default. If you trust the source of the "
        "artifact, you can override this error by passing `safe_mode=False` to the loading function.",
        calls=("layers.core.lambda_layer:from_config", "saving.serialization_lib:_raise_for_lambda_deserialization"),
        chain=2,
    ),
    "subclassed": Kind(
        exception="NotImplementedError",
        message="Saving the model to HDF5 format requires the model to be a Functional model or a Sequential model. It "
        "does not work for subclassed models, because such models are defined via the body of a Python method, which "
        'isn\'t safely serializable. Consider saving to the Tensorflow SavedModel format (by setting save_format="tf") or '
        "using `save_weights`.",
        calls=("saving.save:save_model",),
    ),
    "lookup": Kind(exception="NotImplementedError", message=_NOT_IN_H5, calls=("saving.hdf5_format:save_weights",)),
    "export-inputs": Kind(
        exception="ValueError",
        message='Layer "$model" expects $number input(s), but it received 1 input tensors. Inputs received: '
        "[<tf.Tensor 'args_0:0' shape=(None, 3) dtype=float64>]",
        calls=("export.export_lib:export_model", "engine.input_spec:assert_input_compatibility"),
    ),
    "timeout": Kind(exception="tfmatrix.timeout", message="it had not ended after 12 s and was stopped", calls=()),
    "crash": Kind(exception="tfmatrix.crash", message="the process was ended by signal 11 (SIGSEGV)", calls=()),
    "out-of-memory": Kind(
        exception="tfmatrix.out-of-memory", message="the process took more memory than it may have", calls=()
    ),
    "harness-broken": Kind(
        exception="tfmatrix.harness-broken", message="the canary that it saved itself did not load", calls=()
    ),
}

ODD: Final = (
    ("AttributeError", "'$layer' object has no attribute '_saved_model_inputs_spec'"),
    ("KeyError", "'layers/$layer/vars/0'"),
    ("TypeError", "__init__() got an unexpected keyword argument 'synchronization' ($layer of $model)"),
    ("RuntimeError", "Unable to restore object of class $layer: it was saved by another program"),
    ("AssertionError", "$number"),
    (
        "tensorflow.python.framework.errors_impl.InvalidArgumentError",
        "NodeDef mentions attr 'debug_name' not in $layer",
    ),
    ("ValueError", "Shapes ($number, 4) and (4, $number) are incompatible for `$layer`"),
    ("NotImplementedError", "numpy() is only available when eager execution is enabled."),
)
"""What fails once in a while, for reasons of its own."""

HOSTILE: Final = (
    ("RuntimeError", "</script><script>alert(1)</script><img src=x onerror=alert(1)> in $layer"),
    ("<b>Error</b>", "\" onmouseover='alert(1)' x=\"' -- \\\" &lt;&amp; `$model`"),
    (
        "ValueError",
        "ключ «$layer» не найден: \u5c64\u3092\u8aad\u3081\u307e\u305b\u3093 \U0001f916 e\u0301 \u00a0 \ufb01",
    ),
    ("ValueError", "\u202e\u05e9\u05d2\u05d9\u05d0\u05d4 \u0641\u0634\u0644 \u202c /tmp/cell/$model.h5 \u2066isolated"),
    ("OSError", "/" + "very-long-name" * 500 + "/$model"),
    ("RuntimeError", "\n".join(f"line {number} of $model\t|" for number in range(300))),
    ("ValueError", "{{ 7 * 7 }} {% raw %} {$layer} %s %(x)s {0} <%= 7 * 7 %>"),
    ("TypeError", "[bold red]$model[/bold red] [/] [link=https://example.invalid]here[/link]"),
    ("ValueError", '=HYPERLINK("https://example.invalid","$model"),+1,-1,@SUM(1)\n"a","b"'),
    ("ValueError", "[$model](javascript:alert(1)) | a | b |\n|---|---|\n# heading\n```"),
    ("RuntimeError", "Z" + "\u0301\u0323" * 60 + " $layer \ufeff\u200b\u2028\u2029 end"),
    ("KeyError", '"}]}</style><!-- $model --><![CDATA[ ]]> \u0130\u0131'),
    ("ValueError", ""),
    ("OSError", "..%2f..%2f..%2fetc/passwd?model=$model&next=//example.invalid#top"),
)
"""What a file that somebody made can put into a message."""
