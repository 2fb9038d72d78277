"""An image of our own code on the base of one Python, named by the digest of what goes in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from images.bootstrap.bases import ensure_base
from images.bootstrap.commands import Say, call
from images.bootstrap.engine import connect, image_exists
from images.inputs import Inputs, laid_out
from matrix.catalog import base_image
from matrix.config import ROOT, Settings
from matrix.errors import BuildError

PYTHON: Final = "3.11"
"""The oldest that we run on, which is what we are developed and tested with; environments have it as a base, too."""

BUILD_SECONDS: Final = 1800
_NOT_OURS: Final = frozenset({"__pycache__"})


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnImage:
    """What goes into an image: files and whole folders of the checkout; ``recipe`` is the Dockerfile among them."""

    what: str
    recipe: str
    files: tuple[str, ...]
    folders: tuple[str, ...]

    def contents(self, root: Path = ROOT) -> Iterator[Path]:
        """Yield every file that goes into the image, relative to the root, in order.

        Raises:
            BuildError: Not all of it is here: this is an installed package, and the image is made from a checkout.
        """
        found = [root / name for name in self.files]
        missing = next((one for one in found if not one.exists()), None)
        if missing is not None:
            raise BuildError(
                f"The image {self.what} is made from {missing.name}, which an installed tfmatrix has not.",
                next_step="Get a checkout of the repository, and run it there (`make up`).",
            )
        found += [path for folder in self.folders for path in (root / folder).rglob("*") if path.is_file()]
        yield from sorted(
            one.relative_to(root) for one in found if not _NOT_OURS & set(one.parts) and one.suffix != ".pyc"
        )

    def digest(self, root: Path = ROOT) -> str:
        """Return the sha256 of the base's name and of everything that goes in."""
        found = hashlib.sha256(base_image(PYTHON).encode())
        for path in self.contents(root):
            content = (root / path).read_bytes()
            found.update(f"\0{path}\0{len(content)}\0".encode() + content)
        return found.hexdigest()

    def name(self, root: Path = ROOT) -> str:
        """Return the name of the image that this checkout's code makes."""
        return f"tfmatrix/{self.what}:{self.digest(root)[:16]}"

    def ensure(self, say: Say) -> str:
        """Have the image of this checkout's code, and return its name.

        Raises:
            BuildError: It, or its base, cannot be made; names the log.
        """
        name = self.name()
        if image_exists(connect(), name):
            say(f"image: {name} is here")
            return name
        ensure_base(PYTHON, say)
        say(f"image: building {name}")
        folder = Settings().home / "build" / self.what
        context = folder / "context"
        self._lay_out_context(context)
        with laid_out(folder) as inputs:
            log = Settings().home / "logs" / "build" / f"{self.what}.log"
            call(self._words(name, context, inputs), log=log, seconds=BUILD_SECONDS)
        return name

    def _lay_out_context(self, folder: Path, root: Path = ROOT) -> None:
        """Copy what goes in to a folder of its own: a build sends its whole context, and a checkout holds gigabytes."""
        shutil.rmtree(folder, ignore_errors=True)
        for path in self.contents(root):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, target)

    def _words(self, name: str, context: Path, inputs: Inputs) -> list[str]:
        labels = {
            "tfmatrix.project": "tfmatrix",
            "tfmatrix.environment": self.what,
            "tfmatrix.recipe": name.partition(":")[2],
        }
        return [
            "docker", "buildx", "build", "--load", "--progress=plain", "-f", str(context / self.recipe),
            "--build-arg", f"BASE={base_image(PYTHON)}", "--build-context", f"uv={inputs.uv}",
            *(word for key, path in inputs.secrets.items() for word in ("--secret", f"id={key},src={path}")),
            *(word for key, value in labels.items() for word in ("--label", f"{key}={value}")),
            "-t", name, str(context),
        ]  # fmt: skip
