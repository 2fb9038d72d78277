"""What a page is made from: the matrix in memory, and the database beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from matrix.config import Settings
from matrix.store import Queue, Reader
from reports.known import Known


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One moment: ``known`` is the matrix, ``read`` and ``queue`` answer what it does not hold; ages count from ``now``."""

    known: Known
    read: Reader
    queue: Queue
    settings: Settings
    now: datetime
