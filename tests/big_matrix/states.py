"""States as rows of the database, each with the failure that it names."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matrix.results import Failure
from matrix.store import rows
from tests.big_matrix.evidence import cell_result
from tests.big_matrix.history import Past, SaveState, Span
from tests.big_matrix.size import Size

Row = dict[str, Any]
RunIds = Mapping[int, int]
"""The number of each night's run."""


def save_rows(states: Sequence[SaveState], size: Size, run_ids: RunIds) -> Iterator[tuple[Row, Failure | None]]:
    """Yield the rows of saves."""
    for place, state in enumerate(states):
        mark = _mark(state.span, size, run_ids, share=0.2 * place / len(states))
        yield (
            {**rows.save_key_columns(state.result.key), **rows.save_columns(state.result), **mark},
            state.result.failure,
        )


def cell_rows(past: Past, run_ids: RunIds, dice: random.Random) -> Iterator[tuple[Row, Failure | None]]:
    """Yield the rows of cells, each with evidence of its own."""
    world = past.world
    for state in past.cells:
        cell = world.cells[state.number]
        result = cell_result(cell.task, cell.loader, state.judged, dice)
        mark = _mark(state.span, past.size, run_ids, share=0.2 + 0.8 * state.number / len(world.cells))
        yield {**rows.cell_key_columns(result.key), **rows.cell_columns(result), **mark}, result.failure


def _mark(span: Span, size: Size, run_ids: RunIds, share: float) -> Row:
    return {
        "first_run": run_ids[span.first],
        "last_run": run_ids[span.last],
        "first_at": size.moment(span.first, share),
        "last_at": size.moment(span.last, share),
        "is_current": span.is_current,
    }
