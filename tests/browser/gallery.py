"""Every part of the site on one page, with made-up content and hostile texts: ``python -m tests.browser.gallery DIR``."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from jinja2 import ChoiceLoader, FileSystemLoader

from reports import addresses, rendering
from reports.grid import Outcome, Tally
from reports.links import Links
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Band, Choice, Choices, Empty, Head, Heat, Square, Stretch

HOSTILE: Final = '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1"> \' " & `${7*7}`'
MINORS: Final = tuple(f"2.{minor}" for minor in range(4, 22))
OVERLAYS: Final = (
    *(f"2.{16 + minor // 4}+keras3.{minor}" for minor in range(16)),
    *(f"2.{minor}+tf_keras2.{minor}" for minor in range(16, 22)),
)
NOW: Final = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
_WORDS: Final = {Outcome.PASS: "loads", Outcome.FAIL: "fails", Outcome.DRIFT: "answers differently"}


class NoLinks:
    """All addresses lead to places of the same document, so that no test leaves it."""

    made_for: Literal["server", "files"] = "files"

    def __call__(self, address: str) -> str:
        """Return a fragment."""
        return f"#{address}"

    def has(self, address: str) -> bool:
        """Everything is there."""
        return bool(address)

    def static(self, name: str) -> str:
        """Return a file beside the page."""
        return name


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the gallery shows."""

    hostile: str
    heat: Heat
    tall: Heat
    wide: Heat
    stretches: tuple[Stretch, ...]
    many: tuple[Stretch, ...]
    choices: tuple[Choices, ...]
    tally: Tally
    traceback: str
    empty: Empty


def content() -> Content:
    """Something for each part."""
    bands = (Band(text="Keras 2", width=12), Band(text="Keras 3", width=6))
    overlays = (Band(text="Keras 3 overlays", width=16), Band(text="tf_keras", width=6))
    return Content(
        hostile=HOSTILE,
        heat=heat(MINORS, bands, {"2.16"}, "Saver and loader: per cent of loads that give the saver's answer"),
        tall=heat(
            (*MINORS, *OVERLAYS), bands + overlays, {"2.16", OVERLAYS[0], OVERLAYS[16]}, "The same with overlays"
        ),
        wide=_wide(),
        stretches=(
            _stretch(Outcome.PASS, "2.4-2.15", 12),
            _stretch(Outcome.FAIL, "2.16-2.21", 6, "Keras 3 cannot read a SavedModel"),
        ),
        many=(
            _stretch(Outcome.NOT_APPLICABLE, "2.4-2.5", 2),
            _stretch(Outcome.FAIL, "2.6", 1, HOSTILE),
            _stretch(Outcome.DRIFT, "2.7-2.9", 3),
            _stretch(Outcome.PASS, "2.10-2.14", 5),
            _stretch(Outcome.CRASH, "2.15", 1, "Illegal instruction"),
            _stretch(Outcome.NOT_MEASURED, "2.16-2.18", 3),
            _stretch(Outcome.HARNESS_BROKEN, "2.19", 1),
            _stretch(Outcome.TIMEOUT, "2.20-2.21", 2, "Hangs in a retracing loop"),
        ),
        choices=(
            _choices("format", "Format", ("all", "h5", "savedmodel", "keras", "weights-h5", "export"), as_pills=True),
            _choices("model", "Model", ("all 40", "Dense classifier", HOSTILE)),
            _choices("method", "Loaded by", ("what the format calls for", "compile=False")),
        ),
        tally=Tally(counts={Outcome.PASS: 7645, Outcome.DRIFT: 212, Outcome.FAIL: 5310, Outcome.UNSUPPORTED: 12}),
        traceback="\n".join(f'  File "/site/keras/src/module_{place}.py", line {place}, in f' for place in range(40)),
        empty=NOTHING_YET,
    )


