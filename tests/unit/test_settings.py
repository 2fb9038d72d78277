"""What the host knows about packages is found wherever it stands, and only what a build can reach is handed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from images.settings import host_settings, pip_configuration

INDEX = "https://packages.example/simple"
OTHER = "https://other.example/simple"


def test_a_host_without_settings_hands_on_nothing() -> None:
    """The client's own defaults serve."""
    settings = host_settings({}, {})
    assert settings.as_environment() == {}
    assert settings.certificates is None


@pytest.mark.parametrize(
    ("environ", "config"),
    [
        ({"UV_DEFAULT_INDEX": INDEX, "PIP_INDEX_URL": OTHER}, {"index-url": OTHER}),
        ({"UV_INDEX_URL": INDEX}, {"index-url": OTHER}),
        ({"PIP_INDEX_URL": INDEX}, {"index-url": OTHER}),
        ({}, {"index-url": INDEX}),
    ],
)
def test_uv_wins_over_pip_and_the_environment_over_files(environ: dict[str, str], config: dict[str, str]) -> None:
    """The index is the one that stands nearest to uv."""
    assert host_settings(environ, config).as_environment() == {"UV_DEFAULT_INDEX": INDEX}


def test_folders_of_this_host_are_not_handed_on() -> None:
    """A build does not see the host's files, so an index of files would only make it fail."""
    settings = host_settings({}, {"index-url": "file:///packages", "extra-index-url": f"file:///more {INDEX}"})
    assert settings.as_environment() == {"UV_INDEX": INDEX}


def test_proxies_are_handed_on_in_either_spelling() -> None:
    """Capital and small letters are both in use."""
    found = host_settings({"https_proxy": "http://proxy.example:3128", "NO_PROXY": "localhost"}, {}).as_environment()
    assert found == {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "localhost"}


def test_certificates_are_those_that_exist(tmp_path: Path) -> None:
    """A variable that points nowhere is no certificate."""
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    assert host_settings({"SSL_CERT_FILE": str(bundle)}, {}).certificates == bundle
    assert host_settings({"PIP_CERT": str(bundle)}, {}).certificates == bundle
    assert host_settings({}, {"cert": str(bundle)}).certificates == bundle
    assert host_settings({"SSL_CERT_FILE": str(tmp_path / "none")}, {}).certificates is None


def test_pip_files_are_read_as_pip_reads_them(tmp_path: Path) -> None:
    """The user's file is read, the named one wins over it, and a broken one is no traceback."""
    user = tmp_path / ".config" / "pip"
    user.mkdir(parents=True)
    (user / "pip.conf").write_text(f"[global]\nindex-url = {OTHER}\n")
    named = tmp_path / "named.conf"
    named.write_text(f"[global]\nindex-url = {INDEX}\n")
    assert pip_configuration({"HOME": str(tmp_path)})["index-url"] == OTHER
    assert pip_configuration({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(named)})["index-url"] == INDEX
    named.write_text("index-url before any section\n")
    assert pip_configuration({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(named)}) == {}


def test_further_indexes_are_split_and_kept_in_order() -> None:
    """They are separated by spaces and line ends."""
    assert host_settings({}, {"extra-index-url": f"\n{INDEX}\n{OTHER}"}).extra_indexes == (INDEX, OTHER)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[global\n", b"index-url = x\n", b"[global]\na = 1\na = 2\n"])
def test_a_broken_pip_configuration_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    """Undecodable, cut off, without a section, or with a key twice: as good as none."""
    path = tmp_path / "pip.conf"
    path.write_bytes(content)
    assert pip_configuration({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(path)}) == {}
