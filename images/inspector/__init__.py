"""Looks into what somebody handed in, without TensorFlow: what it is, who saved it, what it wants, what it reaches for.

Runs in a container of its own, as nobody (images/inspector/Dockerfile). Imports the standard library, numpy, h5py and protobuf,
and two modules of images/probe: the codec, and the rules by which inputs are made.
"""
