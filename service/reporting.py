"""``tfmatrix report``: the site as files, from what is known."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from matrix.config import Settings
from matrix.store import Store
from service import wiring
from service.options import Json
from service.publish import Published, publish

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def report(
    *,
    out_: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to write; site in the home folder when left out.", metavar="DIR"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the whole site as files from what is known: it opens from disk, and any static host serves it."""
    settings = Settings()
    target = (out_ or settings.home / "site").absolute()
    with wiring.store(settings, create=False) as opened:
        found = write(opened, settings, target)
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, **asdict(found)}, default=str) + "\n")
        return
    out.print(said(found), soft_wrap=True)


def write(opened: Store, settings: Settings, target: Path) -> Published:
    """Write the site into a folder, showing how it goes."""
    with _bar() as bar:
        task = bar.add_task("site", total=None)
        return publish(opened, settings, target, lambda done, total: bar.update(task, completed=done, total=total))


def said(found: Published) -> str:
    """What was written, and where it begins."""
    what = f"{found.pages:,} pages, {found.size / 1e6:.1f} MB"
    return f"site: {found.index} ({what}{'' if found.written else ', up to date'})"


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=err, transient=True)
