"""The app on a loopback port, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from matrix.config import Settings
from service.app import create_app

_PATIENCE = 30


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Give the address of a site that answers, and end it afterwards."""
    started = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(create_app(settings), log_config=None, access_log=False, lifespan="on"), started)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        if not started.wait(_PATIENCE):
            message = "the site did not start"
            raise TimeoutError(message)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listening.close()


class _Server(uvicorn.Server):
    """Says once that it answers."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell.set()
