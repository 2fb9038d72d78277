"""The bake file says what an image is made of, and nothing of the machine's secrets."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from images.bake import bake_file, labels, target
from matrix.catalog import load_environments
from matrix.model import Environment

DIGEST = "0123456789abcdef" * 4
SECRETS = {"settings": Path("/var/secrets/settings"), "certificates": Path("/var/secrets/certificates")}


def environment(
    identity: str = "tf2.15", python: str = "3.11", *, keras: str = "2.15.0", base: str | None = None
) -> Environment:
    """An environment as the catalog gives it."""
    return Environment(
        id=identity,
        tensorflow="2.15.1",
        keras=keras,
        python=python,
        cut_off=date(2024, 3, 21),
        recipe_digest=DIGEST,
        base=base,
    )


BASE = environment("tf2.18", "3.12", keras="3.9.0")
KERAS = environment("tf2.18+keras3.8", "3.12", keras="3.8.0", base="tf2.18")
TF_KERAS = environment("tf2.18+tf_keras2.18", "3.12", keras="2.18.0", base="tf2.18")


def baked(*environments: Environment) -> dict[str, dict[str, object]]:
    """The targets of a bake file."""
    document = bake_file(environments, context=Path("/images"), uv=Path("/uv"), secrets=SECRETS)
    json.dumps(document)
    targets: dict[str, dict[str, object]] = document["target"]
    return targets


def test_each_environment_is_a_target_of_its_own() -> None:
    """Builds run one by one, so that one that fails is the only one."""
    assert list(baked(environment(), environment("tf2.4", "3.8"))) == ["tf2-15", "tf2-4"]


def test_overlays_get_names_that_bake_allows() -> None:
    """No dot and no plus in a target, and no two environments share one."""
    assert target(environment("tf2.18+keras3.5")) == "tf2-18-keras3-5"


def test_base_and_lock_are_those_of_the_row() -> None:
    """The arguments name the Python's base image and the environment's lock."""
    arguments = baked(environment("tf2.4", "3.8"))["tf2-4"]["args"]
    assert arguments == {"BASE": "python:3.8-slim-bookworm", "LOCK": "locks/tf2.4.txt"}


def test_an_overlay_is_built_on_the_image_of_its_base() -> None:
    """It is derived, so that its base's layers are there once; the recipe is the overlays' own."""
    made = baked(BASE, KERAS)["tf2-18-keras3-8"]
    assert made["dockerfile"] == "overlay.Dockerfile"
    assert made["args"] == {
        "BASE": BASE.image,
        "LOCK": "locks/tf2.18+keras3.8.txt",
        "PACKAGE": "keras",
        "LEGACY": "0",
    }
    assert made["tags"] == [f"tfmatrix/tf2.18-keras3.8:{DIGEST[:16]}"]


def test_tf_keras_is_what_tensorflow_is_told_to_use() -> None:
    """Beside Keras 3 the Keras 2 that lives on is tf.keras only when TensorFlow is told so."""
    arguments = baked(BASE, TF_KERAS)["tf2-18-tf_keras2-18"]["args"]
    assert isinstance(arguments, dict)
    assert (arguments["PACKAGE"], arguments["LEGACY"]) == ("tf-keras", "1")


def test_the_tag_is_the_recipe_digest_and_the_labels_make_it_ours() -> None:
    """What is unchanged is found by its tag; what carries no label of ours is never touched."""
    made = baked(environment())["tf2-15"]
    assert made["tags"] == [f"tfmatrix/tf2.15:{DIGEST[:16]}"]
    assert made["labels"] == labels(environment())
    assert labels(environment())["tfmatrix.recipe"] == DIGEST


def test_host_settings_travel_as_secrets_only() -> None:
    """They are no argument and no label, which stay in an image."""
    made = baked(environment())["tf2-15"]
    assert made["secret"] == [f"id={name},src={path}" for name, path in SECRETS.items()]
    assert "secrets" not in json.dumps({key: made[key] for key in ("args", "labels", "tags", "contexts")})


def test_no_environment_is_no_target() -> None:
    """Nothing to build is an empty file, not an error."""
    assert baked() == {}


def test_target_names_have_nothing_that_bake_refuses() -> None:
    """Letters, digits, hyphens and underscores alone, for every environment there is, and none twice."""
    names = [target(one) for one in load_environments()]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)
    assert len(set(names)) == len(names)
