"""Overlays in their images: another Keras, and nothing else, than the environment they stand on."""

from __future__ import annotations

import docker
import pytest

from images.bake import labels
from matrix.blobs import Blobs
from matrix.engines.docker import DockerEngine
from matrix.model import Environment
from tests.containers.conftest import MakeSession

pytestmark = [
    pytest.mark.containers,
    pytest.mark.everything,
    pytest.mark.parametrize("name", ["tf2.16+keras3.0", "tf2.18+tf_keras2.18"]),
]


def test_overlay_proves_itself(
    name: str, make_session: MakeSession, blobs: Blobs, environments: dict[str, Environment]
) -> None:
    """It loads its own canary, and what it states from inside is the Keras of its row on its base's TensorFlow."""
    with make_session(name) as session:
        session.prove(blobs)
    row = environments[name]
    found = session.identity.versions
    assert (found["tensorflow"], found["keras"]) == (row.tensorflow, row.keras)
    assert session.identity.facts["threads"] == 1


def test_overlay_is_ours_and_shares_the_layers_of_its_base(
    name: str, engine: DockerEngine, client: docker.DockerClient, environments: dict[str, Environment]
) -> None:
    """The labels are its own, and all that lies below its one layer is its base's."""
    missing = engine.missing((environments[name],))
    assert not missing, f"{missing}: run `tfmatrix setup --environments all`."
    row = environments[name]
    image, base = client.images.get(row.image), client.images.get(environments[row.base or ""].image)
    assert labels(row).items() <= image.labels.items()
    assert image.attrs["RootFS"]["Layers"][:-1] == base.attrs["RootFS"]["Layers"]
