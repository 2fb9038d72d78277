"""The docs name everything a person can set, call or be told, and nothing that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from pydantic_core import PydanticUndefined

from matrix import compare
from matrix.catalog import load_models
from matrix.config import ROOT, Settings
from matrix.errors import ExitCode
from matrix.methods import MARKED
from matrix.model import Format, Method, Rung, SaveOutcome, Verdict
from matrix.results import Mark, Marks
from matrix.store.tables import metadata
from service.cli import app

DOCS: Final = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "images" / "README.md",
)
IN_WORDS: Final = {
    "config": "`tfmatrix.toml` in this repository, else `~/.config/tfmatrix/tfmatrix.toml`",
    "home": "`var` in this repository, else `~/.local/share/tfmatrix`",
    "lanes": "the processors this process may use",
    "memory": "half of the machine's memory",
}
"""Defaults that depend on the machine, as docs/settings.md spells them."""


def text(name: str) -> str:
    """A document below the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """The cells of every table row of a document."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text(name).splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]


def commands(group: typer.Typer = app, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command of the command line, with its group's name before it."""
    for command in group.registered_commands:
        yield " ".join((*words, str(command.name or getattr(command.callback, "__name__", "?"))))
    for one in group.registered_groups:
        if one.typer_instance is not None:
            yield from commands(one.typer_instance, (*words, str(one.name)))


def default_in_words(name: str) -> str:
    """A setting's default as the table writes it, without the note in brackets."""
    default = Settings.model_fields[name].default
    if name in IN_WORDS:
        return IN_WORDS[name]
    assert default is not PydanticUndefined, f"docs/settings.md needs words for the default of {name}"
    return f"`{default}`" if str(default) else "empty"


def test_every_setting_is_documented_with_default_and_help() -> None:
    """docs/settings.md lists each setting with its variable, default and line of help, and no other."""
    listed = [row for row in rows("docs/settings.md") if row[0].startswith("`TFMATRIX_")]
    found = {row[0]: (re.sub(r" \(.*\)$", "", row[1]), row[2]) for row in listed}
    expected = {
        f"`TFMATRIX_{name.upper()}`": (default_in_words(name), field.description)
        for name, field in Settings.model_fields.items()
    }
    assert found == expected


