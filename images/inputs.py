"""What every build of an image gets beside its recipe: uv, and the host's package settings as secrets."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from images.settings import host_settings, uv_binary


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """A folder that holds the uv binary and nothing else, and the files that a build may read and no layer keeps."""

    uv: Path
    secrets: Mapping[str, Path]


@contextmanager
def laid_out(folder: Path) -> Iterator[Inputs]:
    """Lay out uv and the secrets in a folder; take the secrets away again."""
    uv, secrets = folder / "uv", folder / "secrets"
    uv.mkdir(parents=True, exist_ok=True)
    secrets.mkdir(mode=0o700, exist_ok=True)
    shutil.copy2(uv_binary(), uv / "uv")
    try:
        yield Inputs(uv=uv, secrets=_write_secrets(secrets))
    finally:
        shutil.rmtree(secrets, ignore_errors=True)


def _write_secrets(folder: Path) -> dict[str, Path]:
    """Write the host's package settings to files that a build mounts; empty where the host has none."""
    settings = host_settings()
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in settings.as_environment().items()]
    files = {"settings": folder / "settings", "certificates": folder / "certificates"}
    files["settings"].write_text("".join(lines), encoding="utf-8")
    files["certificates"].write_bytes(settings.certificates.read_bytes() if settings.certificates else b"")
    for path in files.values():
        path.chmod(0o600)
    return files
