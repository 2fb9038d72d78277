"""The lines that show a cell elsewhere: for anybody, and for who has our images."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from matrix.catalog import load_environments
from matrix.model import CellRequest, Environment, Format, Method
from service import reproduce
from tests import store_samples

EVERY = {one.id: one for one in load_environments()}


def shared(format_: Format, method: Method, *, own: bool = False) -> reproduce.Shared:
    """A cell of 2.9 as somebody else may see it."""
    made = replace(store_samples.artifact(), is_tar=format_ is Format.SAVEDMODEL)
    request = CellRequest(saver="tf2.9", model="dense", format=format_, loader="tf2.15", method=method)
    return reproduce.Shared(artifact=made, address="/artifacts/a", request=request, own_classes=own)


def line(
    loader: Environment, format_: Format = Format.H5, method: Method = Method.DEFAULT, *, own: bool = False
) -> str:
    """What anybody may paste."""
    return reproduce.for_anybody(shared(format_, method, own=own), loader, EVERY[loader.base or loader.id])


def test_anybody_can_see_it_with_docker_alone() -> None:
    """One line that fetches the file, takes a public image, installs as of the environment's day, and names no path of ours."""
    words = shlex.split(line(EVERY["tf2.6"]))
    assert words[:4] == ["curl", "-fsSLo", "dense-tf2.9.h5", "$SITE/artifacts/a"]
    assert words[words.index("run") - 1 : words.index("run") + 5] == [
        "docker", "run", "--rm", "-v", "$PWD/dense-tf2.9.h5:/in:ro", "python:3.9-slim-bookworm",
    ]  # fmt: skip
    assert "--exclude-newer 2022-06-15 tensorflow-cpu==2.6.5" in words[-1]
    program = shlex.split(words[-1])[-1]
    assert "load_model" in program
    compile(program, "by hand", "exec")
    assert "/work" not in " ".join(words)
    assert str(Path.cwd()) not in " ".join(words)


def test_overlays_are_put_on_top() -> None:
    """Another Keras on the base's TensorFlow; tf_keras is switched on as in its image."""
    assert "tensorflow-cpu==2.16" in line(EVERY["tf2.16+keras3.0"])
    assert " keras==3.0" in line(EVERY["tf2.16+keras3.0"])
    legacy = line(EVERY["tf2.18+tf_keras2.18"])
    assert " tf-keras==2.18" in legacy
    assert "TF_USE_LEGACY_KERAS=1" in legacy


def test_recipes_are_wanted_where_the_file_alone_is_not_enough() -> None:
    """For weights, and for a model with classes of its own; a plain model loads without."""
    assert "images/probe" not in line(EVERY["tf2.15"], method=Method.COMPILE_FALSE)
    assert "images/probe" in line(EVERY["tf2.15"], method=Method.COMPILE_FALSE, own=True)
    assert "images/probe" in line(EVERY["tf2.15"], method=Method.WEIGHTS)
    folder = line(EVERY["tf2.15"], Format.SAVEDMODEL)
    assert "dense-tf2.9.tar" in folder
    assert "tar -xf /in" in folder


def test_our_image_needs_no_network() -> None:
    """The same file and program in the image that the cell was measured in."""
    found = reproduce.with_image(shared(Format.H5, Method.DEFAULT), EVERY["tf2.15"])
    assert f"--network none {EVERY['tf2.15'].image}" in found
    assert "pip" not in found
