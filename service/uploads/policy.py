"""Who may upload: what the settings come to for the address that the site is reached at."""

from __future__ import annotations

import ipaddress
from enum import StrEnum

from matrix.config import Settings
from matrix.errors import UsageError


class Policy(StrEnum):
    """Who may upload.

    ``LOCAL``: who names the site by an address of this machine. A page of another site that lets its name lead here
    (DNS rebinding) names it otherwise. ``TOKEN``: who knows the token. ``OPEN``: everybody.
    """

    LOCAL = "local"
    TOKEN = "token"  # noqa: S105  (a word)
    OPEN = "open"
    OFF = "off"


def policy_of(settings: Settings, host: str) -> Policy:
    """Return who may upload to a site that is reached at ``host``: where it listens, or where a container is published.

    Raises:
        UsageError: Everybody could, and nobody said so; or a token is asked for, and there is none.
    """
    has_token = bool(settings.upload_token.get_secret_value())
    match settings.uploads:
        case "open":
            return Policy.OPEN
        case "off":
            return Policy.OFF
        case "token" if not has_token:
            raise UsageError(
                "TFMATRIX_UPLOADS is token, and there is none.",
                next_step="Set TFMATRIX_UPLOAD_TOKEN to what an uploader has to know.",
            )
        case "auto" if not has_token:
            if is_loopback(host):
                return Policy.LOCAL
            raise UsageError(
                f"At {host} everybody who reaches this machine could upload, and a model is a program that runs here.",
                next_step="Set TFMATRIX_UPLOAD_TOKEN to what an uploader has to know, TFMATRIX_UPLOADS=open to take uploads of "
                "everybody, or TFMATRIX_UPLOADS=off to take none.",
            )
        case _:
            return Policy.TOKEN


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; names other than localhost could lead anywhere."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