def heat(names: tuple[str, ...], bands: tuple[Band, ...], firsts: set[str], caption: str) -> Heat:
    """A heat table of versions with every look in it."""
    heads = tuple(
        Head(id=name, text=name, href=f"/environments/tf{name}", first_of_band=name in firsts, note="Keras")
        for name in names
    )
    return Heat(
        caption=caption,
        down="saved in",
        across="loaded in",
        bands=bands,
        columns=heads,
        rows=tuple((head, tuple(_square(y, x) for x in range(len(names)))) for y, head in enumerate(heads)),
    )


def render(links: Links, *, live: bool = False) -> str:
    """The gallery as a document."""
    page = Page(
        template="gallery",
        title="Parts of the site",
        address="/gallery",
        content=content(),
        nav=addresses.load(),
        trail=(("Matrix", "/"), ("Saved in 2.9", "/environments/tf2.9")),
        csv="/gallery.csv",
        live=live,
    )
    templates = rendering._templates()
    loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent), *([templates.loader] if templates.loader else [])])
    frame = rendering._Frame(page=page, generated_at=NOW, made_for=links.made_for)
    template = templates.overlay(loader=loader).get_template("gallery.html")
    return template.render(page=frame, content=page.content, links=links, now=NOW)


def drawn(links: Links, *, live: bool = False) -> str:
    """The gallery as browsers get it: without its largest table, which takes a second each time."""
    before, _, rest = render(links, live=live).partition('<section aria-labelledby="h-tall">')
    return before + rest.partition("</section>")[2]


def write(folder: Path) -> Path:
    """The gallery and its style and script as files; returns where the page is."""
    folder.mkdir(parents=True, exist_ok=True)
    for asset in rendering.STATIC.iterdir():
        shutil.copy(asset, folder)
    target = folder / "gallery.html"
    target.write_text(drawn(NoLinks()), encoding="utf-8")
    return target


def _square(row: int, column: int) -> Square:
    share = 100 if row == column else max(0, min(100, 140 - 11 * abs(row - column) - (60 if row < 12 <= column else 0)))
    counts = {Outcome.PASS: 3 * share, Outcome.FAIL: 300 - 3 * share}
    if (row * column) % 11 == 3 and share:
        counts |= {Outcome.PASS: counts[Outcome.PASS] - 3, Outcome.DRIFT: 3}
    if (row + column) % 17 == 5:
        counts[Outcome.NOT_MEASURED] = 12
    odd = {(3, 7): Outcome.DRIFT, (5, 2): Outcome.HARNESS_BROKEN, (6, 1): Outcome.NOT_MEASURED}.get((row, column))
    if odd or row == 16:
        counts = {odd or Outcome.UNSUPPORTED: 300}
    return Square(counts=counts, href=None if row == 16 else f"/pairs/tf2.{row}/tf2.{column}")


def _wide() -> Heat:
    formats = ("h5", "savedmodel", "keras", "weights-h5", "checkpoint", "json+weights", "export")
    models = (
        ("Dense classifier", "The plainest model there is: what fails here fails everywhere."),
        (HOSTILE, HOSTILE),
    )
    return Heat(
        caption="Models and formats",
        down="model",
        across="format",
        columns=tuple(Head(id=name, text=name, href=f"/formats/{name}") for name in formats),
        rows=tuple(
            (
                Head(id=name, text=name, href="/models/one", note=shows),
                tuple(_square(place, x * 2) for x in range(len(formats))),
            )
            for place, (name, shows) in enumerate(models)
        ),
    )


def _stretch(outcome: Outcome, label: str, width: int, cause: str = "") -> Stretch:
    return Stretch(
        outcome=outcome,
        label=label,
        words=_WORDS.get(outcome, str(outcome)),
        width=width,
        href=None if outcome is Outcome.NOT_APPLICABLE else "/cells/one",
        cause=cause,
        cause_href="/errors/one" if cause else None,
    )


def _choices(name: str, label: str, texts: tuple[str, ...], *, as_pills: bool = False) -> Choices:
    options = (Choice(value=text if place else "", text=text, chosen=not place) for place, text in enumerate(texts))
    return Choices(name=name, label=label, options=tuple(options), as_pills=as_pills)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
