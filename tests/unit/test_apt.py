"""The Debian mirror is the one that the host's own sources name."""

from __future__ import annotations

from pathlib import Path

import pytest

from images.bootstrap.apt import mirror
from matrix.errors import EngineError, ExitCode

MIRROR = "http://mirror.example/debian"


def sources(folder: Path, name: str, text: str) -> Path:
    """A folder like /etc/apt with one file of sources."""
    (folder / "sources.list.d").mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "line",
    [
        f"deb {MIRROR} bookworm main",
        f"deb {MIRROR}/ bookworm main",
        f"deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] {MIRROR} bookworm main contrib",
        f"# a comment\ndeb http://mirror.example/debian-security bookworm-security main\ndeb {MIRROR} bookworm main",
    ],
)
def test_one_line_sources(tmp_path: Path, line: str) -> None:
    """With options, with a slash at the end, after the security archive."""
    assert mirror(sources(tmp_path, "sources.list", line + "\n")) == MIRROR


@pytest.mark.parametrize("slash", ["", "/"])
def test_deb822_sources(tmp_path: Path, slash: str) -> None:
    """As Debian's own images have them; the security archive is not the mirror."""
    text = (
        "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n\n"
        f"Types: deb\nURIs: {MIRROR}{slash}\nSuites: bookworm\nComponents: main\n"
    )
    assert mirror(sources(tmp_path, "sources.list.d/debian.sources", text)) == MIRROR


@pytest.mark.parametrize(
    "text", ["", f"# deb {MIRROR} bookworm main\n", "deb http://mirror.example/ubuntu jammy main\n"]
)
def test_no_mirror_is_said_with_the_next_step(tmp_path: Path, text: str) -> None:
    """None, one in a comment, or another distribution's: nothing is guessed."""
    with pytest.raises(EngineError, match="No Debian mirror is named") as caught:
        mirror(sources(tmp_path, "sources.list", text))
    assert caught.value.exit_code is ExitCode.ENGINE
    assert caught.value.next_step


def test_no_sources_at_all_are_no_traceback(tmp_path: Path) -> None:
    """A machine without apt gets the same message."""
    with pytest.raises(EngineError):
        mirror(tmp_path)
