"""What people do on the site, in a real browser: the main paths, the keyboard, the address, strangers' texts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from matrix.store import open_store
from reports import addresses
from service.snapshot import Snapshot
from tests.browser.tabs import listening, sideways
from tests.site import shared_home

pytestmark = pytest.mark.browser
MARKUP = re.compile(r"<script|<img|onmouseover|</style>|javascript:")


def test_from_the_front_page_to_an_answer_in_two_choices(tab: Page, site: str) -> None:
    """Home leads to the question; a version and a format are its answer, which the address keeps."""
    tab.goto(site)
    tab.get_by_role("navigation", name="Pages").get_by_role("link", name="Can I load it?").click()
    tab.get_by_label("Saved in").first.select_option("tf2.4")
    tab.wait_for_url("**saver=tf2.4**")
    tab.locator(".pills label", has_text="h5").first.click()
    expect(tab.locator(".answer")).to_be_visible()
    assert "format=h5" in tab.url
    said = tab.locator(".answer").inner_text()
    tab.reload()
    assert tab.locator(".answer").inner_text() == said


def test_from_a_square_down_to_the_error_and_back(tab: Page, site: str, pages: dict[str, str]) -> None:
    """A square leads to its pair, a sign there to the cell, that to its error; Back returns by the same steps."""
    tab.goto(site)
    pair = pages["pair"]
    tab.locator(f'table.heat td a[href="{pair}"]').click()
    tab.wait_for_url(f"**{pair}")
    cell = pages["cell that fails"].partition("?")[0]
    tab.locator(f'table.heat td a[href^="{cell}"]').first.click()
    tab.wait_for_url(f"**{cell}*")
    title = tab.locator("h1").inner_text()
    tab.get_by_role("link", name="Where else this error happens").click()
    tab.wait_for_url("**/errors/*")
    tab.go_back()
    expect(tab.locator("h1")).to_have_text(title)
    tab.go_back()
    tab.wait_for_url(f"**{pair}")
    tab.go_back()
    expect(tab.locator("table.heat").first).to_be_visible()


def test_filters_live_in_the_address(tab: Page, site: str) -> None:
    """A choice changes the numbers without a reload; the address brings it back, and Back undoes it."""
    tab.goto(site)
    tab.evaluate("window.here = true")
    before = tab.locator(".count").inner_text()
    tab.locator(".pills label", has_text="h5").first.click()
    expect(tab.locator(".count")).not_to_have_text(before)
    assert tab.url.endswith("/?format=h5")
    assert tab.evaluate("window.here")
    filtered = tab.locator(".count").inner_text()
    tab.reload()
    assert tab.locator(".count").inner_text() == filtered
    assert tab.locator('input[name="format"][value="h5"]').is_checked()
    tab.go_back()
    expect(tab.locator(".count")).to_have_text(before)


def test_the_keyboard_reaches_a_pair(tab: Page, site: str) -> None:
    """One square is in the tab order, arrows walk, a line says where one is, Enter opens."""
    tab.goto(site)
    matrix = tab.locator("table.heat").first
    expect(matrix.locator('td a[tabindex="0"]')).to_have_count(1)
    matrix.locator('td a[tabindex="0"]').focus()
    for key in ("ArrowDown", "End", "ArrowLeft"):
        tab.keyboard.press(key)
    expect(tab.locator(".readout").first).to_contain_text("saved in 2.5, loaded in 2.20: ")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/pairs/tf2.5/tf2.20")


def test_errors_are_searched(tab: Page, site: str) -> None:
    """The key "/" brings the focus to the field; what is found says so, and each leads to its page."""
    tab.goto(f"{site}/errors")
    tab.keyboard.press("/")
    tab.keyboard.type("keyword")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**q=keyword**")
    expect(tab.locator(".lead").first).to_contain_text("“keyword”")
    tab.locator("main table a").first.click()
    if "cause=" in tab.url:  # several kinds come down to one cause: its list is between
        tab.locator("main table a").first.click()
    expect(tab.locator("h2", has_text="The whole message")).to_be_visible()


def test_a_phone_asks_and_goes_on_to_the_cell(browser: Browser, site: str) -> None:
    """In 360 pixels the question, its answer and the way down to a cell stay within the window."""
    options = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with listening(browser, site, **options) as tab:
        tab.goto(f"{site}/load?saver=tf2.4&format=h5")
        expect(tab.locator(".answer")).to_be_visible()
        assert sideways(tab) == 0
        tab.locator('select[name="model"]').select_option("dense")
        tab.wait_for_url("**model=dense**")
        assert sideways(tab) == 0
        tab.locator(".stretches a").first.tap()
        expect(tab.locator("h1")).to_be_visible()
        assert sideways(tab) == 0


def test_a_line_is_copied(browser: Browser, site: str, pages: dict[str, str]) -> None:
    """What stands beside the button is what reaches the clipboard."""
    with listening(browser, site, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.goto(f"{site}{pages['cell that fails']}")
        line = tab.locator(".copied", has=tab.locator("pre.line")).first
        line.locator(".copy").click()
        expect(line.locator(".copy")).to_have_text("Copied")
        assert tab.evaluate("navigator.clipboard.readText()") == line.locator("pre").inner_text().rstrip()


def hostile_addresses() -> list[str]:
    """Errors whose words are markup, a cell and an answer that show them, and a search that is markup itself."""
    with open_store(shared_home() / "matrix.db") as opened:
        known = Snapshot(opened.read).known()
    kinds = [one for one, kind in known.kinds.items() if MARKUP.search(f"{kind.exception} {kind.message}")]
    rows = [known.cube.row(place) for place in range(len(known.cube)) if known.cube.error[place] >= 0]
    row = next(one for one in rows if one.fingerprint in kinds)
    load = addresses.load(saver=row.saver, format=str(row.format), model=row.model, loader=row.loader)
    search = addresses.errors(q='<img src=x onerror="alert(1)">')
    return [*map(addresses.error, kinds[:6]), addresses.of_row(row), load, addresses.errors(), search]


def test_strangers_texts_do_nothing(tab: Page, site: str) -> None:
    """Markup in messages, names of exceptions and searches is shown as it is: no element of theirs, nothing runs."""
    found = hostile_addresses()
    assert len(found) >= 8
    for address in found:
        tab.goto(f"{site}{address}")
        assert tab.locator("main script, main img[onerror], main [onmouseover], main b b").count() == 0, address
        assert tab.evaluate("window.pwned") is None, address
    tab.goto(f"{site}{found[0]}")
    assert MARKUP.search(tab.locator("main").inner_text())


def test_the_queue_looks_again(browser: Browser, site: str, pages: dict[str, str]) -> None:
    """A live page asks again by itself while somebody looks."""
    with listening(browser, site) as tab:
        tab.clock.install()
        tab.goto(f"{site}{pages['queue']}")
        with tab.expect_response(lambda answer: answer.url.endswith("/queue")):
            tab.clock.run_for(5_200)
