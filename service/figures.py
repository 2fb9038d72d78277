"""Figures that are looked up when somebody asks for them: what is known, what waits, who is alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from matrix.errors import TfmatrixError
from matrix.model import RequestState
from matrix.uploads.model import UploadState
from service.alive import is_alive
from service.site import Site
from service.state import Service

_OPEN: Final = (RequestState.WAITING, RequestState.RUNNING)


class Figures(Collector):
    """Asks the database, if it answers; without it only what needs none is told."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Nothing in advance: otherwise the registry would ask the database when it is made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Look them up."""
        now = datetime.now(UTC)
        alive = is_alive(self._service.settings.home, now)
        yield GaugeMetricFamily("tfmatrix_runner_alive", "1 if a runner of this home was heard of lately.", int(alive))
        yield from _of_uploads(self._service)
        try:
            found = list(_of_database(self._service.site(), now))
        except TfmatrixError:
            found = []
        yield GaugeMetricFamily("tfmatrix_database_up", "1 if the database answers.", int(bool(found)))
        yield from found
        site = self._service.last_site
        if site is not None:
            answers = CounterMetricFamily("tfmatrix_answers", "Pages sent again as they were, or made.", labels=["how"])
            answers.add_metric(["kept"], site.answers.kept)
            answers.add_metric(["made"], site.answers.made)
            yield answers


def _of_uploads(service: Service) -> Iterator[Metric]:
    """What is told of uploads without the database: the door, and who listens."""
    many, size = service.door.weight()
    yield GaugeMetricFamily("tfmatrix_door_uploads", "Uploads that no runner took up yet.", many)
    yield GaugeMetricFamily("tfmatrix_door_bytes", "Their bytes.", size)
    listeners = service.listeners
    yield GaugeMetricFamily("tfmatrix_upload_listeners", "Who watches uploads.", listeners.count if listeners else 0)


def _of_database(site: Site, now: datetime) -> Iterator[Metric]:
    known = site.snapshot.known()
    yield GaugeMetricFamily("tfmatrix_cells_known", "Cells with a finding.", int(known.cube.own.sum()))
    yield GaugeMetricFamily("tfmatrix_generation", "Raised by each write that records something.", known.generation)
    newest = next(iter(site.store.read.runs(1)), None)
    yield GaugeMetricFamily("tfmatrix_runs_known", "The number of the newest run.", newest.id if newest else 0)
    if newest is not None:
        age = (now - newest.started_at).total_seconds()
        yield GaugeMetricFamily("tfmatrix_newest_run_age_seconds", "Since the newest run began.", age)
    lengths: Counter[RequestState] = Counter(dict.fromkeys(RequestState, 0))
    lengths.update(site.store.queue.lengths())
    queue = GaugeMetricFamily("tfmatrix_requests", "Requests by state.", labels=["state"])
    for state, many in lengths.items():
        queue.add_metric([state.value], many)
    yield queue
    many, size = site.store.uploads.weight()
    yield GaugeMetricFamily("tfmatrix_uploads", "Uploads that are kept.", many)
    yield GaugeMetricFamily("tfmatrix_upload_bytes", "Bytes of their files.", size)
    waiting = GaugeMetricFamily("tfmatrix_uploads_under_way", "Uploads that are not over, by state.", labels=["state"])
    standing = Counter(one.state for one in site.store.uploads.under_way())
    for one in (state for state in UploadState if not state.is_over):
        waiting.add_metric([one.value], standing[one])
    yield waiting
