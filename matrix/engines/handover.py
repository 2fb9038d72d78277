"""The probe, where the engine sees it: a copy in the home folder, named by its content.

What is mounted into a sandbox is named by a path on the engine's machine. Our own code may lie in an image, as the runner's
does, where the engine does not see it; the home folder has the same path inside and outside.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from matrix.errors import UsageError


def handed_over(probe: Path, home: Path) -> Path:
    """Return the copy of a probe in the home folder, made where it is missing. One of another content is left alone.

    Raises:
        UsageError: The home folder cannot be written.
    """
    contents = {path: (probe / path).read_bytes() for path in _files(probe)}
    digest = hashlib.sha256()
    for path, content in contents.items():
        digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
    target = home / "probe" / digest.hexdigest()[:16]
    if not target.exists():
        try:
            _write(target, contents)
        except OSError as error:
            raise UsageError(
                f"{target} cannot be written ({error.strerror}).",
                next_step="Make the folder yours to write, or name another one in TFMATRIX_HOME.",
            ) from error
    return target


def _files(folder: Path) -> Iterator[Path]:
    found = (path.relative_to(folder) for path in folder.rglob("*.py") if path.is_file())
    yield from sorted(found)


def _write(target: Path, contents: dict[Path, bytes]) -> None:
    """Write beside the place, then put there: a sandbox never starts with half of a probe."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
        half_made = Path(scratch) / target.name
        for path, content in contents.items():
            (half_made / path).parent.mkdir(parents=True, exist_ok=True)
            (half_made / path).write_bytes(content)
        try:
            half_made.rename(target)
        except OSError:
            if not target.exists():  # it does where another process was faster
                raise
            shutil.rmtree(half_made)
