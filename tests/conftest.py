"""Tests read no settings of the person who runs them."""

from __future__ import annotations

import os

os.environ["TFMATRIX_CONFIG"] = os.devnull
