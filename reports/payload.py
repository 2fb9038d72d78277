"""The rows as the page's script reads them: small numbers instead of names, saves apart from loads. Pure.

``reports/templates/page.js`` is the only reader; the two change together.
"""

from __future__ import annotations

import math
from typing import Final

from matrix.model import Format, Method
from reports.grid import MEASURED, Outcome, Results, outcome_of
from reports.lines import in_order
from reports.ranges import label

OUTCOMES: Final = tuple(Outcome)

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def compact(results: Results) -> dict[str, Json]:
    """Names once, then one list per load: artifact, loader, method, primary, outcome, rung, error, differences, time.

    An artifact is ``[saver, model, format, outcome of its save, error of its save]``. Loads that never could happen,
    because the save gave nothing, are left out: the artifact says it all. Minus one stands for nothing.
    """
    environments = in_order(results.environments)
    models = sorted({row.model for row in results.rows} - {model.id for model in results.models})
    models = [*(model.id for model in results.models), *models]
    columns = {env.id: place for place, env in enumerate(environments)}
    errors = {fingerprint: place for place, fingerprint in enumerate(shown_errors(results))}
    formats, methods = list(Format), list(Method)
    oldest = min((row.measured_at for row in results.rows if row.measured_at), default=None)
    artifacts: dict[tuple[int, int, int], list[Json]] = {}
    loads: list[Json] = []
    for row in results.rows:
        if row.saver not in columns or row.loader not in columns:
            continue
        place = (columns[row.saver], models.index(row.model), formats.index(row.format))
        outcome, error = outcome_of(row), errors.get(row.fingerprint or "", -1)
        saved = outcome in MEASURED or outcome in {Outcome.HARNESS_BROKEN, Outcome.NOT_MEASURED}
        save = Outcome.PASS if saved else outcome
        artifact = artifacts.setdefault(place, [len(artifacts), *place, OUTCOMES.index(save), -1 if saved else error])
        age = (row.measured_at - oldest).total_seconds() if row.measured_at and oldest else -1
        tail: list[Json] = [
            -1 if row.rung is None else int(row.rung),
            error,
            _number(row.max_absolute),
            _number(row.max_relative),
            _number(row.wall_seconds),
            int(age),
        ]
        head = [artifact[0], columns[row.loader], methods.index(row.method), int(row.primary), OUTCOMES.index(outcome)]
        loads.append([*head, *(tail if saved else [])])
    return {
        "environments": [env.id for env in environments],
        "labels": [label(env.id) for env in environments],
        "models": list(models),
        "titles": [next((m.title for m in results.models if m.id == name), name) for name in models],
        "formats": [str(entry) for entry in formats],
        "methods": [str(entry) for entry in methods],
        "outcomes": [str(entry) for entry in OUTCOMES],
        "oldest": oldest.isoformat() if oldest else None,
        "artifacts": [entry[1:] for entry in artifacts.values()],
        "loads": loads,
    }


def shown_errors(results: Results) -> dict[str, int]:
    """Fingerprints in the order in which the page lists them, with how many rows each explains: most first."""
    counts: dict[str, int] = {}
    for row in results.rows:
        if row.fingerprint in results.failures:
            counts[row.fingerprint or ""] = counts.get(row.fingerprint or "", 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _number(value: float | None) -> Json:
    """Three digits are enough to read; JSON has no word for infinity or NaN."""
    if value is None:
        return -1
    return float(f"{value:.3g}") if math.isfinite(value) else str(value)
