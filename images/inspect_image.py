"""The image that looks into uploads: images/inspect, and the two modules of the probe that it shares."""

from __future__ import annotations

from typing import Final

from images.own_image import OwnImage

INSPECT: Final = OwnImage(
    what="inspect",
    recipe="images/inspect/Dockerfile",
    files=("images/__init__.py", "images/probe/invent.py", "images/probe/wire.py", "requirements-inspect.lock"),
    folders=("images/inspect",),
)
