"""From environments to the file that `docker buildx bake` reads. Pure: paths and values in, a document out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from matrix.catalog import base_image
from matrix.model import Environment

PROJECT: Final = "tfmatrix"


def target(environment: Environment) -> str:
    """The name of an environment's target; bake allows no dot in it."""
    return environment.id.replace(".", "-").replace("+", "-")


def bake_file(
    environments: Iterable[Environment], *, context: Path, uv: Path, secrets: Mapping[str, Path]
) -> dict[str, Any]:
    """Return the bake document.

    Args:
        environments: One target is made of each.
        context: The folder with Dockerfile, locks and scripts.
        uv: A folder that holds the uv binary and nothing else.
        secrets: Files that a build may read and that no layer keeps, by id.
    """
    return {"target": {target(one): _target(one, context, uv, secrets) for one in environments}}


def labels(environment: Environment) -> dict[str, str]:
    """What an image says of itself; nothing without these is ever touched."""
    return {
        "tfmatrix.project": PROJECT,
        "tfmatrix.environment": environment.id,
        "tfmatrix.recipe": environment.recipe_digest,
    }


def _target(environment: Environment, context: Path, uv: Path, secrets: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "context": str(context),
        "dockerfile": "Dockerfile",
        "args": {"BASE": base_image(environment.python), "LOCK": f"locks/{environment.id}.txt"},
        "contexts": {"uv": str(uv)},
        "secret": [f"id={name},src={path}" for name, path in secrets.items()],
        "labels": labels(environment),
        "tags": [environment.image],
        "output": ["type=docker"],
    }
