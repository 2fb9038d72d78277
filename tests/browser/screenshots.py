"""Takes pictures of the page, at each width and colour scheme: ``python tests/browser/screenshots.py DIR``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from reports.render import site
from tests import fake_matrix

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS: tuple[tuple[str, str, str], ...] = (
    ("full", "full", ""),
    ("empty", "empty", ""),
    ("cell", "full", "#cell=tf2.9..tf2.16"),
    ("filtered", "full", "#format=h5&model=recurrent"),
)


def main(folder: Path) -> None:
    """Write the pages and one picture for each width, colour scheme and state."""
    pages = {
        "full": site(fake_matrix.results(), folder / "full.html"),
        "empty": site(fake_matrix.empty(), folder / "empty.html"),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, page, hash_ in SHOTS:
            for width in (1440, 1024, 360):
                _shoot(browser, f"{pages[page].as_uri()}{hash_}", width, "light", folder / f"{name}-{width}-light.png")
                _shoot(browser, f"{pages[page].as_uri()}{hash_}", width, "dark", folder / f"{name}-{width}-dark.png")
        browser.close()


def _shoot(browser: Browser, url: str, width: int, scheme: Literal["light", "dark"], target: Path) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.screenshot(path=target, full_page="#cell" not in url)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
