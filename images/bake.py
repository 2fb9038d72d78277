"""From environments to the file that `docker buildx bake` reads. Pure: paths and values in, a document out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from matrix.catalog import base_image
from matrix.model import Environment, Flavour

PROJECT: Final = "tfmatrix"


def target(environment: Environment) -> str:
    """The name of an environment's target; bake allows no dot in it."""
    return environment.id.replace(".", "-").replace("+", "-")


def bake_file(
    environments: Iterable[Environment], *, context: Path, uv: Path, secrets: Mapping[str, Path]
) -> dict[str, Any]:
    """Return the bake document.

    Args:
        environments: One target is made of each; an overlay's base has to be among them.
        context: The folder with Dockerfile, locks and scripts.
        uv: A folder that holds the uv binary and nothing else.
        secrets: Files that a build may read and that no layer keeps, by id.
    """
    by_id = {one.id: one for one in environments}
    common = {
        "context": str(context),
        "contexts": {"uv": str(uv)},
        "secret": [f"id={name},src={path}" for name, path in secrets.items()],
        "output": ["type=docker"],
    }
    return {"target": {target(one): common | _target(one, by_id.get(one.base or "")) for one in by_id.values()}}


def labels(environment: Environment) -> dict[str, str]:
    """What an image says of itself; nothing without these is ever touched."""
    return {
        "tfmatrix.project": PROJECT,
        "tfmatrix.environment": environment.id,
        "tfmatrix.recipe": environment.recipe_digest,
    }


def _target(environment: Environment, base: Environment | None) -> dict[str, Any]:
    arguments = {"LOCK": f"locks/{environment.id}.txt"}
    if base is None:
        arguments["BASE"] = base_image(environment.python)
    else:
        legacy = environment.flavour is Flavour.TF_KERAS
        arguments |= {"BASE": base.image, "LEGACY": str(int(legacy)), "PACKAGE": "tf-keras" if legacy else "keras"}
    return {
        "dockerfile": "Dockerfile" if base is None else "overlay.Dockerfile",
        "args": arguments,
        "labels": labels(environment),
        "tags": [environment.image],
    }
