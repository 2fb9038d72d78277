"""One browser, one server and one static site for all tests of this folder, on the made-up matrix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from matrix.config import Settings
from matrix.store import open_store
from service.publish import publish
from tests.browser.chromium import chromium
from tests.browser.serving import serving
from tests.browser.tabs import listening
from tests.site import shared_home
from tests.site_pages import site_pages
from tests.upload_samples import PAGES


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Where the site answers."""
    with serving(Settings(home=shared_home())) as address:
        yield address


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """A telling address for each page."""
    with open_store(shared_home() / "matrix.db") as opened:
        return site_pages(opened.read) | PAGES


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same site as files."""
    target = tmp_path_factory.mktemp("files") / "site"
    with open_store(shared_home() / "matrix.db") as opened:
        publish(opened, Settings(home=shared_home()), target)
    return target


@pytest.fixture
def tab(browser: Browser, site: str) -> Iterator[Page]:
    """A fresh tab for the served site, that fails the test if a page complains or asks elsewhere."""
    with listening(browser, site) as one:
        yield one
