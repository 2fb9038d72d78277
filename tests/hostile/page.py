"""The part of docs/threats.md that is made of the attacks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.hostile.archives import ARCHIVES
from tests.hostile.case import table
from tests.hostile.code import CODE
from tests.hostile.files import FILES
from tests.hostile.looks import LOOKS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "threats.md"
KINDS: Final = (CODE, LOOKS, FILES, ARCHIVES)
_BEGIN: Final = "<!-- made by python -m tests.hostile -->\n"
_END: Final = "<!-- end -->\n"


def with_tables(text: str) -> str:
    """The page with its tables as they are now."""
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table(*KINDS)}\n{_END}{rest.partition(_END)[2]}"
