"""``/about``: how it is measured, in figures."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from reports.pages.about import about
from reports.pages.page import Page
from service.pages.routes import From, add_page, router

ROUTER: Final[APIRouter] = router()


def make_about(source: From) -> Page:
    """Return the page."""
    return about(source.known, source.now)


add_page(ROUTER, "/about", make_about, summary="How it is measured")
