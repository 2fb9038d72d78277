"""The plain way, for `tfmatrix bench`: a process of its own that imports TensorFlow, loads one model and calls it."""

import sys

sys.path.insert(0, "/probe")

import tensorflow as tf
from rungs import climb

climb(tf, *sys.argv[1:])
