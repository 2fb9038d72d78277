"""The host's package settings (indexes, certificates, proxies), so that a build reaches what the host reaches.

They travel as BuildKit secrets and in the environment of our own processes: never in a layer, a log or a committed
line.
"""

from __future__ import annotations

import configparser
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matrix.errors import BuildError

CERTIFICATES: Final = ("SSL_CERT_FILE", "UV_SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageSettings:
    """What a package client needs to know; ``index`` is None where the client's own default serves."""

    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    certificates: Path | None = None
    proxies: Mapping[str, str]

    def as_environment(self) -> dict[str, str]:
        """The settings as uv reads them, proxies included."""
        found = dict(self.proxies)
        if self.index:
            found["UV_DEFAULT_INDEX"] = self.index
        if self.extra_indexes:
            found["UV_INDEX"] = " ".join(self.extra_indexes)
        return found


def host_settings(environ: Mapping[str, str] | None = None, config: Mapping[str, str] | None = None) -> PackageSettings:
    """What this host's environment and pip configuration say; uv's words win over pip's.

    Folders of packages on the host (``file:`` indexes, find-links) are left out: a build does not see them.
    """
    env = os.environ if environ is None else environ
    pip = pip_configuration(env) if config is None else config
    index = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or env.get("PIP_INDEX_URL") or pip.get("index-url")
    extra = env.get("UV_INDEX") or env.get("UV_EXTRA_INDEX_URL") or env.get("PIP_EXTRA_INDEX_URL")
    cert = next((env[name] for name in CERTIFICATES if env.get(name)), None) or pip.get("cert")
    proxies = {name: value for name in PROXIES if (value := env.get(name) or env.get(name.lower()))}
    return PackageSettings(
        index=_reachable([index] if index else [])[0] if _reachable([index] if index else []) else None,
        extra_indexes=_reachable((extra or pip.get("extra-index-url", "")).split()),
        certificates=Path(cert) if cert and Path(cert).is_file() else None,
        proxies=proxies,
    )


def pip_configuration(env: Mapping[str, str]) -> dict[str, str]:
    """The [global] section of pip's configuration files, later ones winning, as pip itself reads them."""
    home = Path(env.get("HOME", "/nonexistent"))
    named = env.get("PIP_CONFIG_FILE")
    files = [
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        home / ".config/pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    parser = configparser.RawConfigParser()
    try:
        parser.read([*files, *([named] if named else [])], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    return dict(parser["global"]) if parser.has_section("global") else {}


def uv_binary() -> Path:
    """The uv of this project's virtual environment, else the one on the path."""
    beside = Path(sys.executable).parent / "uv"
    found = beside if beside.exists() else shutil.which("uv")
    if not found:
        raise BuildError(
            "uv is not installed beside this Python.",
            next_step="In a checkout run `make setup`; else install it there: `pip install uv`.",
        )
    return Path(found)


def uv_environment() -> dict[str, str]:
    """The environment for running uv on this host: its own, with the indexes pip knows."""
    return {**os.environ, **host_settings().as_environment()}


def _reachable(indexes: Iterable[str]) -> tuple[str, ...]:
    return tuple(index for index in indexes if index.startswith(("http://", "https://")))
