"""What there is: the environments of environments.toml with their recipe digests, and the canonical models."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

from matrix.config import ROOT
from matrix.errors import CatalogError
from matrix.model import Environment, Model
from matrix.rows import Complaint, Row, catalog_error, read_rows

IMAGES: Final = ROOT / "images"
ROWS: Final = IMAGES / "environments.toml"
RECIPE_FILES: Final = ("Dockerfile", "install.sh", "trim.py", "canary.py")


def base_image(python: str) -> str:
    """The image that an environment with this Python is built on."""
    return f"python:{python}-slim-bookworm"


def load_environments(path: Path = ROWS) -> tuple[Environment, ...]:
    """Read every environment, oldest TensorFlow first.

    Raises:
        CatalogError: The file or a lock is malformed; it carries every complaint with its line.
    """
    rows = read_rows(path)
    complaints = [complaint for row in rows for complaint in _lock_complaints(row, path.parent)]
    if complaints:
        raise catalog_error(path, complaints, next_step="`make locks` writes the locks of all rows.")
    return tuple(_environment(row, path.parent) for row in rows)


@cache
def load_models() -> tuple[Model, ...]:
    """Read the canonical models from the probe's recipes, in their order."""
    path = IMAGES / "probe" / "recipes.py"
    spec = importlib.util.spec_from_file_location("tfmatrix_recipes", path)
    if spec is None or spec.loader is None:
        raise CatalogError(f"{path} cannot be read.", next_step="Restore it: `git checkout images/probe/recipes.py`.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(
        Model(id=one.id, title=one.title, shows=one.shows, needs_custom_objects=one.needs_custom_objects)
        for one in module.RECIPES.values()
    )


def recipe_digest(row: Row, folder: Path = IMAGES) -> str:
    """The identity of an environment: everything that goes into its image, sha256 in hexadecimal."""
    digest = hashlib.sha256(base_image(row.python).encode())
    for name in (*RECIPE_FILES, f"locks/{row.id}.txt"):
        content = (folder / name).read_bytes() if (folder / name).exists() else b""
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _environment(row: Row, folder: Path) -> Environment:
    return Environment(
        id=row.id,
        tensorflow=row.tensorflow,
        keras=row.keras,
        python=row.python,
        cut_off=row.cut_off,
        recipe_digest=recipe_digest(row, folder),
    )


def _lock_complaints(row: Row, folder: Path) -> list[Complaint]:
    lock = folder / "locks" / f"{row.id}.txt"
    if not lock.exists():
        return [Complaint(line=row.line, text=f"{row.id} has no lock at {lock}")]
    text = lock.read_text(encoding="utf-8")
    if f"tensorflow-cpu=={row.tensorflow} as of {row.cut_off}" not in text.split("\n\n")[0][:1000]:
        return [Complaint(line=row.line, text=f"the lock of {row.id} was made from another row")]
    return []
