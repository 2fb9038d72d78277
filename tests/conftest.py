"""Tests read no settings of the person who runs them, and write for a terminal of one width."""

from __future__ import annotations

import os

os.environ["TFMATRIX_CONFIG"] = os.devnull
os.environ["COLUMNS"] = "100"
