"""Runs batches side by side in threads of this process, one lane each, and hands back what they find as it comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

Batch = TypeVar("Batch")
Finding = TypeVar("Finding")

Work = Callable[[Batch, int, Callable[[Finding], None]], None]
"""What is done with a batch on a lane; it gives each finding to the callable."""

PATIENCE = 60
"""Seconds that a lane gets to end after it was asked to stop."""


class LocalExecutor(Generic[Batch, Finding]):
    """An executor of as many lanes as it is told; findings are taken out by the one thread that iterates."""

    def __init__(self, work: Work[Batch, Finding], lanes: int, stop: Callable[[], None]) -> None:
        self._work = work
        self._lanes = lanes
        self._stop_work = stop
        self._batches: queue.SimpleQueue[Batch] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Finding | _LaneEnded] = queue.SimpleQueue()
        self._stopped = threading.Event()

    def run(self, batches: Sequence[Batch]) -> Iterator[Finding]:
        """Yield findings until every batch is done.

        What a lane raises is raised here. Leaving the loop early, by Ctrl-C or an error, stops the lanes first.
        """
        for batch in batches:
            self._batches.put(batch)
        threads = [threading.Thread(target=self._lane, args=(number,), daemon=True) for number in range(self._lanes)]
        for thread in threads:
            thread.start()
        try:
            yield from self._findings(len(threads))
        finally:
            self._stopped.set()
            if any(thread.is_alive() for thread in threads):
                self._stop_work()
            for thread in threads:
                thread.join(PATIENCE)

    def leftovers(self) -> Iterator[Finding]:
        """Yield what was found between the last finding taken and the stop: it was measured, so it counts."""
        while not self._results.empty():
            item = self._results.get()
            if not isinstance(item, _LaneEnded):
                yield item

    def _findings(self, running: int) -> Iterator[Finding]:
        while running:
            item = self._results.get()
            if not isinstance(item, _LaneEnded):
                yield item
                continue
            running -= 1
            if item.error is not None:
                raise item.error

    def _lane(self, number: int) -> None:
        try:
            while not self._stopped.is_set():
                self._work(self._batches.get_nowait(), number, self._results.put)
        except queue.Empty:
            self._results.put(_LaneEnded(None))
        except BaseException as error:  # noqa: BLE001  raised again where the findings are taken
            self._results.put(_LaneEnded(error))
        else:
            self._results.put(_LaneEnded(None))


class _LaneEnded:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
