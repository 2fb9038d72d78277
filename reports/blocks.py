"""A document as headings, sentences and tables, so that a terminal and Markdown show the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A heading with sentences and a table; each may be missing. Columns that ``code`` names hold commands or errors."""

    heading: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    code: frozenset[str] = frozenset()


def markdown(title: str, about: str, blocks: Iterable[Block]) -> str:
    """The document as Markdown."""
    parts = [f"# {title}\n\n{about}\n"]
    for block in blocks:
        parts.append(f"\n## {block.heading}\n")
        if block.lines:
            parts.append("\n" + "\n".join(f"- {_inert(line)}" for line in block.lines) + "\n")
        if block.rows:
            parts.append("\n" + "\n".join(_markdown_rows(block)) + "\n")
    return "".join(parts)


def terminal(blocks: Iterable[Block]) -> Group:
    """The document for a terminal."""
    shown: list[Text | Table] = []
    for block in blocks:
        shown.append(Text(f"\n{block.heading}", style="bold"))
        shown.extend(Text(line) for line in block.lines)
        if block.rows:
            table = Table(*map(escape, block.columns), box=None, pad_edge=False, padding=(0, 2, 0, 0))
            for row in block.rows:
                table.add_row(*map(escape, row))
            shown.append(table)
    return Group(*shown)


def _markdown_rows(block: Block) -> Iterable[str]:
    yield _line(block.columns)
    yield _line(["---"] * len(block.columns))
    for row in block.rows:
        yield _line([_cell(text, in_code=name in block.code) for name, text in zip(block.columns, row, strict=True)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str, *, in_code: bool) -> str:
    """A cell's text; an error in code, where nothing in it is taken for Markdown or HTML."""
    if not in_code or not text:
        return _inert(text).replace("|", "\\|")
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def _inert(text: str) -> str:
    return text.replace("<", "&lt;")
