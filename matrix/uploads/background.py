"""The owner's own matrix: each environment that loads the upload saves it again, and all load what came of that."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from matrix.model import Environment, SaveOutcome
from matrix.session import HarnessBrokenError
from matrix.uploads.again import load_again, save_again
from matrix.uploads.filling import Filling
from matrix.uploads.means import Means, now
from matrix.uploads.model import UploadSave
from matrix.uploads.ways import WHOLE

Work = Callable[[], None]
SLICE_SECONDS: Final = 5.0
"""So long a lane stays with this before it looks for something more urgent."""


class Background:
    """What is done once the row of a content stands. ``claim`` is called under its owner's lock.

    ``comparable`` is off for a model that answers at random: what its savers answered is then held against nothing.
    """

    def __init__(self, means: Means, content: str, filling: Filling, *, comparable: bool) -> None:
        self._means = means
        self._content = content
        self._filling = filling
        self._comparable = comparable
        self._savers = filling.savers()
        self._loaders = filling.row.members
        self._has_begun = False

    def claim(self, *, idle: bool) -> Work | None:
        """Return the next piece of work; loading begins once all has been saved, which ``idle`` tells."""
        if self._savers:
            return partial(self._save_in, self._savers.pop(0))
        if not (idle or self._has_begun):
            return None
        self._has_begun = True
        return partial(self._load_in, self._loaders.pop(0)) if self._loaders else None

    def is_over(self, *, idle: bool) -> bool:
        """Whether all is done."""
        return idle and not self._savers and not self._loaders

    def _save_in(self, place: int) -> None:
        environment = self._filling.row.line[place]
        known = {save.format for save in self._saves() if save.saver == environment.recipe_digest}
        formats = [one for one in WHOLE if one not in known]
        if not formats or self._means.is_full:  # one upload may become ninety files of its size
            return
        filling = self._filling
        try:
            with suppress(HarnessBrokenError), self._means.seat(environment, filling.ways, filling.inputs) as seat:
                self._means.uploads.record_saves(self._content, save_again(seat, filling.methods[place], formats))
        except BaseException:
            self._savers.append(place)  # it is tried again
            raise

    def _load_in(self, place: int) -> None:
        """Load what all environments saved, for a while; what is left is claimed again."""
        environment = self._filling.row.line[place]
        waiting = self._unloaded(environment)
        if not waiting:
            return
        filling = self._filling
        try:
            with suppress(HarnessBrokenError), self._means.seat(environment, filling.ways, filling.inputs) as seat:
                began = time.monotonic()  # only now: a container may take longer to start than a slice is long
                while waiting:
                    found = load_again(seat, waiting.pop(0), now(), comparable=self._comparable)
                    self._means.uploads.record_cells(self._content, [found])
                    if time.monotonic() - began >= SLICE_SECONDS:
                        break
                if waiting:
                    self._loaders.append(place)
        except BaseException:
            self._loaders.append(place)  # it is tried again
            raise

    def _unloaded(self, environment: Environment) -> list[UploadSave]:
        """Return what was saved and not loaded in an environment yet."""
        cells = self._means.uploads.cells(self._content)
        known = {(cell.saver, cell.format) for cell in cells if cell.result.key.loader == environment.recipe_digest}
        saved = [one for one in self._saves() if one.outcome is SaveOutcome.SAVED]
        return [one for one in saved if (one.saver, one.format) not in known]

    def _saves(self) -> tuple[UploadSave, ...]:
        return self._means.uploads.saves(self._content)
