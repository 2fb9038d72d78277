"""Draws pages: as HTML through a template, as JSON. One code for the server and for the static site."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from reports import addresses
from reports.grid import SIGNS, Look, Outcome
from reports.links import Links
from reports.pages.page import Page
from reports.ranges import label

STATIC: Final = Path(__file__).parent / "static"
_TEMPLATES: Final = Path(__file__).parent / "templates"

NAVIGATION: Final = (
    ("Matrix", addresses.home()),
    ("Upload", addresses.uploading()),
    ("Can I load it?", addresses.load()),
    ("Models", addresses.models()),
    ("Formats", addresses.formats()),
    ("Versions", addresses.environments()),
    ("Errors", addresses.errors()),
    ("Changes", addresses.changes()),
    ("Runs", addresses.runs()),
    ("About", addresses.about()),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """What a template sees as ``page``."""

    page: Page
    generated_at: datetime
    made_for: str

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.page, name)

    @property
    def json_href(self) -> str:
        return self.page.json

    @property
    def csv_href(self) -> str | None:
        return self.page.csv


def html(page: Page, links: Links, now: datetime) -> str:
    """The page as a document. Links go through ``links``, ages are counted back from ``now``."""
    frame = _Frame(page=page, generated_at=now, made_for=links.made_for)
    template = _templates().get_template(f"site/{page.template}.html")
    return template.render(page=frame, content=page.content, links=links, now=now)


def report(page: Page, links: Links, now: datetime) -> str:
    """The page as one file to keep: with its style in it, without scripts and forms."""
    frame = _Frame(page=page, generated_at=now, made_for=links.made_for)
    template = _templates().get_template(f"site/{page.template}_report.html")
    return template.render(page=frame, content=page.content, links=links, now=now, style=_style())


def json_text(page: Page, now: datetime) -> str:
    """The page for programs."""
    return dumps(page.document(now))


def dumps(document: dict[str, Any]) -> str:
    """A document as JSON text, in one line."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def utc(moment: datetime | None) -> str:
    """A time as pages print it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "never"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits: ``3 hours ago``."""
    if moment is None:
        return ""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 60:  # noqa: PLR2004  (a minute)
        return "just now"
    for word, unit in (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        many = int(abs(seconds) // unit)
        if many:
            said = f"{many} {word}{'s' if many > 1 else ''}"
            return f"{said} ago" if seconds > 0 else f"in {said}"
    return ""


@cache
def _style() -> Markup:
    return Markup((STATIC / "site.css").read_text(encoding="utf-8"))  # noqa: S704  (ours)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"utc": utc, "ago": _ago, "label": label, "thousands": "{:,}".format}
    environment.globals |= {
        "signs": SIGNS,
        "Outcome": Outcome,
        "Look": Look,
        "addresses": addresses,
        "navigation": NAVIGATION,
    }
    return environment


@pass_context
def _ago(context: Context, moment: datetime | None) -> str:
    return ago(moment, context["now"])
