"""Uploads in a real browser: handed in by the form, filling in while one looks, with and without a script, and deleted."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from matrix.config import Settings
from matrix.model import Verdict
from matrix.store import Store, open_store
from matrix.uploads.door import Door
from matrix.uploads.model import PartFile, Upload, UploadState, content_of
from service.alive import sign_of
from tests import upload_samples as samples
from tests.browser.serving import serving
from tests.browser.tabs import PATIENCE, barriers, listening, sideways

pytestmark = pytest.mark.browser
MODEL = {"name": "classifier.h5", "mimeType": "application/x-hdf5", "buffer": b"\x89HDF\r\n\x1a\n" + bytes(2000)}
SOON = 3_000
"""Milliseconds in which a page has to show what is in the database: less than the five seconds of looking again."""


class Runner:
    """Does what a runner does, by hand: takes an upload from the door, and writes what it finds."""

    def __init__(self, home: Path, store: Store) -> None:
        self.home = home
        self.store = store
        self.door = Door(home / "uploads" / "door")

    def take_up(self) -> Upload:
        """Take the one upload that lies at the door into the database."""
        (upload_id,) = self.door.waiting()
        ticket = self.door.ticket(upload_id)
        parts = {
            part: PartFile(name=name, sha256=f"{len(name):064x}", size=2008) for part, name in ticket.names.items()
        }
        upload = samples.an_upload(
            id=upload_id, parts=parts, content=content_of(parts), deletion=ticket.deletion,
            state=UploadState.INSPECTING, inspection=None, plan=(), reference=None, row_at=None, finished_at=None,
        )  # fmt: skip
        self.store.uploads.add(upload)
        self.door.clear(upload_id)
        return upload

    def inspect(self, upload: Upload) -> None:
        """Say what it is, and begin its row."""
        plan = [one.id for one in samples.BASE]
        self.store.uploads.change(
            upload.id, state=UploadState.LOADING, inspection=samples.INSPECTION, plan=plan, reference=samples.REFERENCE
        )

    def load(self, upload: Upload, first: int, last: int) -> None:
        """Find out what some environments make of it."""
        self.store.uploads.record_cells(upload.content, samples.the_row(samples.BASE[first:last]))

    def end(self, upload: Upload) -> None:
        """Come to the end of it."""
        self.store.uploads.change(upload.id, state=UploadState.DONE)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """A runner of a home of its own."""
    sign_of(tmp_path).touch()
    with open_store(tmp_path / "matrix.db") as store:
        yield Runner(tmp_path, store)


@pytest.fixture
def own(runner: Runner) -> Iterator[str]:
    """Where the site of that home answers."""
    with serving(Settings(home=runner.home, upload_bytes=1 << 20)) as address:
        yield address


@pytest.fixture
def watching(browser: Browser, own: str) -> Iterator[Page]:
    """A tab for it."""
    with listening(browser, own) as one:
        yield one


@contextmanager
def silently(browser: Browser, **options: Any) -> Iterator[Page]:
    """A tab in which a page may be refused: to Chromium that is an error to complain of."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def hand_in(tab: Page, own: str, **file: str) -> None:
    """From the front page to the page of what was handed in, as a person goes."""
    tab.goto(own)
    tab.get_by_role("link", name="Upload your model").click()
    tab.set_input_files("#model", {**MODEL, **file})  # type: ignore[arg-type]
    tab.get_by_role("button", name="Upload and see").click()
    tab.wait_for_url("**/u/*")


