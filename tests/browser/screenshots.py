"""Takes pictures of every page: ``make screenshots``, or ``python -m tests.browser.screenshots --home DIR``."""

from __future__ import annotations

import html
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from playwright.sync_api import Browser
from rich.console import Console
from rich.progress import Progress

from matrix.config import ROOT, Settings
from matrix.store import open_store
from service.alive import sign_of
from service.logs import configure
from tests import upload_samples
from tests.big_matrix import fill
from tests.browser.chromium import chromium
from tests.browser.serving import serving
from tests.site import SIZE
from tests.site_pages import site_pages

OUT: Final = ROOT / "var" / "screenshots"
WIDTHS: Final = (1280, 360)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
TALLEST: Final = 6_000
EMPTY: Final = {
    "home": "/",
    "upload": "/upload",
    "load": "/load",
    "models": "/models",
    "formats": "/formats",
    "environments": "/environments",
    "errors": "/errors",
    "runs": "/runs",
    "queue": "/queue",
    "changes": "/changes",
    "about": "/about",
    "not found": "/models/densee",
}
"""What a site shows in which nothing was measured."""

_SHEET: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Screenshots</title>
<style>body { font: 13px sans-serif; display: flex; flex-wrap: wrap; gap: 16px } figure { margin: 0 }
img { width: 300px; height: 400px; object-fit: cover; object-position: top; border: 1px solid #999 }</style>"""

out = Console(highlight=False)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    home: Annotated[Path | None, typer.Option(help="A home folder with a database; var, or else made up.")] = None,
    target: Annotated[Path, typer.Option("--out", help="The folder to write.")] = OUT,
) -> None:
    """Write a picture of each page at each width, in each colour, full and empty, and a sheet with all of them."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        full, empty = Path(folder) / "full", Path(folder) / "empty"
        full.mkdir()
        empty.mkdir()
        _fill(home or ROOT / "var", full)
        open_store(empty / "matrix.db").close()
        with open_store(full / "matrix.db") as opened:
            upload_samples.fill(opened)
            sign_of(full).touch()
            pages = site_pages(opened.read) | upload_samples.PAGES | {"not found": "/models/densee"}
        with chromium() as browser:
            names = _shoot_all(browser, {"full": (full, pages), "empty": (empty, EMPTY)}, target)
    (target / "index.html").write_text(_sheet(names), encoding="utf-8")
    out.print(f"screenshots: {target / 'index.html'}", soft_wrap=True)


def _fill(home: Path, into: Path) -> None:
    """Bring a copy of a home's database, or a made-up one: pictures change nothing."""
    if not (home / "matrix.db").exists():
        fill(into / "matrix.db", SIZE)
        return
    for path in home.glob("matrix.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, into)


def _shoot_all(browser: Browser, sites: dict[str, tuple[Path, dict[str, str]]], target: Path) -> list[str]:
    names: list[str] = []
    total = len(WIDTHS) * len(SCHEMES) * sum(len(pages) for _, pages in sites.values())
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("screenshots", total=total)
        for state, (home, pages) in sites.items():
            settings = Settings(home=home, log_level="error")
            configure(settings)
            with serving(settings) as site:
                for width in WIDTHS:
                    for scheme in SCHEMES:
                        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                        tab = context.new_page()
                        for name, address in pages.items():
                            tab.goto(f"{site}{address}")
                            names.append(f"{state}-{name.replace(' ', '-')}-{width}-{scheme}.png")
                            height = min(TALLEST, int(tab.evaluate("document.documentElement.scrollHeight")))
                            clip = {"x": 0, "y": 0, "width": width, "height": height}
                            tab.screenshot(path=target / names[-1], full_page=True, clip=clip)  # type: ignore[arg-type]
                            progress.advance(task)
                        context.close()
    return names


def _sheet(names: list[str]) -> str:
    """All pictures on one page."""
    figures = "\n".join(
        f'<figure><a href="{html.escape(name)}"><img src="{html.escape(name)}" alt="" loading="lazy"></a>'
        f"<figcaption>{html.escape(name.removesuffix('.png'))}</figcaption></figure>"
        for name in names
    )
    return f"{_SHEET}\n{figures}\n</html>\n"


if __name__ == "__main__":
    app()
