"""Tabs that listen: what a page complains of, what it asks of others, and what a stranger's text would do if it could."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

PATIENCE: Final = 20_000
"""Milliseconds; machines are shared."""

_TRAP: Final = "window.alert = window.confirm = window.prompt = () => { window.pwned = 1; }"
_GRAVE: Final = frozenset({"serious", "critical"})


@contextmanager
def listening(browser: Browser, site: str, **options: Any) -> Iterator[Page]:
    """Give a tab of its own; what the page should not have done fails the test at the end.

    ``site`` is how every address begins that may be asked.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_TRAP)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda asked: None if asked.url.startswith((site, "data:")) else complaints.append(asked.url))
    yield tab
    context.close()
    assert complaints == []


def sideways(tab: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def barriers(tab: Page) -> list[tuple[str, str]]:
    """What axe finds that is serious or critical; of a table a few rows, for all are alike."""
    tab.evaluate(
        "for (const row of document.querySelectorAll('table.heat tbody tr:nth-child(n + 4)')) row.remove();"
        "for (const row of document.querySelectorAll('table.plain tbody tr:nth-child(n + 8)')) row.remove();"
    )
    options = {"preload": False, "resultTypes": ["violations"]}
    found = Axe().run(tab, options=options).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in _GRAVE]
