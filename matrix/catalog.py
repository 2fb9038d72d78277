"""What there is: the environments of environments.toml with their recipe digests, and the canonical models."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

from matrix.config import ROOT
from matrix.errors import CatalogError
from matrix.model import Environment, Model
from matrix.rows import Complaint, Row, catalog_error, read_rows

IMAGES: Final = ROOT / "images"
ROWS: Final = IMAGES / "environments.toml"
RECIPE_FILES: Final = ("Dockerfile", "install.sh", "build-constraints.txt", "trim.py", "canary.py")


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
    return tuple(
        Model(
            id=one.id,
            title=one.title,
            shows=one.shows,
            needs_custom_objects=one.needs_custom_objects,
            group=one.group,
            reference=one.reference,
            formats=one.formats,
            training_steps=one.training_steps,
        )
        for one in _recipes(IMAGES / "probe" / "recipes").RECIPES.values()
    )


def recipe_digest(row: Row, folder: Path = IMAGES) -> str:
    """The identity of an environment: everything that goes into its image, sha256 in hexadecimal."""
    digest = hashlib.sha256(base_image(row.python).encode())
    for name in (*RECIPE_FILES, f"locks/{row.id}.txt"):
        content = (folder / name).read_bytes() if (folder / name).exists() else b""
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _recipes(folder: Path) -> ModuleType:
    """Import the probe's package under a name of our own; its modules find each other by relative imports."""
    name = "tfmatrix_recipes"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not folder.is_dir():
        raise CatalogError(f"{folder} cannot be read.", next_step="Restore it: `git checkout images/probe/recipes`.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
    try:
        text = lock.read_text(encoding="utf-8", errors="replace")
    except (OSError, UnicodeDecodeError):
        return [Complaint(line=row.line, text=f"{row.id} has no lock at {lock}")]
    if f"{' '.join(row.requirements)} as of {row.cut_off} for Python {row.python} " not in text[:1000]:
        return [Complaint(line=row.line, text=f"the lock of {row.id} was made from another row")]
    return [Complaint(line=row.line, text=f"{lock.name}: {words}") for words in _lock_faults(row, text)]


def _lock_faults(row: Row, lock: str) -> Iterator[str]:
    pins = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, flags=re.MULTILINE))
    if pins.get("tensorflow-cpu") != row.tensorflow:
        yield f"pins TensorFlow {pins.get('tensorflow-cpu')}, the row says {row.tensorflow}"
    if "keras" in pins and pins["keras"] != row.keras:
        yield f"pins Keras {pins['keras']}, the row says {row.keras}"
    for requirement in re.split(r"\n(?=\S)", lock):
        if (
            "==" in requirement.split("\n")[0]
            and not requirement.startswith("#")
            and "--hash=sha256:" not in requirement
        ):
            yield f"{requirement.split()[0]} has no hash"
