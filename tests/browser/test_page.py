"""The page in a real browser: filters, squares that open, and nothing of a stranger's that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from matrix.model import Format, Method
from reports.grid import Outcome, Selection, pair, tally, tally_by
from reports.render import site
from tests import fake_matrix
from tests.browser.screenshots import CHROMIUM, FLAGS

pytestmark = pytest.mark.browser
FAKE = fake_matrix.results()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the module."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The full page, on disk."""
    return site(FAKE, tmp_path_factory.mktemp("site") / "index.html").as_uri()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab that fails the test if the page complains about anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda asked: None if asked.url.startswith("file:") else complaints.append(asked.url))
    yield tab
    assert complaints == []
    context.close()


def _square(page: Page, saver: str, loader: str) -> str:
    cell = page.locator(f'#grid td[data-row="{saver}"][data-column="{loader}"]')
    return cell.get_attribute("title") or ""


@pytest.mark.parametrize(
    ("hash_", "selection"),
    [
        ("", Selection()),
        ("#format=h5", Selection(formats=frozenset({Format.H5}))),
        ("#model=lambda", Selection(models=frozenset({"lambda"}))),
        (
            "#method=default&model=custom-activation",
            Selection(models=frozenset({"custom-activation"}), methods=frozenset({Method.DEFAULT})),
        ),
    ],
)
def test_the_script_counts_as_python_does(page: Page, address: str, hash_: str, selection: Selection) -> None:
    """Each filter in the address gives, in all 324 squares, the numbers of reports.grid."""
    page.goto(address + hash_)
    titles = page.eval_on_selector_all(
        "#grid td[data-row]", "all => all.map(td => [td.dataset.row, td.dataset.column, td.title])"
    )
    counted = tally_by(FAKE.rows, pair, selection)
    assert len(titles) == 18 * 18
    for saver, loader, title in titles:
        words = [f"{counted[saver, loader].counts[o]} {o}" for o in Outcome if counted[saver, loader].counts.get(o)]
        assert title.endswith(", ".join(words)), (title, words)


def test_filters_live_in_the_address(page: Page, address: str) -> None:
    """Choosing writes the address, the address chooses, and "show all" clears both."""
    page.goto(address)
    page.locator('.pills span:text-is("h5")').click()
    page.select_option('select[name="model"]', "recurrent")
    assert page.url.endswith("#format=h5&model=recurrent")
    selection = Selection(models=frozenset({"recurrent"}), formats=frozenset({Format.H5}))
    expect(page.locator("#count .drift")).to_contain_text(str(tally(FAKE.rows, selection).drifted))
    page.reload()
    assert page.input_value('select[name="model"]') == "recurrent"
    page.get_by_role("button", name="Show all").click()
    assert "#" not in page.url
    expect(page.locator("#count .pass")).to_contain_text("5,580")


def test_a_square_opens_by_mouse(page: Page, address: str) -> None:
    """A click lists the square's results, worst first, with the whole error and the line that reproduces it."""
    page.goto(address)
    page.locator('#grid td[data-row="tf2.9"][data-column="tf2.16"] a').click()
    sheet = page.locator("#cell")
    expect(sheet.locator("h2")).to_have_text("Saved in 2.9, loaded in 2.16")
    expect(sheet.locator(".res").first.locator(".verdict")).to_have_text("drift")
    failing = sheet.locator(".res.fail").first
    expect(failing.locator("code")).to_have_text("tfmatrix cell tf2.9 attention h5 tf2.16")
    failing.locator("summary").first.click()
    expect(failing.locator("pre.message")).to_contain_text("Could not locate class 'Functional'")
    failing.locator("summary", has_text="Traceback").click()
    expect(failing.locator("pre.trace")).to_contain_text("Traceback (most recent call last)")
    assert page.url.endswith("#cell=tf2.9..tf2.16")


