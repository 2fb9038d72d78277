"""Writes the tables of docs/threats.md anew, from the attacks' own docstrings: ``python -m tests.hostile``."""

from __future__ import annotations

from tests.hostile.page import PAGE, with_tables

if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
