"""Reads Python that somebody handed in, as text: it is parsed, and never run here."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from images.inspector.findings import Findings
from images.inspector.refusal import Refused, shown

MAX_BYTES = 2 << 20
OLDEST = (3, 8)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def look_into_builder(path: Path, found: Findings) -> None:
    """Take account of a builder script: a Python file that defines ``build_model()``.

    Raises:
        Refused: It does not parse, or has no ``build_model()``.
    """
    tree = _parsed(path, "The builder script", found)
    names = _defined(tree)
    if "build_model" not in names:
        known = ", ".join(shown(name, 40) for name in list(names)[:10])
        raise Refused(
            "no-build-model",
            "The builder script defines no build_model()." + (f" It defines: {known}." if known else ""),
            "Define a function build_model() without arguments, at the top level, that returns the Keras model.",
        )
    function = names["build_model"]
    if isinstance(function, ast.AsyncFunctionDef) or (
        isinstance(function, ast.FunctionDef) and _must_be_given(function)
    ):
        raise Refused(
            "no-build-model",
            f"build_model() in line {function.lineno} of the builder script cannot be called without arguments.",
            "Give its arguments default values.",
        )
    found.sampled = "sample_inputs" in names
    if "custom_objects" in names:
        found.note("Custom objects come from custom_objects() of the builder script.")


def look_into_custom_objects(path: Path, found: Findings) -> None:
    """Take account of a file of custom objects; all that it defines itself is known to who loads the model.

    Raises:
        Refused: It does not parse, or defines nothing.
    """
    tree = _parsed(path, "custom_objects.py", found)
    names = _defined(tree)
    public = [name for name in names if not name.startswith("_")]
    if not public:
        raise Refused(
            "no-custom-objects",
            "custom_objects.py defines neither a class nor a function.",
            "Define the model's own classes in it, or a function custom_objects() that returns them as a dictionary.",
        )
    if "custom_objects" in names:
        return
    missing = [name for name in found.custom if name.rpartition(">")[2].rpartition(".")[2] not in names]
    if missing:
        found.note(
            f"custom_objects.py does not define {', '.join(shown(name, 60) for name in missing[:5])}, which the model names."
        )


def _parsed(path: Path, what: str, found: Findings) -> ast.Module:
    count = path.stat().st_size
    if count > MAX_BYTES:
        raise Refused(
            "too-large", f"{what} has {count} bytes; more than {MAX_BYTES} are not read.", "Hand in the code alone."
        )
    with path.open("rb") as file:
        source = file.read()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes and the like are the author's business
            tree = ast.parse(source)
    except SyntaxError as error:
        raise Refused(
            "syntax-error",
            f"{what} has a syntax error{_line(error)}: {shown(error.msg, 200)}.",
            "Correct it, and run it once.",
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Refused(
            "syntax-error", f"{what} cannot be parsed: {shown(error, 200)}.", "Hand in Python code as plain text."
        ) from error
    _look_at_age(source, what, found)
    return tree


def _look_at_age(source: bytes, what: str, found: Findings) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source, feature_version=OLDEST)
    except SyntaxError as error:
        found.note(
            f"{what} needs a newer Python than the 3.8 of TensorFlow 2.4{_line(error)}: {shown(error.msg, 100)}."
        )


def _line(error: SyntaxError) -> str:
    return f" in line {error.lineno}" if error.lineno else ""


def _defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """Return what the top level of a module defines, also within ``if`` and ``try``."""
    return dict(_definitions(tree.body, 0))


def _definitions(body: list[ast.stmt], depth: int) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, Definition):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node
        elif isinstance(node, ast.If | ast.Try | ast.With) and depth < 20:  # noqa: PLR2004
            yield from _definitions(node.body, depth + 1)
            yield from _definitions(getattr(node, "orelse", []), depth + 1)


def _must_be_given(function: ast.FunctionDef) -> bool:
    """Whether a function has arguments without default values."""
    arguments = function.args
    plain = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return plain > 0 or any(default is None for default in arguments.kw_defaults)
