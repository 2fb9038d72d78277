"""A run, and what is said of it: what ``tfmatrix run``, ``tfmatrix matrix`` and the runner have in common."""

from __future__ import annotations

from matrix.config import Settings
from matrix.engines import Engine
from matrix.model import RunStatus, Verdict
from matrix.plan import Selection, make_plan
from matrix.runner import Runner, Summary, cost_noted
from matrix.store import Store
from reports.cost import cost_of
from service.progress import RunProgress


def measure(  # noqa: PLR0913  the parts of a run
    settings: Settings,
    engine: Engine,
    opened: Store,
    chosen: Selection,
    progress: RunProgress,
    *,
    again: bool,
    trust: bool = False,
) -> Summary:
    """Measure what a selection asks for, showing how it goes, and return what was done.

    Raises:
        TfmatrixError: What ``Runner.run`` raises.
        KeyboardInterrupt: Ctrl-C; what was measured is kept.
    """
    with progress:
        return Runner(settings, engine, opened, progress).run(make_plan(chosen), again=again, trust=trust)


def sentence(summary: Summary) -> str:
    """Say what a run did."""
    if summary.saves_run + summary.cells_run == 0 and not summary.unavailable:
        return f"Nothing has changed: no cell was run, {summary.cells_known} are known. ({summary.seconds:.0f} s)"
    counts = ", ".join(f"{summary.verdicts[verdict]} {verdict}" for verdict in Verdict if verdict in summary.verdicts)
    cost = cost_of([cost_noted(summary)]).sentence
    return (
        f"run {summary.run_id}: {summary.saves_run} saves and {summary.cells_run} cells"
        f" in {summary.seconds / 60:.1f} min ({counts or 'no cell'};"
        f" {summary.unstable} differed when repeated); {summary.cells_known} were known{f'; {cost}' if cost else ''}"
    )


def lacking(summary: Summary) -> str | None:
    """Say what a run could not measure, and why; nothing when it measured everything."""
    if summary.status is not RunStatus.INCOMPLETE:
        return None
    reasons = "; ".join(f"{name}: {reason}" for name, reason in summary.unavailable.items())
    return f"Not everything could be measured. {reasons}"
