"""Whole frames out of a stream of bytes: what every channel to a probe does alike, wherever its bytes come from."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Final

from images.probe import wire
from matrix.engines import ChannelLostError, ChannelTimeoutError

GLANCE_SECONDS: Final = 0.005


class FramedChannel(ABC):
    """Keeps what was read in ``_frames`` until a frame is whole; a channel adds to it in ``_read``."""

    def __init__(self) -> None:
        self._frames = bytearray()

    def receive(self, seconds: float) -> bytes:
        """Return the next whole frame within a number of seconds."""
        deadline = time.monotonic() + seconds
        while (frame := self._take_frame()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChannelTimeoutError
            self._read(left)
        return frame

    def is_lost(self) -> bool:
        """Whether the other end is gone already; what it said until then is kept."""
        deadline = time.monotonic() + GLANCE_SECONDS
        try:
            while time.monotonic() < deadline:
                self._read(GLANCE_SECONDS)
        except ChannelTimeoutError:
            return False
        except ChannelLostError:
            return True
        return False

    def starved(self) -> bool:
        """Whether something was killed for want of memory that the zygote could not see; where nothing is known, no."""
        return False

    @abstractmethod
    def _read(self, seconds: float) -> None:
        """Read what there is, waiting for it so long at most."""

    def _take_frame(self) -> bytes | None:
        if len(self._frames) < wire.FRAME.size:
            return None
        try:
            size = wire.FRAME.size + sum(wire.lengths(bytes(self._frames[: wire.FRAME.size])))
        except wire.WireError as error:
            raise ChannelLostError(str(error)) from error
        if len(self._frames) < size:
            return None
        frame = bytes(self._frames[:size])
        del self._frames[:size]
        return frame
