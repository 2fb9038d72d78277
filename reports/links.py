"""What a link says: the same page has other links on a server than among files. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from reports import addresses


class Links(Protocol):
    """Turns addresses into what stands in ``href``."""

    made_for: Literal["server", "files"]

    def __call__(self, address: str) -> str:
        """Return the link to an address of ``reports.addresses``."""

    def static(self, name: str) -> str:
        """Return the link to a file that pages need."""

    def has(self, address: str) -> bool:
        """Whether an address has a document of its own, rather than a place in another one."""


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

    def has(self, address: str) -> bool:
        """Whether an address has a document of its own: each has."""
        return address.startswith("/")


class FileLinks:
    """Relative paths from one file of the static site to another, so that it works from a disk and below any address."""

    made_for: Literal["server", "files"] = "files"

    def __init__(self, current: str) -> None:
        self._up = "../" * file_of(current).count("/")

    def __call__(self, address: str) -> str:
        """Return the relative path to the file that has an address; what only a server answers leads to the nearest page."""
        return self._up + _link_of(address)

    def static(self, name: str) -> str:
        """Return the link to a file that pages need."""
        return self(addresses.static(name))

    def has(self, address: str) -> bool:
        """Whether an address has a file of its own: cells have none, and twins only the first pages."""
        if address.startswith("/cells/"):
            return False
        split = urlsplit(address)
        return not split.path.endswith(_AS_THEY_ARE) or (not split.query and split.path.count("/") <= TWINS_DOWN_TO)


TWINS_DOWN_TO: Final = 1
"""Pages so deep have a JSON file beside them; what others say is in /matrix.json, too."""


@lru_cache(maxsize=8192)
def _link_of(address: str) -> str:
    fragment = _fragment(address)
    link = file_of(address).replace("%", "%25")
    return f"{link}#{fragment}" if fragment else link


_AS_THEY_ARE: Final = (".json", ".csv", ".svg", ".css", ".js")


def file_of(address: str) -> str:
    """Return the path, within the static site, of the file for an address.

    A cell is a square of its model's page in its format; an answer about a saver's files in a format is a file of its own.
    """
    split = urlsplit(address)
    path = unquote(split.path).strip("/")
    if not path:
        return "index.html"
    parts = path.split("/")
    if parts[0] == "cells":
        parts = ["models", parts[2], parts[3]]
    if parts == ["load"]:
        parts = _answered(dict(parse_qsl(split.query)))
    path = "/".join(parts)
    return path if path.endswith(_AS_THEY_ARE) else f"{path}.html"


def _answered(asked: dict[str, str]) -> list[str]:
    saver, model, format_ = (asked.get(name) for name in ("saver", "model", "format"))
    if model and format_:
        return ["models", model, format_]
    return ["load", saver, format_] if saver and format_ else ["load"]


def _fragment(address: str) -> str:
    """Filters and cells come after the sign ``#``, where a script may read them without a server."""
    split = urlsplit(address)
    parts = split.path.strip("/").split("/")
    if parts[0] == "cells":
        return f"{parts[1]}/{parts[4]}"
    if parts == ["load"] and file_of(address) != "load.html":
        return ""
    return split.query
