"""A page before it is drawn: content, and what stands around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reports import addresses
from reports.export import plain

SCHEMA_VERSION: Final = 1
"""Of every page's JSON; raised when a field changes its meaning or goes away. A new field does not raise it."""

Trail = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: ``template`` draws ``content``, a dataclass; its JSON twin is made from the same.

    ``nav`` is the first part of the address that the navigation marks; ``trail`` has the pages above, text and address;
    ``csv`` is the address of the same rows as CSV. A page that is not ``kept`` is made anew each second: it shows what
    no generation counts. ``form`` is what its forms carry for one browser; no twin has it.
    """

    template: str
    title: str
    address: str
    content: Any
    nav: str = ""
    trail: Trail = ()
    csv: str | None = None
    live: bool = False
    kept: bool = True
    form: Any = None

    @property
    def json(self) -> str:
        """The address of the JSON twin."""
        return addresses.twin(self.address)

    def document(self, generated_at: datetime) -> dict[str, Any]:
        """The twin: the content, and what it is."""
        return {
            "schema": f"tfmatrix.{self.template}",
            "schema_version": SCHEMA_VERSION,
            "address": self.address,
            "title": self.title,
            "generated_at": generated_at.isoformat(timespec="seconds"),
            **plain_of(self.content),
        }


def plain_of(content: Any) -> dict[str, Any]:  # noqa: ANN401  (the dataclass of any page)
    """A page's content as JSON has words for it."""
    found: dict[str, Any] = plain(content)
    return found
