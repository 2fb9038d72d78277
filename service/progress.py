"""Shows a run while it runs: bars in a terminal, a line now and then in a log, what is left of it after Ctrl-C."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from matrix.lane import Broken, Finding, Proved, Spent
from matrix.model import SaveOutcome, Verdict
from matrix.results import CellResult, SaveResult

LOG_SECONDS: Final = 20
_COUNTED: Final = (Verdict.PASS, Verdict.DRIFT, Verdict.FAIL)


class RunProgress:
    """A runner's watcher. Use it as a context manager around the run. ``note`` is told the run's number."""

    def __init__(self, console: Console, note: Callable[[int], None] | None = None) -> None:
        self._console = console
        self._note = note
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task("starting", total=None, counts="")
        self._name = ""
        self._total = 0
        self._done = 0
        self._began = self._said = time.monotonic()
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begun(self, run_id: int) -> None:
        """Hand the run's number on."""
        if self._note is not None:
            self._note(run_id)

    def phase(self, name: str, total: int, known: int) -> None:
        """Begin a bar of its own for a phase."""
        self._name, self._total, self._done = name, total, 0
        self._began = self._said = time.monotonic()
        self._counts.clear()
        noun = "saves" if name == "save" else "cells"
        self._console.print(f"{name}: {total} {noun} to run, {known} known already", highlight=False)
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(name, total=total, counts="", visible=total > 0)

    def found(self, finding: Finding) -> None:
        """Count a finding."""
        match finding:
            case Proved() | Spent():
                return
            case Broken(environment=environment, reason=reason):
                self._console.print(f"[yellow]{environment.id} is set aside:[/] {reason}", highlight=False)
                return
            case SaveResult(outcome=outcome):
                self._counts[outcome.value] += 1
            case CellResult(verdict=verdict):
                self._counts[verdict.value] += 1
        self._done += 1
        self._bars.update(self._task, completed=self._done, counts=self._words())
        self._log()

    def _words(self) -> str:
        order = [verdict.value for verdict in _COUNTED] + [outcome.value for outcome in SaveOutcome]
        names = [name for name in order if self._counts[name]]
        rest = sum(self._counts.values()) - sum(self._counts[name] for name in names)
        return " ".join([*(f"{self._counts[name]} {name}" for name in names), *([f"{rest} other"] if rest else [])])

    def _log(self) -> None:
        """A log has no bars: one line every so often, and one at the end."""
        now = time.monotonic()
        due = now - self._said > LOG_SECONDS or self._done == self._total
        if self._console.is_terminal or not due:
            return
        self._said = now
        rate = self._done / max(now - self._began, 1e-9)
        left = (self._total - self._done) / max(rate, 1e-9)
        self._console.print(
            f"{self._name}: {self._done}/{self._total}  {self._words()}  {rate:.1f}/s  {left / 60:.1f} min left",
            highlight=False,
        )


@contextmanager
def if_interrupted(console: Console, words: str) -> Iterator[None]:
    """Say what an interruption leaves behind, and let it go on to whoever makes an exit code of it."""
    try:
        yield
    except KeyboardInterrupt:
        console.print(words, soft_wrap=True)
        raise


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:.1f}/s")
