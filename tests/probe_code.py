"""Imports the probe's modules on the host the way a container does: flat, from their own folder."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from matrix.config import ROOT

PROBE = ROOT / "images" / "probe"


def probe(name: str) -> ModuleType:
    """Return a module of the probe, such as ``observe``, with its siblings importable meanwhile."""
    sys.path.insert(0, str(PROBE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(PROBE))
