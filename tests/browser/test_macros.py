"""The parts that pages are drawn from, in a real browser: strangers' text is text, keys reach everything, nothing overflows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route, expect

from reports.links import ServerLinks
from reports.rendering import STATIC
from tests.browser import gallery

pytestmark = pytest.mark.browser
BIGGEST_HEAT = 250_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The gallery, on disk."""
    return gallery.write(tmp_path_factory.mktemp("gallery")).as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The gallery in a fresh tab; the test fails if the page complains or fetches from elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda asked: None if asked.url.startswith("file:") else complaints.append(asked.url))
    tab.goto(address)
    yield tab
    assert complaints == []
    context.close()


def test_hostile_text_is_only_text(page: Page) -> None:
    """Markup in names, causes, errors, options and commands is shown and does nothing."""
    assert page.evaluate("window.pwned") is None
    assert page.locator("main script, main img").count() == 0
    assert page.locator("main").inner_text().count("<script>window.pwned") >= 8


def test_nothing_is_styled_or_scripted_inline() -> None:
    """The content security policy would refuse it, so no part may need it."""
    for word in (" style=", " onclick=", "<style", "javascript:"):
        assert word not in gallery.render(gallery.NoLinks())


def test_a_heat_of_all_environments_stays_small() -> None:
    """Forty savers and forty loaders are 1,600 squares, and less than 250 kB."""
    text = gallery.render(gallery.NoLinks())
    begin, end = text.index("Heat with overlays"), text.index("Heat with few columns")
    heat = text[begin:end]
    assert len(re.findall(r"<td(?! class=\"corner)", heat)) == 1600
    assert len(heat.encode()) < BIGGEST_HEAT


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "dark"),
        (1280, "light"),
        pytest.param(360, "light", marks=pytest.mark.everything),
        pytest.param(1280, "dark", marks=pytest.mark.everything),
    ],
)
def test_axe_finds_nothing(browser: Browser, address: str, width: int, scheme: Literal["light", "dark"]) -> None:
    """Contrast, names, roles and landmarks are right in both colours, and the page is never wider than its window.

    `make test` sees both widths and both colours; each width in the other colour is for `make test-all`.
    """
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(address)
    found = Axe().run(tab, options={"preload": False}).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_arrows_walk_through_a_heat(page: Page) -> None:
    """One square of a table is in the tab order; arrows, Home and End move, past squares that lead nowhere; Enter opens."""
    table = page.locator("table.heat").first
    expect(table.locator('td a[tabindex="0"]')).to_have_count(1)
    table.locator("td a").first.focus()
    for key in ("ArrowDown", "End", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator(".readout").first).to_contain_text("saved in 2.5, loaded in 2.20: ")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("saved in 2.5, loaded in 2.20")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/pairs/tf2\.1/tf2\.0$"))


def test_headings_stay_in_sight(page: Page) -> None:
    """Scrolled to its far corner, a table still shows the headings of its row and column."""
    page.set_viewport_size({"width": 360, "height": 740})
    box = page.locator(".scroll").nth(1)
    box.evaluate("box => box.scrollTo(9999, 9999)")
    frame, row = box.bounding_box(), box.locator("tbody th").last.bounding_box()
    column = box.locator("thead tr:last-child th").last.bounding_box()
    assert frame
    assert row
    assert column
    assert abs(row["x"] - frame["x"]) < 3
    assert abs(column["y"] - frame["y"]) < 40


def test_commands_and_errors_are_copied(page: Page) -> None:
    """The button beside a command copies exactly the command."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".copied .copy").first.click()
    expect(page.locator(".copied .copy").first).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"docker run --rm --network none tfmatrix/tf2.16 {gallery.HOSTILE}"


def test_long_texts_are_folded(page: Page) -> None:
    """Forty lines of traceback are one line until somebody wants them; a short text is not folded."""
    trace = page.locator("details.fold")
    expect(trace).to_have_count(1)
    expect(trace.locator("pre")).not_to_be_visible()
    trace.locator("summary").click()
    expect(trace.locator("pre")).to_contain_text("module_39.py")


def test_filters_live_in_the_address(page: Page) -> None:
    """A choice applies itself, without a button, and only what is chosen is in the address."""
    expect(page.locator('.filters button[type="submit"]')).not_to_be_visible()
    page.locator(".pills label", has_text="h5").first.click()
    expect(page).to_have_url(page.url.partition("#")[0] + "#format=h5")


def test_the_theme_is_remembered(page: Page) -> None:
    """The button turns the colours, a reload keeps them, and turning back follows the system again."""
    page.get_by_role("button", name="Dark colours").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate("localStorage.getItem('theme')") is None


def test_slash_searches(page: Page) -> None:
    """The key / brings the focus to the search field, and is an ordinary letter inside of it."""
    page.locator("input[type=search]").fill("")
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("a/b")
    expect(page.locator("input[type=search]")).to_have_value("a/b")


def test_without_scripts_all_is_there(browser: Browser, address: str) -> None:
    """Squares are links, filters have their button, folded text unfolds, and no button is there that does nothing."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    expect(tab.locator(".filters button")).to_be_visible()
    expect(tab.locator(".copy, .theme")).to_have_count(0)
    assert tab.locator("table.heat").first.locator("td a").count() == 17 * 18
    tab.locator("details.fold summary").click()
    expect(tab.locator("details.fold pre")).to_be_visible()
    context.close()


