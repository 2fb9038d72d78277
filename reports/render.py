"""Turns results into documents: the page, the terminal's table, JSON and CSV. The only file of reports/ that writes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from matrix.errors import DiskFullError
from reports.downloads import SCHEMA_VERSION
from reports.export import as_csv, as_json
from reports.grid import SIGNS, Outcome, Results
from reports.page import page, utc
from reports.terminal import terminal_table

__all__ = ["SCHEMA_VERSION", "as_csv", "as_json", "html", "site", "terminal_table", "write_atomically"]

_TEMPLATES: Final = Path(__file__).parent / "templates"


def site(results: Results, target: Path) -> Path:
    """Write the page that opens from disk, and return where it is. ``target`` is the file, its folder is made."""
    return write_atomically(target, html(results))


def html(results: Results) -> str:
    """The whole page as one document: nothing is fetched, and only its own script may run."""
    script, style = _asset("page.js"), _asset("page.css")
    content = page(results)
    return (
        _templates()
        .get_template("index.html")
        .render(
            page=content,
            data=htmlsafe_json_dumps(content.data, dumps=_dumps),
            script=Markup(script),  # noqa: S704  (our own file, not a result)
            style=Markup(style),  # noqa: S704
            script_hash=_csp_hash(script),
            style_hash=_csp_hash(style),
        )
    )


def write_atomically(target: Path, text: str) -> Path:
    """Write a file so that a reader sees the old one or the new one, never half of one."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        message = f"{target} could not be written: {error.strerror}."
        raise DiskFullError(
            message, next_step="Free some room, or name another place, and run `tfmatrix show` again."
        ) from error
    return target


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["utc"] = utc
    environment.globals["signs"] = SIGNS
    environment.globals["Outcome"] = Outcome
    return environment


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _dumps(value: object, **_: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
