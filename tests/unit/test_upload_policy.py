"""Who may upload follows from the settings and from where the site is reached; nothing is open beyond loopback by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matrix.config import UPLOAD_KINDS, Settings
from matrix.errors import UsageError
from service.uploads.policy import Policy, is_loopback, policy_of

EVERYWHERE = "0.0.0.0"  # noqa: S104  (what is tried)


@pytest.mark.parametrize(
    ("host", "words", "policy"),
    [
        ("127.0.0.1", {}, Policy.LOCAL),
        ("::1", {}, Policy.LOCAL),
        ("localhost", {}, Policy.LOCAL),
        ("127.0.0.1", {"upload_token": "secret"}, Policy.TOKEN),
        (EVERYWHERE, {"upload_token": "secret"}, Policy.TOKEN),
        ("127.0.0.1", {"uploads": "token", "upload_token": "secret"}, Policy.TOKEN),
        (EVERYWHERE, {"uploads": "open"}, Policy.OPEN),
        ("127.0.0.1", {"uploads": "open", "upload_token": "secret"}, Policy.OPEN),
        (EVERYWHERE, {"uploads": "off"}, Policy.OFF),
    ],
)
def test_who_may_upload(tmp_path: Path, host: str, words: dict[str, Any], policy: Policy) -> None:
    """A token that is set is asked for; without one only this machine may, unless everybody is let in by name."""
    assert policy_of(Settings(home=tmp_path, **words), host) is policy


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.5", "example.org"])
def test_nobody_is_open_to_strangers_by_accident(tmp_path: Path, host: str) -> None:
    """Beyond loopback it has to be said; the sentence names all three ways."""
    with pytest.raises(UsageError, match="a model is a program") as caught:
        policy_of(Settings(home=tmp_path), host)
    for way in ("TFMATRIX_UPLOAD_TOKEN", "TFMATRIX_UPLOADS=open", "TFMATRIX_UPLOADS=off"):
        assert way in caught.value.next_step


def test_a_token_that_is_asked_for_has_to_be_there(tmp_path: Path) -> None:
    """Else nobody could upload, and nobody would know why."""
    with pytest.raises(UsageError, match="there is none"):
        policy_of(Settings(home=tmp_path, uploads="token"), "127.0.0.1")


def test_loopback_is_no_matter_of_spelling() -> None:
    """Any address of 127/8, and IPv6 with its brackets; no other name."""
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "LOCALHOST")))
    assert not any(map(is_loopback, ("localhost.example.org", "10.0.0.1", "127.0.0.1.example.org", "")))


def test_kinds_and_proxies_are_checked_when_they_are_read(tmp_path: Path) -> None:
    """A slip of the pen is told at once, not by the first upload."""
    assert Settings(home=tmp_path).kinds_taken == frozenset(UPLOAD_KINDS)
    assert Settings(home=tmp_path, upload_kinds="keras, h5").kinds_taken == {"keras", "h5"}
    with pytest.raises(ValueError, match="'hdf5' is no kind"):
        Settings(home=tmp_path, upload_kinds="keras,hdf5")
    assert [str(one) for one in Settings(home=tmp_path, trusted_proxies="10.0.0.1/8, ::1").proxies] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(home=tmp_path, trusted_proxies="proxy.example.org")
