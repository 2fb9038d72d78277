"""Files that do harm when they are read: each function makes one, inside an image, with the kit of kit.py.

What they reach for on the host is a canary, a file whose content and times are looked at afterwards.
"""

from __future__ import annotations

from typing import Final

from tests.hostile.case import Cases
from tests.hostile.files import damaged, hdf5, keras, python, savedmodel

FILES: Final = Cases(
    "Files that do harm when they are read",
    [case for kind in (hdf5, keras, savedmodel, python, damaged) for case in kind.ATTACKS.all],
)
