"""Speaks to the probe in a Docker container, over the streams that the daemon hands over."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import Any

import docker.errors
import requests.exceptions

from matrix.engines import ChannelLostError, ChannelTimeoutError
from matrix.engines.frames import FramedChannel
from matrix.errors import EngineError

NOISE_LIMIT = 32 << 10
STDOUT = 1
NEWS_SECONDS = 0.3
_MULTIPLEX = struct.Struct(">BxxxL")
FAULTS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


def engine_died(error: Exception) -> EngineError:
    """Return the error for an engine that no longer answers, or refuses."""
    return EngineError(
        f"The container engine did not do what it was asked: {error}",
        next_step="`tfmatrix doctor` checks the engine; then `tfmatrix run --resume` goes on where this stopped.",
    )


class DockerChannel(FramedChannel):
    """A container's standard streams, with Docker's multiplexing taken off."""

    def __init__(self, container: Any, attached: Any) -> None:  # noqa: ANN401  the SDK has no types
        self._container = container
        self._attached = attached
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        super().__init__()
        self._raw = bytearray()
        self._asked = time.time()
        self.noise = b""

    def send(self, line: bytes) -> None:
        """Write one job line."""
        self._asked = time.time()
        try:
            self._socket.settimeout(60)
            self._socket.sendall(line)
        except OSError as error:
            raise self._lost() from error

    def close(self) -> None:
        """Let go of the connection."""
        _close(self._attached)

    def abort(self) -> None:
        """Close the connection and kill the container."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(*FAULTS):
            self._container.kill()

    def starved(self) -> bool:
        """Whether the kernel has killed something in the container for want of memory since the last job was sent.

        Under a runtime with a kernel of its own, such as runsc, the zygote cannot see it. The engine says so, a little late.
        """
        words = {"since": self._asked, "until": time.time() + NEWS_SECONDS, "decode": True}
        filters = {"container": self._container.id, "event": "oom"}
        with contextlib.suppress(*FAULTS):
            return any(True for _ in self._container.client.api.events(**words, filters=filters))
        return False

    def _read(self, seconds: float) -> None:
        try:
            self._socket.settimeout(seconds)
            data = self._socket.recv(1 << 20)
        except TimeoutError as error:
            raise ChannelTimeoutError from error
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        self._raw += data
        self._demultiplex()

    def _demultiplex(self) -> None:
        """Docker prefixes every chunk with its stream and its length."""
        while len(self._raw) >= _MULTIPLEX.size:
            stream, size = _MULTIPLEX.unpack_from(self._raw)
            if len(self._raw) < _MULTIPLEX.size + size:
                return
            chunk = bytes(self._raw[_MULTIPLEX.size : _MULTIPLEX.size + size])
            del self._raw[: _MULTIPLEX.size + size]
            if stream == STDOUT:
                self._frames += chunk
            else:
                self.noise = (self.noise + chunk)[-NOISE_LIMIT:]

    def _lost(self) -> ChannelLostError:
        return ChannelLostError(self.noise.decode("utf-8", "replace")[-4000:].strip() or "it said nothing")


def attach(container: Any) -> DockerChannel:  # noqa: ANN401
    """Attach before the start, so that not a byte is missed."""
    try:
        attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    except FAULTS as error:
        raise engine_died(error) from error
    try:
        container.start()
    except FAULTS as error:
        _close(attached)
        raise engine_died(error) from error
    return DockerChannel(container, attached)


def _close(attached: Any) -> None:  # noqa: ANN401
    """Close a connection that the SDK handed over, with the response and the socket that it keeps behind it."""
    for one in (getattr(attached, "_response", None), attached, getattr(attached, "_sock", None)):
        if one is not None:
            with contextlib.suppress(OSError, ValueError):
                one.close()
