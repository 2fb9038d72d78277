"""The image of web, runner and nightly: our own code on the base of one Python, named by the digest of what goes in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from images.bootstrap.bases import ensure_base
from images.bootstrap.commands import Say, call
from images.bootstrap.engine import connect, image_exists
from images.inputs import Inputs, laid_out
from matrix.catalog import base_image
from matrix.config import ROOT, Settings

PYTHON: Final = "3.11"
"""The oldest that we run on, which is what we are developed and tested with; environments have it as a base, too."""

FOLDERS: Final = ("images", "matrix", "reports", "service")
FILES: Final = ("pyproject.toml", "requirements-service.lock")
RECIPE: Final = "images/service.Dockerfile"
BUILD_SECONDS: Final = 1800
_NOT_OURS: Final = frozenset({"__pycache__"})


def contents(root: Path = ROOT) -> Iterator[Path]:
    """Yield every file that goes into the image, relative to the root, in order."""
    found = [root / name for name in FILES]
    found += [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    yield from sorted(one.relative_to(root) for one in found if not _NOT_OURS & set(one.parts) and one.suffix != ".pyc")


def digest(root: Path = ROOT) -> str:
    """Return the sha256 of the base's name and of everything that goes in."""
    found = hashlib.sha256(base_image(PYTHON).encode())
    for path in contents(root):
        content = (root / path).read_bytes()
        found.update(f"\0{path}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def image_name(root: Path = ROOT) -> str:
    """Return the name of the image that this checkout's code makes."""
    return f"tfmatrix/service:{digest(root)[:16]}"


def ensure_service_image(say: Say) -> str:
    """Have the image of this checkout's code, and return its name.

    Raises:
        BuildError: It, or its base, cannot be made; names the log.
    """
    name = image_name()
    if image_exists(connect(), name):
        say(f"image: {name} is here")
        return name
    ensure_base(PYTHON, say)
    say(f"image: building {name}")
    folder = Settings().home / "build" / "service"
    context = folder / "context"
    _lay_out_context(context)
    with laid_out(folder) as inputs:
        log = Settings().home / "logs" / "build" / "service.log"
        call(_words(name, context, inputs), log=log, seconds=BUILD_SECONDS)
    return name


def _lay_out_context(folder: Path, root: Path = ROOT) -> None:
    """Copy what goes in to a folder of its own: a build sends its whole context, and a checkout holds gigabytes."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in contents(root):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)


def _words(name: str, context: Path, inputs: Inputs) -> list[str]:
    labels = {
        "tfmatrix.project": "tfmatrix",
        "tfmatrix.environment": "service",
        "tfmatrix.recipe": name.partition(":")[2],
    }
    return [
        "docker", "buildx", "build", "--load", "--progress=plain", "-f", str(context / RECIPE),
        "--build-arg", f"BASE={base_image(PYTHON)}", "--build-context", f"uv={inputs.uv}",
        *(word for key, path in inputs.secrets.items() for word in ("--secret", f"id={key},src={path}")),
        *(word for key, value in labels.items() for word in ("--label", f"{key}={value}")),
        "-t", name, str(context),
    ]  # fmt: skip
