"""What is cut off a shared library is what no loader reads."""

from __future__ import annotations

import ctypes
import importlib
import shutil
from pathlib import Path

from markupsafe import _speedups

trim = importlib.import_module("images.trim")
LIBRARY = Path(str(_speedups.__file__))


def test_a_cut_library_is_smaller_and_still_loads(tmp_path: Path) -> None:
    """A real one, found by its dynamic symbols."""
    library = tmp_path / "library.so"
    shutil.copyfile(LIBRARY, library)
    trim.cut(library)
    assert library.stat().st_size < LIBRARY.stat().st_size
    found = trim.HEADER.unpack(library.read_bytes()[: trim.HEADER.size])
    assert (found[6], found[12], found[13]) == (0, 0, 0)
    assert hasattr(ctypes.CDLL(str(library)), "PyInit__speedups")


def test_cutting_twice_changes_nothing(tmp_path: Path) -> None:
    """A build that goes on after it was stopped may come here again."""
    library = tmp_path / "library.so"
    shutil.copyfile(LIBRARY, library)
    trim.cut(library)
    once = library.read_bytes()
    trim.cut(library)
    assert library.read_bytes() == once


def test_what_is_no_library_is_left_alone(tmp_path: Path) -> None:
    """A linker script, a text, an empty file, or half a header."""
    for content in (b"", b"/* GNU ld script */ GROUP ( libc.so.6 )", b"\x7fELF\x01\x01" + bytes(60)):
        path = tmp_path / "file.so"
        path.write_bytes(content)
        trim.cut(path)
        assert path.read_bytes() == content
