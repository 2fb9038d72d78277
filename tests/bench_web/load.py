"""Twenty clients, by wrk: requests a second, and the time that 95 of a hundred answers stay under."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CLIENTS: Final = 20
SCRIPT: Final = Path(__file__).with_name("report.lua")


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What came of it. ``p95`` is in milliseconds; ``errors`` counts answers that were none, or no 200."""

    p95: float
    per_second: float
    errors: int


def under_load(url: str, seconds: float) -> Load:
    """Ask for one address with all clients at once, each again as soon as it is answered, as a browser would."""
    words = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "-s", str(SCRIPT), url]
    done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603
    found = dict(re.findall(r"^bench (\w+) ([\d.]+)$", done.stdout, flags=re.MULTILINE))
    return Load(p95=float(found["p95"]) / 1000, per_second=float(found["rate"]), errors=int(float(found["errors"])))
