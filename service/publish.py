"""The site as files: every page that the server has but for what is one cell's own, made by the same code.

A folder is written beside the one that is there and takes its place when it is whole.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from matrix.config import ROOT, Settings
from matrix.errors import DiskFullError, UsageError
from matrix.store import Store
from reports import addresses, rendering
from reports.downloads import csv_parts, json_parts
from reports.failures import stand_ins
from reports.known import Known
from reports.letters import letters
from reports.links import FileLinks, Files, file_of
from reports.pages.page import Page
from reports.rendering import STATIC
from service.snapshot import Snapshot
from service.source import Source

MARKER: Final = ".tfmatrix-site.json"
"""Says of a folder that it is ours to replace, and what it was made from."""

Watcher = Callable[[int, int], None]
"""Is told how many pages are written, and of how many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A site that was written, or was there already (``written`` is false): where it begins, how much it is."""

    index: Path
    pages: int
    size: int
    written: bool


def publish(opened: Store, settings: Settings, target: Path, watch: Watcher | None = None) -> Published:
    """Write the site into a folder, unless what is there says the same: a run that measured nothing changes nothing.

    Raises:
        UsageError: The folder holds something else.
        DiskFullError: It cannot be written.
    """
    made_from = {"written": opened.read.last_change(), "code": _code(), "home": str(settings.home)}
    before = _marked(target)
    if before is not None and all(before.get(name) == value for name, value in made_from.items()):
        return Published(index=target / "index.html", pages=before["pages"], size=before["size"], written=False)
    _refuse_strangers(target)
    source = Source(
        known=Snapshot(opened.read).known(),
        read=opened.read,
        queue=opened.queue,
        settings=settings,
        now=datetime.now(UTC),
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            new = Path(folder) / "site"
            pages = _write_all(source, new, watch or (lambda _done, _total: None))
            size = sum(path.stat().st_size for path in new.rglob("*") if path.is_file())
            (new / MARKER).write_text(json.dumps({**made_from, "pages": pages, "size": size}), encoding="utf-8")
            _take_place(new, target, Path(folder) / "old")
    except OSError as error:
        message = f"The site could not be written to {target}: {error.strerror}."
        raise DiskFullError(message, next_step="Free some room, or name another folder with --out.") from error
    return Published(index=target / "index.html", pages=pages, size=size, written=True)


def _write_all(source: Source, folder: Path, watch: Watcher) -> int:
    from service.pages import addresses_of, badges  # noqa: PLC0415  (a second that other commands need not wait)

    pages = dict(addresses_of(source))
    files = Files(pages, _stand_ins(source.known))
    for done, (address, make) in enumerate(pages.items()):
        watch(done, len(pages))
        _write_page(make(), FileLinks(address, files), folder / file_of(address), source.now)
    watch(len(pages), len(pages))
    for path in STATIC.iterdir():
        _write(folder / "static" / path.name, path.read_bytes())
    data = rendering.dumps(letters(source.known)).replace("</", "<\\/")
    _write(folder / "data" / "matrix.js", f"window.TFMATRIX={data};\n".encode())
    _write_rows(source, folder)
    badge, image = badges.example(source)
    _write(folder / file_of(badge), image)
    return len(pages)


def _stand_ins(known: Known) -> dict[str, str]:
    """Kinds of failure that have no page are told on that of the most frequent one of their cause."""
    kinds = stand_ins(known)
    of_error = zip(known.cube.fingerprints, known.cause_of_error, strict=True)
    return {
        addresses.error(fingerprint): addresses.error(kinds[known.causes[cause]])
        for fingerprint, cause in of_error
        if known.causes[cause] in kinds
    }


def _write_page(page: Page, links: FileLinks, path: Path, now: datetime) -> None:
    _write(path, rendering.html(page, links, now).encode())
    if links.has(page.json):
        _write(path.with_suffix(".json"), rendering.json_text(page, now).encode())


def _write_rows(source: Source, folder: Path) -> None:
    """All rows, packed: the primary methods and the others."""
    known = source.known
    places = np.arange(len(known.cube))
    about: dict[str, Any] = {
        "generated_at": source.now.isoformat(timespec="seconds"),
        "run": known.header.run,
        "filters": {},
    }
    for kind, parts in (
        ("csv", csv_parts(known.cube, known.kinds, places)),
        ("json", json_parts(known.cube, known.kinds, places, about)),
    ):
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            for part in parts:
                file.write(part.encode())
        _write(folder / file_of(addresses.download(kind)), packed.getvalue())


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _marked(target: Path) -> dict[str, int] | None:
    try:
        found: dict[str, int] = json.loads((target / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if {"pages", "size"} <= found.keys() and (target / "index.html").exists() else None


def _refuse_strangers(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file.", next_step="Name a folder with --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).exists() and not _is_old_site(target):
        raise UsageError(
            f"{target} holds files that tfmatrix did not write, and they would be replaced.",
            next_step="Name a new or an empty folder with --out.",
        )


def _is_old_site(target: Path) -> bool:
    """Whether it is what earlier versions wrote: one page."""
    return [path.name for path in target.iterdir()] == ["index.html"]


def _take_place(new: Path, target: Path, aside: Path) -> None:
    if target.exists():
        target.rename(aside)
    new.rename(target)
    shutil.rmtree(aside, ignore_errors=True)


def _code() -> str:
    """A name for all that pages are made by, so that an update of ours writes them anew."""
    digest = hashlib.sha256()
    for folder in ("matrix", "reports", "service", "images"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".html", ".css", ".js", ".svg", ".toml"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
