"""Keeps the engine's parts that meet hostile programs as new as Debian has them, where this project installed the engine."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Final

from images.bootstrap.apt import install, ours, refresh, trixie_source
from images.bootstrap.commands import Say
from matrix.errors import BuildError, EngineError

PARTS: Final = ("runc", "containerd")
"""Started anew for each container, and no package of theirs ends one that runs. The daemon itself is not upgraded: it would."""
LISTS: Final = Path("/var/lib/apt/lists/partial")
STALE_SECONDS: Final = 24 * 3600
REPAIRED: Final = ((1, 2, 8), (1, 3, 3))
"""The first 1.2 and 1.3 of runc with the repairs of CVE-2025-31133, -52565 and -52881; 1.4 has had them from the start."""
_PATCHED_BY_DEBIAN: Final = re.compile(r"1\.1\.5\+ds1-1\+deb12u[1-9]|rc93\+ds1-5\+deb11u[3-9]")


def known_escapes(runc: str) -> tuple[str, ...]:
    """Return the known ways out of a container that a version of runc leaves open, as Debian or upstream writes it."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", runc)[:3])
    found: tuple[str, ...] = ()
    if numbers < (1, 1, 12) and not _PATCHED_BY_DEBIAN.search(runc):
        found += ("CVE-2024-21626",)
    repaired = numbers[:2] > REPAIRED[-1][:2] or any(
        numbers[:2] == first[:2] and numbers >= first for first in REPAIRED
    )
    return found if repaired else (*found, "CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881")


def upgrade_parts(say: Say, *, stale_seconds: float = STALE_SECONDS) -> None:
    """Upgrade runc and containerd where this project installed the engine and Debian has newer ones; else do nothing.

    Containers that run go on, and the daemon is not restarted. What fails is said and stops nothing.
    """
    if not ours():
        return
    try:
        if trixie_source(say) or _lists_are_old(stale_seconds):
            refresh()
        outdated = [name for name, (installed, candidate) in _versions().items() if installed not in {candidate, ""}]
        if outdated:
            install(outdated, say, only_upgrade=True)
    except (BuildError, EngineError) as error:
        say(f"engine: {' and '.join(PARTS)} stay as they are: {error.message}")


def policy(text: str) -> dict[str, tuple[str, str]]:
    """Read what ``apt-cache policy`` says: of each package the installed version, empty for none, and the candidate."""
    found: dict[str, tuple[str, str]] = {}
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        versions = dict(re.findall(r"^  (Installed|Candidate): (\S+)", block, re.MULTILINE))
        if len(versions) == len(("Installed", "Candidate")):
            name = block.partition(":")[0]
            found[name] = (versions["Installed"].replace("(none)", ""), versions["Candidate"].replace("(none)", ""))
    return found


def _versions() -> dict[str, tuple[str, str]]:
    asked = ["apt-cache", "policy", *PARTS]
    environment = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    said = subprocess.run(asked, capture_output=True, text=True, env=environment, timeout=60, check=False)  # noqa: S603
    return policy(said.stdout)


def _lists_are_old(seconds: float) -> bool:
    return not LISTS.exists() or time.time() - LISTS.stat().st_mtime > seconds
