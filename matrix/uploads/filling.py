"""How a row fills: each environment tries the upload, and what is found is recorded as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from matrix import verdict
from matrix.model import CellKey, Environment, Method, Rung, Verdict
from matrix.results import CellResult
from matrix.session import HarnessBrokenError
from matrix.uploads.agreement import is_steady
from matrix.uploads.attempt import Attempt, Inputs, Seat, attempts, load
from matrix.uploads.means import Means, now
from matrix.uploads.model import ITSELF, UploadCell
from matrix.uploads.row import Row
from matrix.uploads.ways import Ways, is_keras_model
from matrix.verdict import Unheld

Work = Callable[[], None]


class Filling:
    """The row of one content. Lanes share it: ``claim`` hands out environments, ``changed`` is called where it stands.

    ``asked_with`` is called before any answer is kept: what all environments are asked is settled by then.
    """

    def __init__(  # noqa: PLR0913  what a row needs is what it is given
        self,
        means: Means,
        content: str,
        *,
        ways: Ways,
        row: Row,
        inputs: Inputs,
        lock: threading.RLock,
        changed: Callable[[], None],
        asked_with: Callable[[], None],
    ) -> None:
        self.row = row
        self.ways = ways
        self.inputs = inputs
        self.methods: dict[int, Method] = {}
        self._unwritten: list[UploadCell] = []
        self._means = means
        self._content = content
        self._lock = lock
        self._changed = changed
        self._asked_with = asked_with

    def recall(self) -> None:
        """Take what is known of these very files from an earlier upload, or from before a restart."""
        cells = [cell for cell in self._means.uploads.cells(self._content) if cell.saver == ITSELF]
        self.row.remember(cell for cell in cells if cell.outputs and self._means.has(cell.outputs))
        known: dict[str, list[UploadCell]] = {}
        for cell in cells:
            if cell.result.verdict is not Verdict.HARNESS_BROKEN:
                known.setdefault(cell.result.key.loader, []).append(cell)
        for wanted in self.row.members:
            self._take_known(wanted, known)
        while (place := self.row.missing_for_reference()) is not None and self._take_known(place, known):
            pass
        recalled = [cell for place in self.row.places.values() for cell in place.cells]
        self.record([cell for cell in recalled if cell not in cells])  # at the end: until then they merely load

    def claim(self) -> Work | None:
        """Return the next environment's work; nothing when all are under way or done."""
        place = self.row.claim()
        return None if place is None else partial(self._try, place)

    def savers(self) -> list[int]:
        """The places that can save the upload again: those where it is a Keras model."""
        return [place for place in self.row.answering() if is_keras_model(self.methods[place])]

    def _is_whole(self, environment: Environment, cells: Sequence[UploadCell]) -> bool:
        """Whether all ways were tried that would be."""
        if not cells:
            return False
        last = cells[-1].result
        if cells[-1].outputs is not None or (last.verdict is Verdict.LOADS and last.rung is Rung.CALLED):
            return True
        further = self.ways.further(environment, cells[0].result)
        return {cell.result.key.method for cell in cells} >= {self.ways.first, *further}

    def _take_known(self, place: int, known: Mapping[str, Sequence[UploadCell]]) -> bool:
        """Take what is known of a place, where that is all of it."""
        environment = self.row.line[place]
        cells = known.get(environment.recipe_digest, [])
        if not self._is_whole(environment, cells):
            return False
        if not all(self._means.has(cell.outputs) for cell in cells if cell.outputs):  # a file is lost: it is tried anew
            return False
        self.row.take(place)
        for cell in cells:
            self.row.add(place, cell)
        self.methods[place] = cells[-1].result.key.method
        self.row.end(place)
        return True

    def _try(self, place: int) -> None:
        environment = self.row.line[place]
        try:
            with self._means.seat(environment, self.ways, self.inputs) as seat:
                for tried in attempts(seat):
                    self._take(place, tried.method, self._asked_twice(seat, tried), tried)
        except HarnessBrokenError as error:
            key = CellKey(artifact=self.ways.artifact, loader=environment.recipe_digest, method=self.ways.first)
            self._take(place, self.ways.first, verdict.harness_broken(key, error.message))
        except BaseException:
            with self._lock:
                self.row.release(place)
            raise
        with self._lock:
            self.record(self.row.end(place))
            self._changed()

    def _take(self, place: int, method: Method, result: CellResult, tried: Attempt | None = None) -> None:
        outputs = (tried.found.outputs or None) if tried else None
        digest, size = self._means.keep(outputs)
        cell = UploadCell(
            saver=ITSELF,
            format=self.ways.format,
            result=result,
            outputs=digest,
            size=size,
            group=None,
            measured_at=now(),
            notes=_notes(tried.found) if tried else (),
        )
        with self._lock:
            self.methods[place] = method
            if tried is not None:
                self._asked_with()  # first: nothing else may ever be held against these answers
            self.record([self.row.add(place, cell)])

    def _asked_twice(self, seat: Seat, tried: Attempt) -> CellResult:
        """Note whether whatever may become the reference answers the same once more: else nothing can be held against it."""
        result = tried.found.result
        if not tried.found.outputs or self.ways.format is None or self.row.reference is not None:
            return result
        second = load(seat, tried.method).found.outputs
        steady = not second or is_steady([tried.found.outputs, second])
        return replace(result, repeated=Verdict.LOADS if steady else Verdict.DRIFT)

    def record(self, cells: Sequence[UploadCell] = ()) -> None:
        """Keep what was found, with what could not be kept before."""
        self._unwritten += cells
        if self._unwritten:
            self._means.uploads.record_cells(self._content, self._unwritten)
            self._unwritten.clear()


def _notes(found: Unheld) -> tuple[str, ...]:
    """Return what is to be told of one environment alone; what was assumed in making inputs is so for all."""
    return (*(() if found.source else found.notes), *found.remarks)
