"""What an attack is: what it tries, what stops it, how that ends. Its words are its docstring; docs/threats.md shows them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from matrix.model import Verdict

Act = Callable[..., Any]
STOPPED: Final = "Stopped by: "


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attack. ``often`` runs in ``make test``, the others in ``make test-all``.

    ``ends`` are the verdicts that it may come to: those of a loader that it gets the better of are worse ones for its
    uploader alone. ``options`` are what its kind of test needs to know.
    """

    name: str
    act: Act
    ends: frozenset[Verdict]
    often: bool
    options: dict[str, Any]

    @property
    def tried(self) -> str:
        """What the attack tries, in a sentence."""
        return self._words[0]

    @property
    def stopped(self) -> str:
        """What stops it."""
        return self._words[1]

    @property
    def program(self) -> str:
        """Its source as a program that does it, for a process that has nothing of ours."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(self.act)))
        function = tree.body[0]
        assert isinstance(function, ast.FunctionDef)
        function.decorator_list, function.returns = [], None
        return ast.unparse(tree)

    @property
    def _words(self) -> tuple[str, str]:
        text = " ".join(inspect.cleandoc(self.act.__doc__ or "").split())
        tried, mark, stopped = text.partition(STOPPED)
        assert mark, f"{self.name} does not say what stops it"
        return tried.strip(), stopped.strip()


@dataclass
class Cases:
    """The attacks of one kind, as their functions are read."""

    title: str
    all: list[Case] = field(default_factory=list)

    def case(self, *ends: Verdict, often: bool = False, **options: Any) -> Callable[[Act], Act]:
        """Take a function up as an attack."""

        def taken(act: Act) -> Act:
            name = act.__name__.replace("_", "-")
            self.all.append(Case(name=name, act=act, ends=frozenset(ends), often=often, options=options))
            return act

        return taken

    def parameters(self) -> list[Any]:
        """For ``pytest.mark.parametrize``: what is not often is for ``make test-all``."""
        rare = [pytest.mark.everything]
        return [pytest.param(one, id=one.name, marks=[] if one.often else rare) for one in self.all]

    def __getitem__(self, name: str) -> Case:
        return next(one for one in self.all if one.name == name)


def table(*kinds: Cases) -> str:
    """The attacks as Markdown, a table for each kind."""
    return "\n".join(
        f"### {kind.title}\n\n| attack | what is tried | what stops it | ends as |\n|---|---|---|---|\n"
        + "".join(
            f"| `{one.name}` | {one.tried} | {one.stopped} | {', '.join(sorted(one.ends)) or 'refused'} |\n"
            for one in kind.all
        )
        for kind in kinds
    )
