"""The floor, for `tfmatrix bench`: import once, then fork, load, call, end. No protocol, no sandbox, no judging."""

import gc
import json
import os
import sys

sys.path.insert(0, "/probe")

import tensorflow as tf
from rungs import climb

tf.keras.models.load_model  # noqa: B018
with open(sys.argv[1]) as file:
    cells = json.load(file)
gc.collect()
gc.freeze()
for cell in cells:
    pid = os.fork()
    if pid == 0:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 2)
        climb(tf, *cell)
        os._exit(0)
    os.waitpid(pid, 0)
