"""What a lane does with the saves of a batch: each model in all its formats at once, and what came of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, MutableMapping

from matrix import protocol, verdict
from matrix.blobs import Blobs
from matrix.messages import Ending, EndKind, SavedFormat, SaveJob, SaveReport
from matrix.model import SaveKey, SaveOutcome
from matrix.plan import SaveTask
from matrix.protocol import ProtocolError
from matrix.results import Artifact, Effort, Failure, SaveResult, Signature
from matrix.session import Session


class Saves:
    """The saves of one batch in one session. Adds to ``spent`` the seconds that they took."""

    def __init__(self, session: Session, blobs: Blobs, spent: MutableMapping[str, float]) -> None:
        self._session = session
        self._blobs = blobs
        self._spent = spent

    def run(self, tasks: Iterable[SaveTask]) -> Iterator[SaveResult]:
        """Yield what became of each save."""
        for task in tasks:
            began = time.monotonic()
            results = self._save(task)
            self._spent["saved"] += time.monotonic() - began
            yield from results

    def _save(self, task: SaveTask) -> tuple[SaveResult, ...]:
        """Save a model in all its formats at once; should that bring the process down, each in a fresh process."""
        ending, said = self._session.run(SaveJob(model=task.model, formats=task.formats))
        if said and ending.kind is EndKind.EXIT:
            return self._results(task, ending, said)
        return tuple(self._save_alone(SaveTask(model=task.model, formats=(one,))) for one in task.formats)

    def _save_alone(self, task: SaveTask) -> SaveResult:
        ending, said = self._session.run(SaveJob(model=task.model, formats=task.formats), fresh=True)
        return self._results(task, ending, said)[0]

    def _results(self, task: SaveTask, ending: Ending, said: bytes) -> tuple[SaveResult, ...]:
        saver, share = self._session.environment.recipe_digest, verdict.share(ending, len(task.formats))
        keys = {one: SaveKey(model=task.model, saver=saver, format=one) for one in task.formats}
        try:
            report = protocol.save_report(said)
        except ProtocolError:
            return tuple(_not_saved(key, share, reason=verdict.ended(ending)) for key in keys.values())
        saved = {one.format: one for one in report.saves}
        if not saved:
            return tuple(_not_built(key, share, report) for key in keys.values())
        return tuple(
            self._keep(key, share, report, saved[one])
            if one in saved
            else self._save_alone(SaveTask(model=task.model, formats=(one,)))  # it did not fit beside the others
            for one, key in keys.items()
        )

    def _keep(self, key: SaveKey, ending: Ending, report: SaveReport, saved: SavedFormat) -> SaveResult:
        artifact = None
        if saved.outcome is SaveOutcome.SAVED:
            artifact = Artifact(
                sha256=self._blobs.put(saved.data),
                size=len(saved.data),
                is_tar=saved.is_tar,
                inputs=self._blobs.put(report.inputs),
                outputs=self._blobs.put(report.outputs),
                signature=report.signature or Signature(inputs=(), outputs=()),  # a subclassed model states none
            )
        return SaveResult(
            key=key,
            outcome=saved.outcome,
            artifact=artifact,
            reason=saved.reason,
            failure=verdict.failure(saved.raised) if saved.raised else None,
            warnings=saved.warnings,
            effort=_effort(ending, report.steps | saved.steps),
        )


def _effort(ending: Ending, steps: dict[str, float]) -> Effort:
    return Effort(steps=steps, wall_seconds=ending.wall_seconds, peak_memory=ending.peak_memory)


def _not_saved(
    key: SaveKey,
    ending: Ending,
    *,
    reason: str,
    outcome: SaveOutcome = SaveOutcome.FAILED,
    failure: Failure | None = None,
) -> SaveResult:
    return SaveResult(
        key=key, outcome=outcome, artifact=None, reason=reason, failure=failure, warnings=(), effort=_effort(ending, {})
    )


def _not_built(key: SaveKey, ending: Ending, report: SaveReport) -> SaveResult:
    if report.unsupported is not None:
        return _not_saved(key, ending, reason=report.unsupported, outcome=SaveOutcome.UNSUPPORTED)
    failure = verdict.failure(report.raised) if report.raised else None
    return _not_saved(key, ending, reason="the model could not be built and trained", failure=failure)
