"""``tfmatrix summary``: all that is known, in numbers, for a terminal, for programs, and as docs/full-run.md."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from matrix.config import Settings
from matrix.errors import IncompleteError, UsageError
from matrix.selection import ALL
from reports.blocks import terminal
from reports.export import plain
from reports.summary import Summary, summarize
from reports.summary_text import as_markdown, blocks
from service import wiring
from service.options import Environments, Formats, Json, Methods, Models


def summary(  # noqa: PLR0913  one parameter for each option
    *,
    environments: Environments = wiring.KNOWN,
    models: Models = ALL,
    formats: Formats = ALL,
    methods: Methods = ALL,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of text.")] = False,
) -> None:
    """Sum up what is known: counts, shares, marks, cost, the largest groups of failures, the diagonal."""
    if as_json and markdown:
        raise UsageError("--json and --markdown exclude each other.", next_step="Give one of them.")
    with wiring.store(Settings(), create=False) as opened:
        chosen = wiring.select_known(opened, environments, models, formats, methods)
        found = summarize(wiring.results(opened, chosen), wiring.cost(opened))
    if as_json:
        sys.stdout.write(json.dumps(_fields(found), ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    elif markdown:
        sys.stdout.write(as_markdown(found))
    else:
        Console(highlight=False).print(terminal(blocks(found)))
    if not found.saves:
        raise IncompleteError("Nothing of this is known yet.", next_step="`tfmatrix run` measures it.")


def _fields(found: Summary) -> dict[str, object]:
    cost = found.cost
    derived = {"core_hours": cost.core_hours, "per_cell": cost.per_cell, "per_save": cost.per_save}
    document = asdict(found)
    document["cost"] |= {**derived, "shares": cost.shares, "known_share": cost.known_share}
    return {"schema": 1, **dict(plain(document))}
