"""Debian packages: installed from the mirror that the host's own sources name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from images.bootstrap.commands import Say, call
from matrix.config import Settings
from matrix.errors import EngineError

APT: Final = Path("/etc/apt")
PIN: Final = "preferences.d/tfmatrix-trixie"
QUIET: Final = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}  # needrestart would end the engine
FROM_TRIXIE: Final = ("docker.io", "docker-cli", "docker-buildx", "docker-compose", "containerd", "runsc")
"""What installs on older releases, too. runc does not: trixie's wants a newer libc than bookworm has."""


def install(packages: Sequence[str], say: Say, *, only_upgrade: bool = False) -> None:
    """Install packages, without those that are only recommended; or upgrade those of them that are installed."""
    say(f"packages: {'upgrading' if only_upgrade else 'installing'} {', '.join(packages)}")
    refresh()
    options = ["--only-upgrade"] if only_upgrade else []
    words = ["apt-get", "-q", "install", "-y", "--no-install-recommends", *options, *packages]
    call(words, log=_log(), environment=QUIET, seconds=1200)


def refresh() -> None:
    """Ask the mirrors what there is."""
    call(["apt-get", "-q", "update"], log=_log(), environment=QUIET)


def ours(apt: Path = APT) -> bool:
    """Whether this program made trixie a source for the engine here, and may change packages."""
    return os.geteuid() == 0 and (apt / PIN).exists()


def trixie_source(say: Say, apt: Path = APT) -> bool:
    """Make Debian trixie a source for the engine's packages only: priority 600 for them, 1 for all else.

    Returns:
        Whether anything had to be changed for it.
    """
    pin = (
        "Package: *\nPin: release n=trixie\nPin-Priority: 1\n\n"
        f"Package: {' '.join(FROM_TRIXIE)}\nPin: release n=trixie\nPin-Priority: 600\n"
    )
    source = apt / "sources.list.d" / "tfmatrix-trixie.list"
    if source.exists() and (apt / PIN).exists() and (apt / PIN).read_text(encoding="utf-8") == pin:
        return False
    say("packages: Debian trixie becomes a source for the engine's packages only")
    (apt / PIN).write_text(pin, encoding="utf-8")
    source.write_text(f"deb {mirror(apt)} trixie main\n", encoding="utf-8")
    return True


def _log() -> Path:
    return Settings().home / "logs" / "apt.log"


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
