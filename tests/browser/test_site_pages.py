"""Every page of the site in a real browser: no complaint, nothing over the edge, no barrier, whole without JavaScript."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.tabs import barriers, listening, sideways

pytestmark = pytest.mark.browser
FILTERED = "/?format=h5&group=core"
DARK_PHONE = {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"}
LIGHT_DESK = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}
MISSING = ("/models/densee", "/runs/99999", "/?format=nonsense")


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(DARK_PHONE, id="360-dark"),
        pytest.param(LIGHT_DESK, id="1280-light", marks=pytest.mark.everything),
    ],
)
def test_each_page_is_sound(browser: Browser, site: str, pages: dict[str, str], window: dict[str, Any]) -> None:
    """At both widths no page complains, asks elsewhere, or scrolls sideways; axe finds nothing grave.

    What pages are drawn from is looked at both wide and narrow (test_macros.py), so `make test` looks at pages in one width.
    """
    found = {}
    with listening(browser, site, **window) as tab:
        for name, address in pages.items():
            tab.goto(f"{site}{address}")
            wrong = [("wider than its window", str(sideways(tab)))] if sideways(tab) else []
            if wrong := wrong + barriers(tab):
                found[name] = wrong
    assert found == {}


@pytest.mark.everything
def test_both_colours_hold_on_the_other_width_too(browser: Browser, site: str, pages: dict[str, str]) -> None:
    """The pages with most parts, dark where the window is wide and light where it is narrow."""
    found = {}
    schemes: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "dark"), (360, "light"))
    for width, scheme in schemes:
        with listening(browser, site, viewport={"width": width, "height": 800}, color_scheme=scheme) as tab:
            for name in ("home", "load answered", "cell that fails", "error", "run"):
                tab.goto(f"{site}{pages[name]}")
                if wrong := barriers(tab):
                    found[f"{name}, {scheme}"] = wrong
    assert found == {}


def test_headings_stay_in_sight(browser: Browser, site: str) -> None:
    """On a phone, scrolled to the far corner of the matrix, row and column headings are still there."""
    with listening(browser, site, viewport={"width": 360, "height": 640}) as tab:
        tab.goto(site)
        box = tab.locator(".scroll", has=tab.locator("table.heat")).first
        box.evaluate("box => { box.scrollIntoView(); box.scrollTo(9999, 9999); }")
        frame, row = box.bounding_box(), box.locator("tbody th").last.bounding_box()
        column = box.locator("thead tr:last-child th").last.bounding_box()
        assert frame
        assert row
        assert column
        assert box.evaluate("box => box.scrollLeft") > 0
        assert abs(row["x"] - frame["x"]) < 3
        assert abs(column["y"] - frame["y"]) < 60


def test_each_page_is_whole_without_javascript(browser: Browser, site: str, pages: dict[str, str]) -> None:
    """Its title, its links and its tables are there without a script, and no button that does nothing."""
    with listening(browser, site, java_script_enabled=False) as tab:
        for name, address in pages.items():
            tab.goto(f"{site}{address}", wait_until="commit")
            expect(tab.locator("footer")).to_be_visible()
            text = tab.content()
            assert "<h1" in text, name
            assert text.partition("<main")[2].count("<a href=") > 2, name
            assert 'class="copy"' not in text, name
        tab.goto(f"{site}{pages['pair']}")
        assert tab.locator("table.heat td a").count() > 10
        tab.goto(f"{site}{pages['cell that fails']}")
        tab.locator("details.fold summary").first.click()
        expect(tab.locator("details.fold pre").first).to_be_visible()


def test_filters_work_without_javascript(browser: Browser, site: str) -> None:
    """Their button asks, and the address says what was asked."""
    with listening(browser, site, java_script_enabled=False) as tab:
        tab.goto(site)
        before = tab.locator(".count").inner_text()
        tab.locator(".pills label", has_text="h5").first.click()
        tab.locator(".filters").get_by_role("button", name="Show").click()
        assert "format=h5" in tab.url
        assert tab.locator(".count").inner_text() != before


@pytest.mark.parametrize("address", MISSING)
def test_what_is_not_there_is_told_in_the_site_itself(browser: Browser, site: str, address: str) -> None:
    """An error is a page like the others: the way on is there, in both widths, and axe has nothing to say."""
    context = browser.new_context(viewport={"width": 360, "height": 700})
    tab = context.new_page()
    answer = tab.goto(f"{site}{address}")
    assert answer
    assert answer.status in {404, 422}
    expect(tab.get_by_role("navigation", name="Pages").get_by_role("link", name="Can I load it?")).to_be_visible()
    assert sideways(tab) == 0
    assert barriers(tab) == []
    context.close()


def test_a_theme_is_kept(tab: Page, site: str) -> None:
    """A colour that a person chose is worn by the next page."""
    tab.goto(site)
    tab.locator(".theme").click()
    tab.goto(f"{site}/models")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
