"""The row of an upload while it fills: what was tried, which environment is the reference, what each cell then means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from matrix.model import Environment, Rung, Verdict
from matrix.uploads import order
from matrix.uploads.agreement import Agreement, Answer, Standing, judged
from matrix.uploads.model import UploadCell
from matrix.uploads.order import Origin


@dataclass(kw_only=True, slots=True)
class Place:
    """One environment of a row: what came of each way, the last of which may have answered."""

    cells: list[UploadCell] = field(default_factory=list)
    is_done: bool = False

    @property
    def outputs(self) -> str | None:
        """The digest of what it answered."""
        return self.cells[-1].outputs if self.cells else None  # no way is tried after one that answered


class Row:
    """Environments in line, and what came of each. Not safe for threads: whoever shares it holds a lock.

    ``wanted`` names those that were asked for; with the one nearest to what saved the file they are the row. Where that one
    does not load it, others are tried beside them until the reference is found, so that it is the same whatever is asked for.
    ``comparable`` is off where every environment makes the model anew: then nothing is held against anything.
    ``answer`` gives what a cell names by the digest of its outputs.
    """

    def __init__(
        self,
        origin: Origin,
        environments: Sequence[Environment],
        *,
        answer: Answer,
        wanted: Collection[str] | None = None,
        comparable: bool = True,
    ) -> None:
        self.line = order.in_line(environments)
        self.home = order.nearest(origin, self.line)
        self.places: dict[int, Place] = {}
        self._own = [number for number, one in enumerate(self.line) if one.base is None or number == self.home]
        self._wanted = [
            number for number, one in enumerate(self.line) if wanted is None or one.id in wanted or number == self.home
        ]
        self._comparable = comparable
        self._answer = answer
        self._founders: Mapping[int, str] = {}
        self.is_unsteady = False
        self._agreement: Agreement | None = None
        self._reference: int | None = None

    @property
    def reference(self) -> Environment | None:
        """The environment that all others are compared with, once it is known."""
        return None if self._agreement is None or self._reference is None else self.line[self._reference]

    def remember(self, cells: Iterable[UploadCell]) -> None:
        """Take over the groups of cells that are known, so that their numbers mean the same to whoever saw them."""
        known = sorted(
            (cell for cell in cells if cell.group is not None), key=lambda cell: cell.measured_at, reverse=True
        )
        self._founders = {cell.group: cell.outputs for cell in known if cell.group is not None and cell.outputs}

    @property
    def members(self) -> list[int]:
        """The places of the row: what was asked for, and what was tried beside that."""
        return sorted({*self._wanted, *self.places})

    @property
    def is_complete(self) -> bool:
        """Whether every environment was tried to its end."""
        return self._is_done and self.missing_for_reference() is None

    def claim(self) -> int | None:
        """Return the place to try next, which is then under way; nothing when all are.

        What saved the file is first, then environments of their own, which may be warm; overlays fill in between them.
        """
        place = self._next([number for number in self._wanted if number in self._own])
        if place is None:
            place = self._next(self._wanted)
        if place is None:
            place = self.missing_for_reference()
        if place is not None:
            self.take(place)
        return place

    def missing_for_reference(self) -> int | None:
        """Return a place that was not asked for and has to be tried, since what answers is to be held against something."""
        if not (self._comparable and self._agreement is None and self._is_done and self.answering()):
            return None
        if self._nearest()[1]:
            return None
        return next((place for place in self._near() if place not in self.places), None)

    @property
    def _is_done(self) -> bool:
        return set(self._wanted) <= self.places.keys() and all(place.is_done for place in self.places.values())

    def _nearest(self) -> tuple[int | None, bool]:
        """Return the nearest place that loads the file, and whether that will stand; overlays are no reference for others."""
        loads = {number: one.outputs is not None for number, one in self.places.items() if one.is_done}
        found, stands = order.reference(self._near(), loads)
        if found is None and stands and self._is_done:
            near = order.by_distance(self.home, range(len(self.line)))
            return next((place for place in near if loads.get(place)), None), True
        return found, stands

    def _near(self) -> tuple[int, ...]:
        """Return the places that may be the reference, the nearest first: overlays stand between them, and do not count."""
        return order.by_distance(self.home, self._own)

    def _next(self, among: Sequence[int]) -> int | None:
        """Return the place to try next among some, in their order."""
        if not among:
            return None
        line = [self.line[number] for number in among]
        known = {
            number: _outcome(self.places[place]) if self.places[place].is_done else None
            for number, place in enumerate(among)
            if place in self.places
        }
        found = order.next_place(among.index(self.home), line, known)
        return None if found is None else among[found]

    def take(self, place: int) -> None:
        """Note that a place is under way."""
        self.places[place] = Place()

    def release(self, place: int) -> None:
        """Let a place be tried again: it was not to its end."""
        del self.places[place]

    def add(self, place: int, cell: UploadCell) -> UploadCell:
        """Take what came of one way in one environment; return the cell as it is judged now.

        Raises:
            StoreError: What was answered is not there any more.
        """
        judged_now = self._judged(cell)
        self.places[place].cells.append(judged_now)
        return judged_now

    def end(self, place: int) -> tuple[UploadCell, ...]:
        """Note that an environment was tried to its end; return the cells that mean something else from now on.

        Where what would be the reference answers differently when it is asked again, nothing is held against anything.
        """
        self.places[place].is_done = True
        if self._agreement is not None or not self._comparable:
            return ()
        reference, stands = self._nearest()
        if reference is None or not stands:
            return ()
        cell = self.places[reference].cells[-1]
        if cell.result.repeated is Verdict.DRIFT:
            self.is_unsteady, self._comparable = True, False
        elif cell.outputs is not None:
            known = self._founders if self._founders.get(0) == cell.outputs else {}
            self._agreement, self._reference = Agreement(cell.outputs, self._answer, known), reference
        return tuple(self._judge_again())

    def answering(self) -> tuple[int, ...]:
        """The places that load the upload and answer, oldest first."""
        return tuple(number for number, place in sorted(self.places.items()) if place.outputs is not None)

    def _judge_again(self) -> Iterable[UploadCell]:
        for place in sorted(self.places, key=lambda number: (number != self._reference, number)):
            mine = self.places[place]
            for number, cell in enumerate(mine.cells):
                judged_now = self._judged(cell) if _answered(cell) else cell
                if judged_now != cell:
                    mine.cells[number] = judged_now
                    yield judged_now

    def _judged(self, cell: UploadCell) -> UploadCell:
        if cell.outputs is None:
            return cell
        standing: Standing | None = None if self._agreement is None else self._agreement.standing(cell.outputs)
        group = None if standing is None else standing.group
        return replace(cell, result=judged(cell.result, standing), group=group)


def _answered(cell: UploadCell) -> bool:
    return cell.result.rung in {Rung.CALLED, Rung.OUTPUTS_EQUAL} and cell.result.verdict in {
        Verdict.LOADS,
        Verdict.PASS,
        Verdict.DRIFT,
    }


def _outcome(place: Place) -> str:
    """Name what came of an environment, so that equal outcomes are told from others."""
    if not place.cells:
        return ""
    first, last = place.cells[0].result, place.cells[-1].result
    kind = first.failure.fingerprint if first.failure else ""
    return f"{first.verdict} {last.verdict} {kind} {place.cells[-1].group}"
