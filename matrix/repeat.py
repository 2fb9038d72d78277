"""Which findings are looked at a second time, in a fresh process, before they count."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from matrix.model import CellKey, CellRequest, Verdict
from matrix.results import CellResult

SAMPLE: Final = 100
"""One in this many of the cells that nothing else calls for is repeated."""


class NeverRepeats:
    """For measurements of speed: every cell once."""

    def at_once(self, request: CellRequest, result: CellResult) -> bool:
        """Never."""
        del request, result
        return False

    def later(self, result: CellResult) -> bool:
        """Never."""
        del result
        return False

    def confirm(self, request: CellRequest, result: CellResult) -> None:
        """Nothing is repeated, so nothing is confirmed."""


NEVER: Final = NeverRepeats()


class Repeats:
    """Decides, cell by cell, whether to repeat; shared by the lanes of one run.

    At once: a crash, a timeout, a process out of memory, until one of its kind was confirmed (a kind is all of one loader,
    model, format and method); and a verdict that differs from the one known. Later, with others
    of its batch: of ordinary failures and drift one for each loader and fingerprint; of the rest a sample, the same
    cells whenever they are run.
    """

    def __init__(self, known: Mapping[CellKey, CellResult]) -> None:
        self._known = known
        self._seen: set[tuple[str, str]] = set()
        self._confirmed: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def at_once(self, request: CellRequest, result: CellResult) -> bool:
        """Whether this result is so odd that it is repeated before anything else is run."""
        known = self._known.get(result.key)
        changed = known is not None and known.verdict is not result.verdict
        return changed or (result.verdict.is_abnormal and _kind(request, result) not in self._confirmed)

    def confirm(self, request: CellRequest, result: CellResult) -> None:
        """Note that a fresh process gave the same verdict."""
        with self._lock:
            self._confirmed.add(_kind(request, result))

    def later(self, result: CellResult) -> bool:
        """Whether this result is to be repeated before its batch ends."""
        return result.verdict is not Verdict.HARNESS_BROKEN and (self._is_new_kind(result) or _is_sampled(result.key))

    def _is_new_kind(self, result: CellResult) -> bool:
        if result.verdict not in {Verdict.FAIL, Verdict.DRIFT}:
            return False
        kind = (result.key.loader, result.failure.fingerprint if result.failure else result.verdict)
        with self._lock:
            new = kind not in self._seen
            self._seen.add(kind)
        return new


def _kind(request: CellRequest, result: CellResult) -> tuple[str, ...]:
    return request.loader, request.model, request.format.value, request.method.value, result.verdict.value


def settle(first: CellResult, second: CellResult) -> CellResult:
    """Return what counts of two goes: where they disagree the fresh process; keep the other's verdict."""
    if first.verdict is second.verdict:
        return replace(first, repeated=second.verdict)
    return replace(second, repeated=first.verdict)


def _is_sampled(key: CellKey) -> bool:
    name = f"{key.artifact}:{key.loader}:{key.method}:{key.version}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % SAMPLE == 0
