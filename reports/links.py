"""What a link says: the same page has other links on a server than among files. Pure."""

from __future__ import annotations

import posixpath
from typing import Final, Literal, Protocol
from urllib.parse import unquote, urlsplit

from reports import addresses


class Links(Protocol):
    """Turns addresses into what stands in ``href``."""

    made_for: Literal["server", "files"]

    def __call__(self, address: str) -> str:
        """Return the link to an address of ``reports.addresses``."""

    def static(self, name: str) -> str:
        """Return the link to a file that pages need."""


class ServerLinks:
    """Addresses as they are, below the path at which a proxy may have put the server."""

    made_for: Literal["server", "files"] = "server"

    def __init__(self, below: str = "") -> None:
        self._below = below.rstrip("/")

    def __call__(self, address: str) -> str:
        """Return the address."""
        return f"{self._below}{address}"

    def static(self, name: str) -> str:
        """Return the link to a file that pages need."""
        return self(addresses.static(name))


class FileLinks:
    """Relative paths from one file of the static site to another, so that it works from a disk and below any address."""

    made_for: Literal["server", "files"] = "files"

    def __init__(self, current: str) -> None:
        self._folder = posixpath.dirname(file_of(current))

    def __call__(self, address: str) -> str:
        """Return the relative path to the file that has an address; what only a server answers leads to the nearest page."""
        path = file_of(address)
        fragment = urlsplit(address).fragment or _fragment(address)
        link = posixpath.relpath(path, self._folder or ".").replace("%", "%25")
        return f"{link}#{fragment}" if fragment else link

    def static(self, name: str) -> str:
        """Return the link to a file that pages need."""
        return self(addresses.static(name))


_AS_THEY_ARE: Final = (".json", ".csv", ".svg", ".css", ".js")


def file_of(address: str) -> str:
    """Return the path, within the static site, of the file for an address.

    A cell is a square of its model's page in its format.
    """
    path = unquote(urlsplit(address).path).strip("/")
    if not path:
        return "index.html"
    parts = path.split("/")
    if parts[0] == "cells":
        parts = ["models", parts[2], parts[3]]
    path = "/".join(parts)
    return path if path.endswith(_AS_THEY_ARE) else f"{path}.html"


def _fragment(address: str) -> str:
    """Filters and cells come after the sign ``#``, where a script may read them without a server."""
    split = urlsplit(address)
    parts = split.path.strip("/").split("/")
    if parts[0] == "cells":
        return f"{parts[1]}/{parts[4]}"
    return split.query