def test_assets_fetch_nothing() -> None:
    """Style, script and icon name no other address."""
    for asset in STATIC.iterdir():
        text = Path(asset).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("  //", "").replace("\n//", ""), asset
        assert "url(" not in text


SITE = "http://site.test"
"""No such host is ever asked: the tests answer for it."""
PATIENCE = 30_000
"""Milliseconds; machines are shared."""


@pytest.fixture
def served(browser: Browser) -> Iterator[Page]:
    """The gallery as a server has it, in a tab in which time stands still."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.clock.install()
    tab.route(f"{SITE}/**", lambda route: answer(route, 1))
    tab.goto(f"{SITE}/gallery")
    tab.evaluate("window.here = true")
    yield tab
    context.close()


@cache
def drawn() -> str:
    """The gallery as a server has it."""
    return gallery.drawn(ServerLinks(), live=True)


def answer(route: Route, times: int) -> None:
    """Answer like the server, with a title that says what was asked; ``times`` stands in the page."""
    path, _, query = route.request.url.removeprefix(SITE).partition("?")
    asset = STATIC / path.rsplit("/", maxsplit=1)[-1]
    if asset.is_file():
        route.fulfill(path=asset)
        return
    route.fulfill(content_type="text/html", body=drawn().replace("Parts of the site", f"Seen {times}: {query}"))


def let_it_look(tab: Page, seen: Callable[[], bool]) -> None:
    """Let five seconds pass, and five more as long as nothing is seen: a page that is busy just then leaves its turn out."""
    for _ in range(60):
        tab.clock.run_for(5100)
        tab.wait_for_timeout(300)
        if seen():
            return
    raise AssertionError("the page did not look again")


def test_a_choice_swaps_the_page_and_back_brings_it_back(served: Page) -> None:
    """With a server the address says what is chosen, the document stays, the focus too, and Back undoes the choice."""
    served.locator(".filters select").first.select_option(index=1)
    expect(served.locator("h1")).to_have_text("Seen 1: model=Dense+classifier", timeout=PATIENCE)
    expect(served).to_have_url(f"{SITE}/?model=Dense+classifier")
    served.evaluate("window.here = true")  # the form of another page leads there; from now on the page is its own
    served.locator(".pills label", has_text="h5").first.click()
    expect(served.locator("h1")).to_have_text("Seen 1: format=h5", timeout=PATIENCE)
    served.go_back()
    expect(served.locator("h1")).to_have_text("Seen 1: model=Dense+classifier", timeout=PATIENCE)
    assert served.evaluate("window.here")


def test_what_goes_on_is_shown_without_a_reload(served: Page) -> None:
    """A live page looks again after five seconds: new text, while what is unfolded, focused and scrolled stays as it is."""
    served.locator("details.fold summary").click()
    served.locator("details.fold summary").focus()
    served.set_viewport_size({"width": 600, "height": 500})
    served.locator(".scroll").first.evaluate("box => box.scrollTo(70, 30)")
    served.route(f"{SITE}/**", lambda route: answer(route, 2))
    let_it_look(served, lambda: served.locator("h1").inner_text() == "Seen 2:")
    assert served.evaluate("window.here")
    expect(served.locator("details.fold pre")).to_be_visible()
    expect(served.locator("details.fold summary")).to_be_focused()
    assert served.locator(".scroll").first.evaluate("box => [box.scrollLeft, box.scrollTop]") == [70, 30]
    expect(served.locator(".copied .copy")).to_have_count(4)


def test_a_live_page_survives_a_server_that_is_away(served: Page) -> None:
    """No answer, or a fault, changes nothing; the next answer is shown again."""
    seen: list[int] = []
    is_back: list[bool] = []  # routes are not taken away: what is asked just then would be answered twice
    served.on("response", lambda response: seen.append(response.status))
    served.route(f"{SITE}/**", lambda route: answer(route, 3) if is_back else route.fulfill(status=503, body="away"))
    let_it_look(served, lambda: 503 in seen)
    expect(served.locator("h1")).to_have_text("Seen 1: ", timeout=PATIENCE)
    is_back.append(True)
    let_it_look(served, lambda: served.locator("h1").inner_text() == "Seen 3:")