def test_a_page_fills_in_while_one_looks(watching: Page, own: str, runner: Runner) -> None:
    """From the door to the whole row without a reload; what is unfolded stays so, and each step is there at once."""
    hand_in(watching, own)
    expect(watching.locator("h1")).to_have_text("classifier.h5")
    expect(watching.locator(".answer")).to_contain_text("Waits for a runner")
    watching.evaluate("window.here = true")
    upload = runner.take_up()
    expect(watching.locator(".answer")).to_contain_text("It is looked into", timeout=SOON)
    runner.inspect(upload)
    expect(watching.get_by_role("heading", name="Saved with Keras 2.11.0.")).to_be_visible(timeout=SOON)
    watching.get_by_text("How this is known").click()
    runner.load(upload, 7, 9)
    expect(watching.locator(".answer")).to_contain_text("same answers in 2.11-2.12", timeout=SOON)
    expect(watching.get_by_text("The attribute keras_version says 2.11.0.")).to_be_visible()
    runner.load(upload, 0, 18)
    expect(watching.locator(".answer")).to_contain_text("fails in 2.16-2.21", timeout=SOON)
    runner.end(upload)
    expect(watching.locator("main")).not_to_have_attribute("data-events", "", timeout=SOON)
    expect(watching.locator("progress")).to_have_count(0, timeout=SOON)
    assert watching.evaluate("window.here")
    assert watching.evaluate("document.querySelector('#main').dataset.events === undefined")


def test_without_javascript_the_page_refreshes_itself(browser: Browser, own: str, runner: Runner) -> None:
    """The form, its page, and its deletion need no script."""
    with silently(browser, java_script_enabled=False) as tab:
        hand_in(tab, own)
        expect(tab.locator(".answer")).to_contain_text("Waits for a runner")
        upload = runner.take_up()
        runner.inspect(upload)
        runner.load(upload, 0, 18)
        runner.end(upload)
        expect(tab.locator(".answer")).to_contain_text("fails in 2.16-2.21", timeout=12_000)
        tab.get_by_role("button", name="Delete the file and all that was found").click()
        expect(tab.locator("h1")).to_contain_text("410")
        (asked,) = runner.door.removals()
        assert asked.id == upload.id


@pytest.mark.everything
def test_a_page_goes_on_where_events_are_not_to_be_had(browser: Browser, own: str, runner: Runner) -> None:
    """A proxy may not let them through: then the page looks every five seconds."""
    with listening(browser, own) as tab:
        tab.route("**/events", lambda route: route.fulfill(status=204))
        hand_in(tab, own)
        runner.inspect(runner.take_up())
        expect(tab.get_by_role("heading", name="Saved with Keras 2.11.0.")).to_be_visible(timeout=12_000)


def test_what_is_wrong_is_told_beside_the_form(browser: Browser, own: str, runner: Runner) -> None:
    """Too large and empty before anything is sent; what the site says of the rest, and the form stays as it was."""
    with listening(browser, own) as tab:
        tab.goto(f"{own}/upload")
        tab.set_input_files("#model", {**MODEL, "buffer": bytes(2 << 20)})  # type: ignore[arg-type]
        expect(tab.get_by_role("alert")).to_contain_text("1 MiB are taken")
        tab.set_input_files("#model", {**MODEL, "buffer": b""})  # type: ignore[arg-type]
        expect(tab.get_by_role("alert")).to_contain_text("classifier.h5 is empty.")
        tab.get_by_role("button", name="Upload and see").click()
        assert tab.url.endswith("/upload")
        assert runner.door.weight() == (0, 0)


def test_the_sites_refusal_is_told_beside_the_form(browser: Browser, own: str, runner: Runner) -> None:
    """Its sentence and the next step, in place of a page that would take the form away."""
    with silently(browser) as tab:
        tab.goto(f"{own}/upload")
        tab.get_by_text("More: weights").click()
        tab.set_input_files("#model", MODEL)  # type: ignore[arg-type]
        tab.fill("#environments", "2.99")
        tab.get_by_role("button", name="Upload and see").click()
        expect(tab.get_by_role("alert")).to_contain_text("2.99")
        tab.fill("#environments", "2.15")
        tab.get_by_role("button", name="Upload and see").click()
        tab.wait_for_url("**/u/*")
        assert runner.door.ticket(runner.door.waiting()[0]).options.environments == ("tf2.15",)


DROP = """([files]) => {
  const box = new DataTransfer();
  for (const [name, text] of files) box.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
  document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: box, bubbles: true, cancelable: true }));
}"""