def test_no_document_names_a_setting_that_does_not_exist() -> None:
    """A variable that a document mentions is one that is read."""
    known = {f"TFMATRIX_{name.upper()}" for name in Settings.model_fields}
    named = {word for path in DOCS for word in re.findall(r"TFMATRIX_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert named <= known


def test_every_exit_code_is_documented() -> None:
    """docs/exit-codes.md lists each exit code with its number and name, and no other."""
    found = [(row[0], row[1]) for row in rows("docs/exit-codes.md") if row[0].isdigit()]
    assert found == [(str(code.value), f"`{code.name}`") for code in ExitCode]


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_the_readme(command: str) -> None:
    """The README's table has each command of the command line."""
    assert f"`tfmatrix {command}" in text("README.md")


def test_the_readme_names_what_takes_no_json() -> None:
    """A script may ask every other command for it."""
    said = re.search(r"All but ([^.]+?) take `--json`", text("README.md"))
    without = {command for command, takes in commands_with("--json").items() if not takes}
    assert said
    assert set(re.findall(r"`([^`]+)`", said[1])) == without


def commands_with(option: str) -> dict[str, bool]:
    """Every command, and whether it takes an option."""
    found: dict[str, bool] = {}

    def look(command: Any, words: tuple[str, ...]) -> None:
        for name, below in getattr(command, "commands", {}).items():
            look(below, (*words, name))
        if not hasattr(command, "commands"):
            found[" ".join(words)] = any(option in parameter.opts for parameter in command.params)

    look(typer.main.get_command(app), ())
    return found


def test_no_document_names_a_command_that_does_not_exist() -> None:
    """What a document or a message tells a person to type is there."""
    known = {command.split()[0] for command in commands()}
    below = {command.split()[1] for command in commands() if command.startswith("images ")}
    sources = [path for folder in ("matrix", "images", "reports", "service") for path in (ROOT / folder).rglob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}: tfmatrix {first} {second}".rstrip()
        for path in (*DOCS, *sources)
        for first, second in named_commands(path)
        if first not in known or (first == "images" and second and second not in below)
    ]
    assert wrong == []


def named_commands(path: Path) -> list[tuple[str, str]]:
    """The first and second words after ``tfmatrix`` wherever a file quotes a command line."""
    found: list[tuple[str, str]] = re.findall(r"`+tfmatrix ([a-z]+)(?: ([a-z]+))?", path.read_text(encoding="utf-8"))
    return found


def test_every_verdict_is_explained() -> None:
    """docs/method.md has a row for each verdict, and no other in that table."""
    assert table("docs/method.md", "verdict") == {f"`{verdict}`" for verdict in Verdict}


def test_every_rung_is_explained() -> None:
    """docs/method.md has a row for each rung."""
    assert table("docs/method.md", "rung") == {rung.label for rung in Rung}


def test_every_format_is_explained() -> None:
    """docs/method.md has a row for each format."""
    assert table("docs/method.md", "format") == {f"`{format_}`" for format_ in Format}


def test_every_method_is_explained() -> None:
    """docs/method.md has a row for each method."""
    assert table("docs/method.md", "method") == {f"`{method}`" for method in Method}


def test_every_mark_and_answer_is_explained() -> None:
    """docs/method.md has a row for each mark, and for each answer to it; and it names the models that are marked."""
    names = {field.name.replace("_", " ").replace("trained step", "trained a step") for field in fields(Marks)}
    assert table("docs/method.md", "mark") == names - {"notes"}
    assert table("docs/method.md", "answer") == {f"`{mark}`" for mark in Mark}
    section = text("docs/method.md").partition("## Marks")[2].partition("\n## ")[0]
    assert all(f"`{model}`" in section for model in MARKED)


def test_every_outcome_of_a_save_is_explained() -> None:
    """docs/method.md has a row for each outcome."""
    assert table("docs/method.md", "outcome") == {f"`{outcome}`" for outcome in SaveOutcome}


def test_every_model_is_explained() -> None:
    """docs/method.md has a row for each recipe, in their order: id, group, what it can show, reference."""
    groups = {model.group for model in load_models()}
    found = [row for row in rows("docs/method.md") if len(row) == 4 and row[1] in groups]
    assert found == [
        [f"`{model.id}`", model.group, model.shows.replace("|", r"\|"), model.reference or "none known"]
        for model in load_models()
    ]


def test_the_tolerances_are_those_of_the_code() -> None:
    """docs/method.md states the numbers that matrix/compare.py uses."""
    stated = {
        name.strip(): tuple(float(number) for number in re.findall(r"\d+e-?\d+", row[1]))
        for row in rows("docs/method.md")
        for name in row[0].split(",")
        if name.strip() in compare.TOLERANCES
    }
    assert stated == compare.TOLERANCES


def test_every_link_leads_somewhere() -> None:
    """A relative link in a document points at a file that exists."""
    links = [
        (path, link)
        for path in DOCS
        for link in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        if "://" not in link
    ]
    assert [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()] == []


def test_decisions_are_numbered_once() -> None:
    """Each number in docs/decisions is one page."""
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert len(numbers) == len(set(numbers))


def test_the_architecture_leads_to_every_decision_and_names_every_table() -> None:
    """In order, each by its number; what a database holds is told."""
    said = text("docs/architecture.md")
    pages = [path.name for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert re.findall(r"\[\d+\]\(decisions/([^)]+)\)", said) == pages
    assert [name for name in metadata.tables if f"`{name}`" not in said] == []


def table(name: str, heading: str) -> set[str]:
    """The first column of the table whose first heading is this one."""
    found = rows(name)
    start = next(place for place, row in enumerate(found) if row[0] == heading)
    column = []
    lines = text(name).splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    for row, line in zip(found[start + 1 :], lines[first + 2 :], strict=False):
        if not line.startswith("|"):
            break
        column.append(row[0])
    return set(column)
