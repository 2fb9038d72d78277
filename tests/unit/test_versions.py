"""Code that decides results has a number; this fails when the code changed and the number did not.

Run it as a program to record what is: ``python tests/unit/test_versions.py --record``. It refuses while the code has changed
under an old number, unless ``--same-results`` vouches that nothing it may produce or find has changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_name("code_versions.json")
RECIPES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "images/probe/recipes").rglob("*.py"))
SAVING = ("feed", "observe", "wire", "save", "writers", "ways")
LOADING = (*SAVING, "load", "marks", "again", "archives", "brought", "invent")
"""What loads also saves again, and trains a step, where marks are taken."""

INSPECTING = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "images/inspector").rglob("*.py"))

FILES = {
    "INSPECTION_VERSION": [
        *INSPECTING,
        "images/probe/invent.py",
        "images/probe/wire.py",
        "matrix/uploads/inspection.py",
    ],
    "SAVE_VERSION": RECIPES + [f"images/probe/{name}.py" for name in SAVING],
    "LOAD_VERSION": RECIPES
    + [f"images/probe/{name}.py" for name in LOADING]
    + ["matrix/compare.py", "matrix/verdict.py"],
}


def without_comments(source: str) -> str:
    """The code's lines, less comments, blank lines and space at their ends: these change no result."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def digest(name: str, root: Path = ROOT) -> str:
    """The digest of the files that a number stands for."""
    whole = hashlib.sha256()
    for file in FILES[name]:
        whole.update(f"{file}\0{without_comments((root / file).read_text(encoding='utf-8'))}\0".encode())
    return whole.hexdigest()


def current() -> dict[str, dict[str, object]]:
    """Every number with the digest of its code, as they are now."""
    from matrix import model  # noqa: PLC0415  as a program, the path to it is made first

    return {name: {"version": getattr(model, name), "digest": digest(name)} for name in FILES}


def complaint(name: str, now: dict[str, object], recorded: dict[str, object]) -> str:
    """What is wrong between code, number and record, with the next step; nothing if all is well."""
    if now == recorded:
        return ""
    record = f"`python tests/unit/{Path(__file__).name} --record`"
    if now["version"] == recorded["version"]:
        return (
            f"The code behind {name} has changed ({', '.join(FILES[name])}), the number has not ({now['version']}). Results"
            f" of the old code would count for the new. Raise {name} in matrix/model.py, then {record}; or, if no result can"
            f" differ, {record[:-1]} --same-results`."
        )
    return f"{name} is {now['version']}, recorded is {recorded['version']}: {record}."


@pytest.mark.parametrize("name", FILES)
def test_changed_code_has_a_new_number(name: str) -> None:
    """The digest of the code that saves, or loads and judges, is the one recorded for its number."""
    problem = complaint(name, current()[name], json.loads(RECORD.read_text(encoding="utf-8"))[name])
    assert not problem, problem


def test_a_changed_digest_under_an_old_number_is_a_complaint() -> None:
    """It says which number to raise, and how to record it; a raised number only wants recording."""
    old: dict[str, object] = {"version": 1, "digest": "a"}
    assert "Raise SAVE_VERSION" in complaint("SAVE_VERSION", {"version": 1, "digest": "b"}, old)
    assert complaint("SAVE_VERSION", {"version": 2, "digest": "b"}, old).endswith("--record`.")
    assert complaint("SAVE_VERSION", dict(old), old) == ""


def test_comments_change_no_digest_and_code_does() -> None:
    """A hash sign within a string is code."""
    assert without_comments("a = 1  # one\n\n# two\nb = '#'\n") == "a = 1\nb = '#'"


def main(words: list[str]) -> str:
    """Record what is, unless changed code has an old number; return what is wrong, if anything is."""
    if "--record" not in words:
        return "Give --record, and --same-results if changed code can change no result."
    sys.path.insert(0, str(ROOT))
    now = current()
    recorded = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else now
    stale = [
        name
        for name in FILES
        if name in recorded and now[name] != recorded[name] and now[name]["version"] == recorded[name]["version"]
    ]
    if stale and "--same-results" not in words:
        return "\n".join(complaint(name, now[name], recorded[name]) for name in stale)
    RECORD.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