def test_files_are_dropped_where_they_belong(watching: Page, own: str, runner: Runner) -> None:
    """Several at once: each goes where its ending says."""
    watching.goto(f"{own}/upload")
    names = ("weights.h5", "model.json", "in.npz", "layers.py")
    files = [[name, base64.b64encode(name.encode()).decode()] for name in names]
    watching.evaluate(DROP, [files])
    for part, name in zip(("model", "architecture", "inputs", "custom_objects"), names, strict=True):
        assert watching.evaluate(f"document.querySelector('#{part}').files[0].name") == name
    watching.get_by_role("button", name="Upload and see").click()
    watching.wait_for_url("**/u/*")
    ticket = runner.door.ticket(runner.door.waiting()[0])
    assert sorted(ticket.names.values()) == sorted(names)
    watching.goto(f"{own}/upload")
    watching.evaluate(DROP, [[["a.h5", "eA=="], ["b.h5", "eA=="]]])
    expect(watching.get_by_role("alert")).to_contain_text("b.h5: not taken")


def test_hostile_words_do_nothing(watching: Page, own: str, runner: Runner) -> None:
    """A file's name, its classes and its errors are markup: shown as they are, live and in the report."""
    hand_in(watching, own, name="<img src=x onerror='alert(1)'>.h5")
    expect(watching.locator("h1")).to_have_text("<img src=x onerror='alert(1)'>.h5")
    upload = runner.take_up()
    runner.store.uploads.change(
        upload.id, state=UploadState.LOADING, inspection=samples.hostile(runner.store).inspection,
        plan=[one.id for one in samples.BASE], note=samples.HOSTILE,
    )  # fmt: skip
    bad = samples.failure(samples.HOSTILE, exception=samples.HOSTILE)
    cells = [samples.a_cell(one, Verdict.FAIL, failure=bad) for one in samples.BASE]
    runner.store.uploads.record_cells(upload.content, cells)
    expect(watching.locator(".answer")).to_contain_text("Fails in 2.4-2.21", timeout=SOON)
    watching.get_by_text("The whole message and the traceback").click()
    assert watching.locator("main script, main img[src=x], main [onerror]").count() == 0
    assert watching.evaluate("window.pwned") is None
    with watching.expect_download() as caught:
        watching.get_by_role("link", name="HTML").click()
    report = watching.context.new_page()
    report.goto(caught.value.path().rename(runner.home / "report.html").as_uri())
    expect(report.locator("h1")).to_have_text("<img src=x onerror='alert(1)'>.h5")
    assert report.locator("script, img[src=x], [onerror]").count() == 0
    assert report.evaluate("getComputedStyle(document.body).display") == "flex"  # its style is in it


def test_the_browser_that_handed_in_deletes(browser: Browser, own: str, runner: Runner) -> None:
    """Its token is shown to it alone; afterwards the page is gone, for everybody."""
    with silently(browser) as tab:
        hand_in(tab, own)
        address = tab.url
        expect(tab.get_by_text("This browser handed it in")).to_be_visible()
        with silently(browser) as another:
            another.goto(address)
            expect(another.get_by_text("This browser handed it in")).to_have_count(0)
            tab.get_by_role("button", name="Delete the file and all that was found").click()
            expect(tab.locator("h1")).to_contain_text("410")
            expect(another.locator("h1")).to_contain_text("410", timeout=SOON)  # it was told
    assert runner.door.waiting() == ()


@pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.everything)])
def test_no_barrier_at_any_moment(browser: Browser, own: str, runner: Runner, width: int) -> None:
    """The form unfolded, what waits, what fills in: no barrier, and nothing over the edge."""
    with listening(browser, own, viewport={"width": width, "height": 800}) as tab:
        tab.goto(f"{own}/upload")
        tab.get_by_text("More: weights").click()
        assert (sideways(tab), barriers(tab)) == (0, [])
        hand_in(tab, own, name=f"{'a-very-long-name-' * 9}.h5")
        assert (sideways(tab), barriers(tab)) == (0, [])
        upload = runner.take_up()
        runner.inspect(upload)
        runner.load(upload, 4, 12)
        expect(tab.locator(".answer")).to_contain_text("same answers", timeout=SOON)
        assert (sideways(tab), barriers(tab)) == (0, [])
