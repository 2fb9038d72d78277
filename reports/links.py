"""What a link says: the same page has other links on a server than among files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


class Files:
    """Which addresses have a file in one static site, and what stands in for those that have none."""

    def __init__(self, there: Iterable[str], stand_ins: Mapping[str, str] | None = None) -> None:
        self._there = {file_of(address) for address in there}
        self._stand_ins = stand_ins or {}
        self._found: dict[str, str] = {}

    def link(self, address: str) -> str:
        """Return the path of the file to lead to, from the top of the site: the address's own, its stand-in's, or the list."""
        found = self._found.get(address)
        if found is None:
            found = self._found[address] = self._link(self._stand_ins.get(address, address))
        return found

    def _link(self, address: str) -> str:
        file = file_of(address)
        if not file.endswith(_AS_THEY_ARE) and file not in self._there:
            return f"{file.partition('/')[0].removesuffix('.html')}.html"
        fragment = _fragment(address)
        link = file.replace("%", "%25")
        return f"{link}#{fragment}" if fragment else link


class FileLinks:
    """Relative paths from one file of the static site to another, so that it works from a disk and below any address."""

    made_for: Literal["server", "files"] = "files"

    def __init__(self, current: str, files: Files) -> None:
        self._up = "../" * file_of(current).count("/")
        self._files = files

    def __call__(self, address: str) -> str:
        """Return the relative path to the file that has an address, or to the nearest that there is."""
        return self._up + self._files.link(address)

    def static(self, name: str) -> str:
        """Return the link to a file that pages need."""
        return self(addresses.static(name))

    def has(self, address: str) -> bool:
        """Whether an address has a file of its own: cells have none, and twins only the first pages. Files take no uploads."""
        if address.startswith(("/cells/", addresses.uploading())):
            return False
        split = urlsplit(address)
        return not split.path.endswith(_TWINS) or (not split.query and split.path.count("/") <= TWINS_DOWN_TO)


TWINS_DOWN_TO: Final = 1
"""Pages so deep have a JSON file beside them; what others say is in /matrix.json, too."""


_TWINS: Final = (".json", ".csv")
_AS_THEY_ARE: Final = (*_TWINS, ".gz", ".svg", ".css", ".js")
_PACKED: Final = frozenset({"matrix.csv", "matrix.json"})
"""Files of all rows, which are large, and which programs read packed as well."""


def file_of(address: str) -> str:
    """Return the path, within the static site, of the file for an address.

    A cell is a square of its model's page in its format; an answer about a saver's files in a format is a file of its own, and
    so are two loaders beside each other, and the further pages of a list.
    """
    split = urlsplit(address)
    path = unquote(split.path).strip("/")
    if not path:
        return "index.html"
    if path in _PACKED:
        return f"{path}.gz"
    if path.endswith(_AS_THEY_ARE):
        return path
    return f"{'/'.join(_parts(path.split('/'), dict(parse_qsl(split.query))))}.html"


def _parts(parts: list[str], asked: dict[str, str]) -> list[str]:
    match parts:
        case ["cells", _, model, format_, _]:
            return ["models", model, format_]
        case ["load"] if {"model", "format"} <= asked.keys():
            return ["models", asked["model"], asked["format"]]
        case [name]:
            further = [asked[key] for key in _FURTHER.get(name, ()) if key in asked]
            return [name, *further]
        case _:
            return parts


_FURTHER: Final = {
    "load": ("saver", "format"),
    "changes": ("before", "after"),
    "errors": ("cause", "page"),
    "runs": ("before",),
}
"""What of a query makes a file of its own, in the order in which it stands in the path."""


def _fragment(address: str) -> str:
    """Filters and cells come after the sign ``#``, where a script may read them without a server."""
    split = urlsplit(address)
    parts = split.path.strip("/").split("/")
    if parts[0] == "cells":
        return f"{parts[1]}/{parts[4]}"
    return split.query if parts == [""] else ""
