"""The web server: Uvicorn, with our app and our log."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from matrix.config import Settings
from service.app import create_app
from service.state import Service
from service.uploads.policy import Policy

GRACE_SECONDS: Final = 5
"""How long answers that have begun may take once we are to end."""


class Server(uvicorn.Server):
    """Uvicorn with our app. ``started`` is called once it answers."""

    def __init__(self, settings: Settings, policy: Policy, started: Callable[[], None]) -> None:
        app = create_app(settings, policy)
        super().__init__(
            uvicorn.Config(
                app,
                proxy_headers=False,  # whom to believe is a setting of ours
                log_config=None,  # ours takes its lines
                access_log=False,  # ours has the request's id
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._service: Service = app.state.service
        self._tell = started

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would go on for ever, then the rest."""
        if self._service.listeners is not None:
            self._service.listeners.close()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        await asyncio.to_thread(self._tell)
