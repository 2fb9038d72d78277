"""The matrix in memory, up to date whenever it is asked for."""

from __future__ import annotations

import importlib.metadata
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from matrix import catalog
from matrix.methods import primary_method
from matrix.model import Environment, Format, Method
from matrix.store import Reader, Run
from reports.assembly import Assembly
from reports.cost import cost_of
from reports.grid import Header
from reports.known import Known, Told

RUNS_LOOKED_AT: Final = 1000


class Snapshot:
    """Keeps what is known of a database. Threads may share it; one of them brings it up to date, the others wait."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._assembly = _nothing()
        self._known: Known | None = None
        self._pulse: int | None = None

    def unchanged(self) -> Known | None:
        """Return the matrix where it is that of now, found out at once; nothing where only a question would tell."""
        pulse = self._read.pulse()
        return self._known if pulse is not None and pulse == self._pulse else None

    def known(self) -> Known:
        """Return the matrix as of now: what was committed before this was called is in it.

        Raises:
            StoreError: The database does not answer.
        """
        pulse, number = self._read.pulse(), self._read.generation()
        known = self._known
        if known is not None and known.generation == number:
            self._pulse = pulse
            return known
        with self._lock:
            known = self._known
            if known is None or known.generation < number:
                self._known = known = self._taken_up(since=None if known is None else known.generation)
            elif known.generation > number:  # another database has taken the place of ours
                self._assembly = _nothing()
                self._known = known = self._taken_up(since=None)
            return known

    def _taken_up(self, since: int | None) -> Known:
        with self._read.facts(since) as facts:
            changed = self._assembly.take(facts.saves, facts.cells, facts.errors)
            generation = facts.generation
        runs = self._read.runs(RUNS_LOOKED_AT)
        known = self._known
        if known is None or changed or since is None:
            kinds = dict(self._assembly.kinds)
            told, history = Told(self._assembly.cube(), kinds), self._assembly.history()
        else:
            told, history = known.told, known.history
        return Known(
            generation=generation,
            told=told,
            history=history,
            header=header(self._read, self._assembly.environments, runs),
            cost=cost_of(run.cost for run in runs),
        )


def header(read: Reader, environments: tuple[Environment, ...], runs: Sequence[Run]) -> Header:
    """Return the facts about the newest of these runs that a reader of results needs."""
    newest = next(iter(runs), None)
    records = read.environments([environment.recipe_digest for environment in environments]).values()
    processors = {str(one.identity.facts.get("model_name", "?")) for one in records if one.identity is not None}
    return Header(
        generated_at=datetime.now(UTC),
        run=str(newest.id) if newest else None,
        status=newest.status.value if newest else None,
        engine=str(newest.facts.get("engine", "Docker")) if newest else None,
        unisolated=tuple(str(run.id) for run in reversed(runs) if run.facts.get("isolates") is False),
        host_cpu=", ".join(sorted(processors)) or None,
        cost=cost_of(run.cost for run in runs).sentence,
        versions={"tfmatrix": importlib.metadata.version("tfmatrix")},
    )


def primary_of() -> Callable[[str, Format], Method]:
    """Return the function that names the method a model and a format call for."""
    models = {model.id: model for model in catalog.load_models()}
    return lambda model, format_: primary_method(models[model], format_)


def _nothing() -> Assembly:
    return Assembly(catalog.load_environments(), catalog.load_models(), primary_of())
