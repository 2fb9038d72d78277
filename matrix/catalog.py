"""What there is: the environments of environments.toml with their recipe digests, and the canonical models."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

from matrix.config import ROOT
from matrix.errors import CatalogError
from matrix.model import Environment, Model
from matrix.row_checks import Complaint
from matrix.rows import Overlay, Row, catalog_error, read_overlays, read_rows

IMAGES: Final = ROOT / "images"
ROWS: Final = IMAGES / "environments.toml"
RECIPE_FILES: Final = ("Dockerfile", "install.sh", "build-constraints.txt", "trim.py", "canary.py")
OVERLAY_FILES: Final = ("overlay.Dockerfile", "overlay.sh", "overlay_canary.py")


def base_image(python: str) -> str:
    """The image that an environment with this Python is built on."""
    return f"python:{python}-slim-bookworm"


def load_environments(path: Path = ROWS) -> tuple[Environment, ...]:
    """Read every environment, oldest TensorFlow first, each followed by its overlays.

    Raises:
        CatalogError: The file or a lock is malformed; it carries every complaint with its line.
    """
    rows, overlays, folder = read_rows(path), read_overlays(path), path.parent
    tables: tuple[Row | Overlay, ...] = (*rows, *overlays)
    complaints = [complaint for table in tables for complaint in _lock_complaints(table, folder)]
    if complaints:
        raise catalog_error(path, complaints, next_step="`make locks` writes the locks of all rows.")
    return tuple(
        environment
        for row in rows
        for environment in (
            _environment(row, folder),
            *(_overlaid(one, folder) for one in overlays if one.base.id == row.id),
        )
    )


def with_bases(chosen: Iterable[Environment], everything: Iterable[Environment]) -> tuple[Environment, ...]:
    """Return the chosen environments and the ones that they stand on, in the order of ``everything``."""
    needed = {name for one in chosen for name in (one.id, one.base)}
    return tuple(one for one in everything if one.id in needed)


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
    return _digest(base_image(row.python), (*RECIPE_FILES, f"locks/{row.id}.txt"), folder)


def overlay_digest(overlay: Overlay, folder: Path = IMAGES) -> str:
    """The identity of an overlay: its base's, and everything that goes on top."""
    beginning = f"{recipe_digest(overlay.base, folder)} {overlay.package}"
    return _digest(beginning, (*OVERLAY_FILES, f"locks/{overlay.id}.txt"), folder)


def locked_packages(environment: Environment, folder: Path = IMAGES) -> dict[str, str]:
    """Every package in an environment, with its version: what its lock pins over what that of its base does."""
    locks = (folder / "locks" / f"{name}.txt" for name in (environment.base, environment.id) if name is not None)
    return {
        name: version for lock in locks if lock.exists() for name, version in _pins(lock.read_text("utf-8")).items()
    }


def lock_origin(row: Row | Overlay, folder: Path = IMAGES) -> str:
    """What a lock states of the row that it was made from; a lock that states something else is another row's."""
    origin = f"{' '.join(row.requirements)} as of {row.cut_off.isoformat()}"
    if isinstance(row, Row):
        return f"{origin} for Python {row.python}"
    below = folder / "locks" / f"{row.base.id}.txt"
    digest = hashlib.sha256(below.read_bytes() if below.exists() else b"").hexdigest()[:16]
    return f"{origin} for Python {row.base.python} over {row.base.id}'s lock {digest}"


def _digest(beginning: str, names: Iterable[str], folder: Path) -> str:
    digest = hashlib.sha256(beginning.encode())
    for name in names:
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


def _overlaid(overlay: Overlay, folder: Path) -> Environment:
    return Environment(
        id=overlay.id,
        tensorflow=overlay.base.tensorflow,
        keras=overlay.keras,
        python=overlay.base.python,
        cut_off=overlay.cut_off,
        recipe_digest=overlay_digest(overlay, folder),
        base=overlay.base.id,
    )


def _lock_complaints(row: Row | Overlay, folder: Path) -> list[Complaint]:
    lock = folder / "locks" / f"{row.id}.txt"
    try:
        text = lock.read_text(encoding="utf-8", errors="replace")
    except (OSError, UnicodeDecodeError):
        return [Complaint(line=row.line, text=f"{row.id} has no lock at {lock}")]
    if f"{lock_origin(row, folder)} " not in text[:1000]:
        return [Complaint(line=row.line, text=f"the lock of {row.id} was made from another row")]
    return [Complaint(line=row.line, text=f"{lock.name}: {words}") for words in _lock_faults(row, text)]


def _lock_faults(row: Row | Overlay, lock: str) -> Iterator[str]:
    pins = _pins(lock)
    if isinstance(row, Overlay):
        if pins.get(row.package) != row.keras:
            yield f"pins {row.package} {pins.get(row.package)}, the row says {row.keras}"
    elif pins.get("tensorflow-cpu") != row.tensorflow:
        yield f"pins TensorFlow {pins.get('tensorflow-cpu')}, the row says {row.tensorflow}"
    elif "keras" in pins and pins["keras"] != row.keras:
        yield f"pins Keras {pins['keras']}, the row says {row.keras}"
    for requirement in re.split(r"\n(?=\S)", lock):
        if (
            "==" in requirement.split("\n")[0]
            and not requirement.startswith("#")
            and "--hash=sha256:" not in requirement
        ):
            yield f"{requirement.split()[0]} has no hash"


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, flags=re.MULTILINE))
