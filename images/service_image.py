"""The image of web, runner and nightly: our own code."""

from __future__ import annotations

from typing import Final

from images.own_image import OwnImage

SERVICE: Final = OwnImage(
    what="service",
    recipe="images/service.Dockerfile",
    files=("pyproject.toml", "requirements-service.lock"),
    folders=("images", "matrix", "reports", "service"),
)
