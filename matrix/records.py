"""What is on record: runs, requests, environments, states in time, a cell with its whole story. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from matrix.model import RequestKind, RequestState, Rung, RunStatus, Verdict
from matrix.results import CellResult, Identity, SaveResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A set of cells asked for together: what was asked, where it ran, and how it ended."""

    id: int
    status: RunStatus
    selection: dict[str, Any]
    facts: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None
    cost: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What somebody asked a runner for, and where it stands. ``attempts`` counts the runners that died on it.

    ``message`` says why it failed, waits again or is not complete, with the next step.
    """

    id: int
    kind: RequestKind
    body: dict[str, Any]
    state: RequestState
    priority: int
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    claimed_by: str | None
    heartbeat_at: datetime | None
    attempts: int
    run_id: int | None
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentRecord:
    """An environment as it was last recorded. ``identity`` is ``None`` until it has spoken from inside."""

    id: str
    tensorflow: str
    keras: str
    python: str
    cut_off: date
    recipe_digest: str
    identity: Identity | None
    image_id: str | None
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CellState:
    """A finding, and the runs from the first to the last that made it."""

    verdict: Verdict
    rung: Rung
    fingerprint: str | None
    first_run: int
    last_run: int
    first_at: datetime
    last_at: datetime
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CellDetail:
    """All that is known of one cell. Without ``result``, nothing was measured: ``save`` says why, or it has yet to run.

    ``history`` has every state, oldest first; ``first_run``, ``last_run`` and ``measured_at`` are the current one's.
    """

    save: SaveResult
    result: CellResult | None
    first_run: int | None
    last_run: int | None
    measured_at: datetime | None
    history: tuple[CellState, ...]
