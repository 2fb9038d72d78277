"""Figures for Prometheus: what was asked and answered, what is known, and whether somebody works."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.registry import Collector

NOWHERE: Final = "(none)"
"""The route of what no route answers: addresses that strangers try are one label, not one each."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series beside each counter that nobody asks for


class Metrics:
    """The counters of one app, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tfmatrix_http_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "tfmatrix_http_request_seconds",
            "From a request's arrival to the end of its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._bytes = Counter(
            "tfmatrix_http_response_bytes", "Bytes of answers, as sent.", ("route",), registry=self._registry
        )

    def observe(self, *, route: str, method: str, status: int, seconds: float, size: int) -> None:
        """Count one request. ``route`` is the pattern of an address, empty where none fits."""
        route = route or NOWHERE
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._bytes.labels(route).inc(size)

    def add(self, collector: Collector) -> None:
        """Ask this one, too, whenever somebody asks for figures."""
        self._registry.register(collector)

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self._registry)
