"""The site as files, opened from a disk in a real browser: the same numbers as the server's, and every way leads on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from matrix.store import open_store
from reports.links import file_of
from service.snapshot import Snapshot
from tests.browser.tabs import listening, sideways
from tests.site import shared_home

pytestmark = pytest.mark.browser


@pytest.fixture
def disk(browser: Browser, files: Path) -> Iterator[Page]:
    """A tab that may ask for nothing but the site's own files."""
    with listening(browser, files.as_uri()) as one:
        yield one


@pytest.mark.parametrize(
    "query", ["format=h5", "group=core&format=savedmodel", "model=dense", "method=compile%3DFalse"]
)
def test_filters_count_as_the_server_does(disk: Page, site: str, files: Path, query: str) -> None:
    """Each square of the matrix has the words that the server's page has for the same choice."""
    asked = httpx.get(f"{site}/?{query}", headers={"accept": "text/html"})
    assert asked.status_code == 200, asked.text[:200]
    disk.goto(f"{files.as_uri()}/index.html#{query}")
    words = "all => all.map(td => (td.querySelector('[title]') || td).title)"
    ours = disk.locator("table.heat").first.locator("tbody td").evaluate_all(words)
    theirs = disk.evaluate(
        "text => [...new DOMParser().parseFromString(text, 'text/html').querySelector('table.heat')"
        ".querySelectorAll('tbody td')].map(td => (td.querySelector('[title]') || td).title)",
        asked.text,
    )
    assert len(ours) == 18 * 18
    assert ours == theirs


def test_a_choice_draws_the_matrix_anew_and_keys_still_walk(disk: Page, files: Path) -> None:
    """A click filters without a server, the address keeps it, and arrows go through the new squares."""
    disk.goto(f"{files.as_uri()}/index.html")
    before = disk.locator(".count").inner_text()
    disk.locator(".pills label", has_text="h5").first.click()
    expect(disk.locator(".count")).not_to_have_text(before)
    assert disk.url.endswith("#format=h5")
    matrix = disk.locator("table.heat").first
    expect(matrix.locator('td a[tabindex="0"]')).to_have_count(1)
    matrix.locator('td a[tabindex="0"]').focus()
    disk.keyboard.press("ArrowDown")
    expect(disk.locator(".readout").first).to_contain_text("saved in 2.5")
    disk.keyboard.press("Enter")
    disk.wait_for_url("**/pairs/tf2.5/*.html")


def test_the_question_leads_to_its_answer(disk: Page, files: Path) -> None:
    """A version and a format are enough."""
    disk.goto(f"{files.as_uri()}/load.html")
    disk.locator('select[name="saver"]').select_option("tf2.4")
    disk.locator(".pills label", has_text="h5").first.click()
    disk.wait_for_url("**/load/tf2.4/h5.html")
    expect(disk.locator(".answer")).to_be_visible()


def test_a_square_of_a_pair_leads_to_the_marked_square(disk: Page, files: Path, pages: dict[str, str]) -> None:
    """Cells have no file of their own: their square on the page of the model in its format is marked."""
    disk.goto(f"{files.as_uri()}/{file_of(pages['pair'])}")
    _, _, saver, loader = pages["pair"].split("/")
    disk.locator("table.heat tbody td:not(.nothing):not(.unmeasured)").first.click()
    disk.wait_for_url(f"**/models/**#{saver}/{loader}")
    expect(disk.locator("td.target")).to_have_count(1)
    expect(disk.locator("td.target")).to_be_in_viewport()


def test_pages_from_a_disk_are_sound_and_strangers_texts_do_nothing(
    browser: Browser, files: Path, pages: dict[str, str]
) -> None:
    """No complaint, nothing over the edge of a phone, and no element of a message's own, on one file of each kind."""
    there = [files / file_of(address) for address in pages.values()]
    with listening(browser, files.as_uri(), viewport={"width": 360, "height": 740}) as tab:
        for path in dict.fromkeys([*(one for one in there if one.exists()), *hostile_files(files)]):
            tab.goto(path.as_uri())
            assert sideways(tab) == 0, path
            assert tab.locator("main script, main img[onerror], main [onmouseover]").count() == 0, path
            assert tab.evaluate("window.pwned") is None, path


def hostile_files(files: Path) -> list[Path]:
    """Pages of errors in whose words there is markup."""
    with open_store(shared_home() / "matrix.db") as opened:
        kinds = Snapshot(opened.read).known().kinds
    found = (name for name, kind in kinds.items() if "<" in f"{kind.exception}{kind.message}")
    paths = [path for path in (files / file_of(f"/errors/{name}") for name in found) if path.exists()]
    assert paths
    return paths[:6]
