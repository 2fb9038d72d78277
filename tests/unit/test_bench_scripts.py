"""What the benchmarks run inside stands on the probe's own parts: each that is named must be there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from matrix.config import ROOT

PROBE = ROOT / "images" / "probe"
USED = ("feed", "load", "recipes", "ways")


def named(source: str) -> Iterator[tuple[str, str]]:
    """Every part of a probe's module that a script names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in USED:
            yield node.value.id, node.attr


def defined(module: str) -> set[str]:
    """What a module of the probe defines or imports by name."""
    path = PROBE / f"{module}.py"
    path = path if path.exists() else PROBE / module / "__init__.py"
    tree = ast.parse(path.read_text())
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "images" / "bench").glob("*.py")))
def test_what_is_named_is_there(script: str) -> None:
    """A benchmark is run seldom: this says at once when the probe moved on without it."""
    source = (ROOT / "images" / "bench" / script).read_text()
    assert [f"{module}.{name}" for module, name in named(source) if name not in defined(module)] == []
