"""SavedModels that do harm when they are loaded or called: by the ops of their graphs."""

from __future__ import annotations

from typing import Any, Final

from matrix.model import Format, Method, Verdict
from tests.hostile.case import Cases

ATTACKS: Final = Cases("SavedModels that do harm when they are loaded or called")
LOADS, FAIL, TIMEOUT = Verdict.LOADS, Verdict.FAIL, Verdict.TIMEOUT
CRASH, OUT_OF_MEMORY = Verdict.CRASH, Verdict.OUT_OF_MEMORY

SAVEDMODEL: Final = {"format": Format.SAVEDMODEL, "method": Method.SAVED_MODEL_LOAD}


@ATTACKS.case(FAIL, often=True, **SAVEDMODEL)
def reads_a_file(kit: Any) -> Any:
    """A SavedModel that reads a file of the host when it is called. Stopped by: the file is not there."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.io.read_file(tf.constant(kit.canary))})


@ATTACKS.case(LOADS, often=True, **SAVEDMODEL)
def reads_the_image(kit: Any) -> Any:
    """A SavedModel that reads a file of the image and answers with it. Stopped by: nothing; the image holds no secret."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.io.read_file(tf.constant("/etc/passwd"))})


@ATTACKS.case(FAIL, often=True, **SAVEDMODEL)
def writes_a_file(kit: Any) -> Any:
    """A SavedModel that writes a file when it is called. Stopped by: a read-only root and read-only mounts."""
    tf = kit.tf

    def serve(x):
        with tf.control_dependencies([tf.io.write_file(tf.constant("/in/owned"), tf.constant("x"))]):
            return {"y": tf.identity(x)}

    return kit.savedmodel(serve)


@ATTACKS.case(FAIL, LOADS, **SAVEDMODEL)
def prints_to_a_file(kit: Any) -> Any:
    """A SavedModel that prints into the probe and beside the canary. Stopped by: the same."""
    tf = kit.tf

    def serve(x):
        first = tf.print("raise SystemExit", output_stream="file:///probe/load.py")
        with tf.control_dependencies([first, tf.print("x", output_stream="file://" + kit.canary)]):
            return {"y": tf.identity(x)}

    return kit.savedmodel(serve)


@ATTACKS.case(FAIL, LOADS, **SAVEDMODEL)
def saves_and_restores(kit: Any) -> Any:
    """A SavedModel that saves its tensors over the host's file and restores from it. Stopped by: the same."""
    tf = kit.tf

    def serve(x):
        saved = tf.raw_ops.SaveV2(prefix=kit.canary, tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        with tf.control_dependencies([saved]):
            return {
                "y": tf.raw_ops.RestoreV2(
                    prefix=kit.canary, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
                )[0]
            }

    return kit.savedmodel(serve)


@ATTACKS.case(LOADS, FAIL, **SAVEDMODEL)
def lists_files(kit: Any) -> Any:
    """A SavedModel that lists files, the host's and those of other uploads. Stopped by: there are none but its own."""
    tf = kit.tf
    return kit.savedmodel(
        lambda x: {"y": tf.io.matching_files(tf.constant(["/in/*", "/var/uploads/*/*", kit.canary + "*"]))}
    )


@ATTACKS.case(TIMEOUT, often=True, **SAVEDMODEL)
def never_ends(kit: Any) -> Any:
    """A SavedModel with a loop that never ends, in TensorFlow's own threads. Stopped by: the clock; SIGTERM ends it."""
    tf = kit.tf

    def serve(x):
        return {
            "y": x
            + tf.cast(tf.while_loop(lambda n: n > -1, lambda n: [(n + 1) % 1000], [tf.constant(0)])[0], tf.float32)
        }

    return kit.savedmodel(serve)


@ATTACKS.case(OUT_OF_MEMORY, FAIL, CRASH, TIMEOUT, **SAVEDMODEL)
def eats_memory_in_a_graph(kit: Any) -> Any:
    """A SavedModel that asks for a tensor of 4 TB. Stopped by: the limit on memory, or the clock."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.reduce_sum(tf.fill([1 << 20, 1 << 20], x[0, 0]))})


@ATTACKS.case(FAIL, **SAVEDMODEL)
def calls_python(kit: Any) -> Any:
    """A SavedModel with a py_function, which names code in the saver's process. Stopped by: that process is not this one."""
    tf = kit.tf
    return kit.savedmodel(lambda x: {"y": tf.py_function(lambda n: n, [x], tf.float32)})


@ATTACKS.case(FAIL, LOADS, **SAVEDMODEL)
def asset_outside(kit: Any) -> Any:
    """A SavedModel whose asset is a path that leads out of its folder. Stopped by: there is nothing but the image."""
    import os

    from tensorflow.core.protobuf import saved_model_pb2

    def edit(path):
        place = os.path.join(path, "saved_model.pb")
        message = saved_model_pb2.SavedModel()
        with open(place, "rb") as file:
            message.ParseFromString(file.read())
        asset = message.meta_graphs[0].asset_file_def.add()
        asset.filename, asset.tensor_info.name = "../../../../.." + kit.canary, "Const:0"
        with open(place, "wb") as file:
            file.write(message.SerializeToString())

    return kit.savedmodel(lambda x: {"y": x + 1.0}, edit)


@ATTACKS.case(FAIL, CRASH, **SAVEDMODEL)
def kernel_that_checks(kit: Any) -> Any:
    """A SavedModel that calls kernels with arguments on which old ones crash (CVE-2022-35982, CVE-2022-36011 and the like).
    Stopped by: a crash is one process; newer kernels raise.
    """
    tf = kit.tf

    def serve(x):
        huge = tf.constant([1 << 62], tf.int64)
        first = tf.raw_ops.SparseBincount(
            indices=tf.constant([], tf.int64, (0, 0)),
            values=tf.constant([], tf.int64),
            dense_shape=tf.constant([-5], tf.int64),
            size=huge[0],
            weights=tf.constant([], tf.float32),
            binary_output=False,
        )
        return {"y": first}

    return kit.savedmodel(serve)
