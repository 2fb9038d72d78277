"""The pages: for each a function that makes it, and its addresses."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from service.pages import about, assets, catalogue, home

ROUTERS: Final[tuple[APIRouter, ...]] = (home.ROUTER, catalogue.ROUTER, about.ROUTER, assets.ROUTER)
"""All pages, in the order in which their addresses are tried."""