def test_a_square_opens_by_keyboard(page: Page, address: str) -> None:
    """Arrows walk, Enter opens, Escape closes, and the focus is back where it was."""
    page.goto(address)
    page.locator('#grid td[data-row="tf2.4"][data-column="tf2.4"] a').focus()
    for key in ("ArrowRight", "ArrowDown", "End", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#cell h2")).to_have_text("Saved in 2.5, loaded in 2.21")
    page.keyboard.press("Escape")
    expect(page.locator("#cell")).not_to_be_visible()
    assert "cell=" not in page.url
    assert page.evaluate("document.activeElement.closest('td').dataset.column") == "tf2.21"
    assert page.locator('#grid a[tabindex="0"]').count() == 1


def test_a_square_opens_from_the_address(page: Page, address: str) -> None:
    """A shared address opens the same square; nonsense in it is ignored."""
    page.goto(address + "#format=keras&cell=tf2.4..tf2.9")
    expect(page.locator("#cell")).to_contain_text("Nothing to load: 10")
    page.goto(address + "#cell=nowhere..tf2.9&format=%00&model=__proto__")
    page.reload()
    expect(page.locator("#cell")).not_to_be_visible()


def test_error_text_is_never_run(page: Page, address: str) -> None:
    """Script in an error text is shown, in the list and in the sheet, and does nothing."""
    page.goto(address + "#model=named-io&format=keras&cell=tf2.19..tf2.20")
    failing = page.locator("#cell .res.fail")
    failing.locator("summary").first.click()
    expect(failing.locator("pre.message")).to_contain_text("</script><script>window.pwned = 1</script>")
    failing.locator("a", has_text="where else").click()
    expect(page.locator("#errors details[open] pre.message").first).to_be_visible()
    assert page.evaluate("window.pwned") is None


def test_copying(page: Page, address: str) -> None:
    """The line that reproduces a result reaches the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(address + "#cell=tf2.9..tf2.16")
    page.locator("#cell .res .again .copy").first.click()
    expect(page.locator("#cell .res .again .copy").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "tfmatrix cell tf2.9 recurrent h5 tf2.16"


@pytest.mark.parametrize("hash_", ["", "#format=h5", "#cell=tf2.9..tf2.16", "#e0"])
@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_nothing_runs_over_the_edge(page: Page, address: str, width: int, hash_: str) -> None:
    """The body never scrolls sideways; the matrix does, inside its own box."""
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(address + hash_)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 360:
        assert page.evaluate("(box => box.scrollWidth > box.clientWidth)(document.querySelector('.scroll'))")


def test_headings_stay_in_sight(page: Page, address: str) -> None:
    """On a phone, scrolled to the far corner, row and column headings are still there."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address)
    box = page.locator("#matrix .scroll")
    box.evaluate("box => box.scrollTo(9999, 9999)")
    frame, row = box.bounding_box(), page.locator('#grid th[data-row="tf2.21"]').bounding_box()
    column = page.locator('#grid thead th[data-column="tf2.21"]').bounding_box()
    assert frame
    assert row
    assert column
    assert abs(row["x"] - frame["x"]) < 3
    assert abs(column["y"] - frame["y"]) < 40


def test_without_javascript_the_matrix_is_there(browser: Browser, address: str) -> None:
    """The whole matrix and the failures are in the document; what would need a script is not offered."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    assert page.locator("#grid td[data-row]").count() == 18 * 18
    assert _square(page, "tf2.4", "tf2.16").startswith("saved in 2.4, loaded in 2.16: 7 of 20 pass (35 %)")
    expect(page.locator(".filters")).not_to_be_visible()
    error = page.locator("#errors .error").first
    error.locator("summary").first.click()
    expect(error.locator("pre.message")).to_be_visible()
    context.close()


def test_the_empty_page(page: Page, tmp_path: Path) -> None:
    """With nothing measured the page says what to run, and its squares still open."""
    page.goto(site(fake_matrix.empty(), tmp_path / "index.html").as_uri())
    expect(page.locator(".empty pre")).to_have_text("make matrix")
    page.locator('#grid td[data-row="tf2.4"][data-column="tf2.4"] a').click()
    expect(page.locator("#cell .list")).to_contain_text("make matrix")


def test_it_is_fast(page: Page, address: str) -> None:
    """A filter over thirteen thousand rows repaints at once; the bound is generous, machines are shared."""
    page.goto(address)
    took = page.evaluate(
        "() => { const start = performance.now(); const f = document.querySelector('.filters');"
        " f.model.value = 'lambda'; f.dispatchEvent(new Event('change')); document.body.offsetHeight;"
        " return performance.now() - start; }"
    )
    assert took < 2000
