"""What an app holds for as long as it runs: made by ``create_app``, found by whoever answers a request."""

from __future__ import annotations

import threading
from typing import cast

from anyio import CapacityLimiter
from fastapi import Request

from matrix.config import Settings
from matrix.uploads.door import Door
from service.database import Database
from service.metrics import Metrics
from service.site import Site
from service.uploads.limits import Limits
from service.uploads.listeners import Listeners
from service.uploads.policy import Policy


class Service:
    """Everything of one app; two apps of one process share nothing. Threads may share it."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        self.settings = settings
        self.policy = policy
        self.database = Database(settings)
        self.metrics = Metrics()
        self.door = Door(settings.home / "uploads" / "door")
        self.limits = Limits(settings)
        self.writers: CapacityLimiter | None = None  # this and the next are made by the loop that needs them
        self.listeners: Listeners | None = None
        self._site: Site | None = None
        self._lock = threading.Lock()

    def site(self) -> Site:
        """Return what pages are made from: the same for as long as the database is.

        Raises:
            TfmatrixError: There is no database, or something is wrong with it.
        """
        opened = self.database.store()
        site = self._site
        if site is not None and site.store is opened:
            return site
        with self._lock:
            if self._site is None or self._site.store is not opened:
                self._site = Site(self.settings, opened)
            return self._site

    @property
    def last_site(self) -> Site | None:
        """What pages were made from last, whatever has become of its database."""
        return self._site

    def close(self) -> None:
        """Let go of what is open; safe to repeat."""
        self.database.close()


def service_of(request: Request) -> Service:
    """Return what the app holds that was asked."""
    return cast("Service", request.app.state.service)


def request_id_of(request: Request) -> str:
    """Return the id by which the log knows a request."""
    return str(request.scope.get("request_id", ""))
