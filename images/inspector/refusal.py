"""What is said of a file that is not taken, and how text out of a file is shown."""

from __future__ import annotations

import re

SHOWN = 80
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Refused(Exception):  # noqa: N818  it is no fault of anybody here
    """The upload cannot be used: a code for programs, a sentence that says what is wrong, and one that says what to do."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(message)
        self.code, self.message, self.next_step = code, message, next_step


def shown(text: object, limit: int = SHOWN) -> str:
    """Return text out of a file as one short line without control characters."""
    line = printable(str(text)[: limit * 4])
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def printable(text: str) -> str:
    """Return text with everything replaced that no line has: control, direction and half characters."""
    return _UNPRINTABLE.sub("?", text)


def size(count: int) -> str:
    """Return a number of bytes as people write it."""
    for unit, name in ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}".replace(".0 ", " ")
    return f"{count} bytes"
