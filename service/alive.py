"""Whether a runner of a home lives; ``python -m service.alive`` is asked every half minute, so it is cheap to start.

It imports nothing but the standard library: a whole `tfmatrix runner --healthy` takes some two seconds of a processor.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

SILENCE: Final = timedelta(seconds=30)
"""How long a runner may be silent before it counts as dead. Several beats: a busy machine may miss one."""


def sign_of(home: Path) -> Path:
    """Return the file that a runner of this home touches while it lives."""
    return home / "runner.alive"


def is_alive(home: Path, now: datetime) -> bool:
    """Whether a runner of this home was heard of lately."""
    try:
        touched = sign_of(home).stat().st_mtime
    except OSError:
        return False
    return now - datetime.fromtimestamp(touched, UTC) < SILENCE


def main() -> int:
    """Return 0 where a runner of TFMATRIX_HOME lives, else 1."""
    return int(not is_alive(Path(os.environ["TFMATRIX_HOME"]), datetime.now(UTC)))


if __name__ == "__main__":
    sys.exit(main())
