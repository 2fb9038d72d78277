"""Debian packages: installed from the mirror that the host's own sources name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from images.bootstrap.commands import Say, call
from matrix.config import Settings
from matrix.errors import EngineError

APT: Final = Path("/etc/apt")
QUIET: Final = {"DEBIAN_FRONTEND": "noninteractive"}


def install(packages: Sequence[str], say: Say) -> None:
    """Install packages, without those that are only recommended."""
    say(f"packages: installing {', '.join(packages)}")
    log = Settings().home / "logs" / "apt.log"
    call(["apt-get", "-q", "update"], log=log, environment=QUIET)
    words = ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages]
    call(words, log=log, environment=QUIET, seconds=1200)


def trixie_source(packages: Sequence[str], say: Say) -> None:
    """Make Debian trixie a source for these packages only: priority 600 for them, 1 for all else."""
    say("packages: Debian trixie becomes a source for the engine's packages only")
    (APT / "sources.list.d" / "tfmatrix-trixie.list").write_text(f"deb {mirror()} trixie main\n", encoding="utf-8")
    (APT / "preferences.d" / "tfmatrix-trixie").write_text(
        "Package: *\nPin: release n=trixie\nPin-Priority: 1\n\n"
        f"Package: {' '.join(packages)}\nPin: release n=trixie\nPin-Priority: 600\n",
        encoding="utf-8",
    )


def mirror(apt: Path = APT) -> str:
    """Return the Debian mirror that this host uses.

    Raises:
        EngineError: Its sources name none.
    """
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    for pattern in (r"^URIs:\s*(\S+/debian)/?\s*$", r"^deb\s+(?:\[[^]]*\]\s+)?(\S+/debian)/?\s"):
        for text in texts:
            if found := re.search(pattern, text, re.MULTILINE):
                return found.group(1)
    raise EngineError(
        f"No Debian mirror is named in {apt}/sources.list or {apt}/sources.list.d.",
        next_step="Add the mirror that this machine uses there, then run the same command again.",
    )
