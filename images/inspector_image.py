"""The image that looks into uploads: images/inspector, and the two modules of the probe that it shares."""

from __future__ import annotations

from typing import Final

from images.own_image import OwnImage

INSPECTOR: Final = OwnImage(
    what="inspector",
    recipe="images/inspector/Dockerfile",
    files=("images/__init__.py", "images/probe/invent.py", "images/probe/wire.py"),
    folders=("images/inspector",),
)
