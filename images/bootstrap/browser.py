"""Has the distribution's Chromium for the browser tests; run by `make test` as a module."""

from __future__ import annotations

import os
import shutil
import sys

from images.bootstrap.apt import install
from matrix.errors import TfmatrixError


def main() -> int:
    """Install Chromium where it is missing and may be installed."""
    if shutil.which("chromium") or shutil.which("chromium-browser"):
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("browser: install Chromium, the browser tests need it", file=sys.stderr)  # noqa: T201
        return 3
    try:
        install(["chromium"], print)
    except TfmatrixError as error:
        print(f"error: {error.message}\nnext: {error.next_step}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
