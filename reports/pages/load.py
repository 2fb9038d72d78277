"""Can I load it? Where the files of one saver in one format load, as ranges of versions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrix.model import Environment, Format, Model
from reports import addresses
from reports.cube import FORMATS
from reports.known import Known
from reports.pages.alike import Models, Savers, models_alike, savers_alike
from reports.pages.answers import Answer, answer_everywhere, answer_in
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Choices, Empty, choices
from reports.pages.stretches import Files, Strip
from reports.ranges import label


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is chosen; ``None`` leaves a side open."""

    saver: Environment | None = None
    model: Model | None = None
    format: Format | None = None
    loader: Environment | None = None

    @property
    def words(self) -> dict[str, str]:
        """The choice as an address has it."""
        sides = {
            "saver": self.saver.id if self.saver else "",
            "model": self.model.id if self.model else "",
            "format": str(self.format or ""),
            "loader": self.loader.id if self.loader else "",
        }
        return {name: word for name, word in sides.items() if word}


@dataclass(frozen=True, kw_only=True, slots=True)
class Badge:
    """An image that says where a file loads, and the address of what it stands for."""

    image: str
    shows: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """The page's content. Until a saver and a format are chosen, ``table`` stands in place of the answer.

    ``alike`` tells the models apart where none is chosen; ``unmeasured`` are formats that the table cannot have.
    """

    empty: Empty | None
    filters: tuple[Choices, ...]
    chosen: Mapping[str, str]
    what: str
    answer: Answer | None
    strips: tuple[Strip, ...]
    alike: tuple[Models, ...]
    table: tuple[Savers, ...]
    unmeasured: tuple[Format, ...]
    badge: Badge | None
    more: tuple[tuple[str, str], ...]

    @property
    def by_format(self) -> Mapping[Format, tuple[Savers, ...]]:
        """The table, apart for each format."""
        return {
            one: tuple(line for line in self.table if line.format is one) for one in FORMATS if one in self._formats
        }

    @property
    def _formats(self) -> frozenset[Format]:
        return frozenset(line.format for line in self.table)


def load(known: Known, question: Question) -> Page:
    """Return the page for a choice."""
    files, model = None, question.model.id if question.model else None
    if question.saver and question.format:
        files = Files(known, [question.saver.id], question.format, model)
    table = () if files else tuple(_table(known, question))
    content = Load(
        empty=NOTHING_YET if known.is_empty else None,
        filters=tuple(_form(known, question)),
        chosen=question.words,
        what=_what(question),
        answer=_answer(known, question, files) if files else None,
        strips=files.strips() if files else (),
        alike=models_alike(known, files) if files and not model else (),
        table=table,
        unmeasured=tuple(_unmeasured(question, table)),
        badge=_badge(question),
        more=tuple(_more(question)),
    )
    return Page(
        template="load",
        title="Can I load it?",
        address=addresses.load(**question.words),
        nav=addresses.load(),
        content=content,
        csv=addresses.download("csv", **question.words),
    )


def _form(known: Known, question: Question) -> Iterator[Choices]:
    words = question.words
    versions = [(one.id, label(one.id)) for one in known.environments]
    models = [(one.id, one.title) for one in known.models]
    formats = [(str(one), "") for one in FORMATS]
    yield choices("format", "Format", formats, words.get("format", ""), everything="any", as_pills=True)
    yield choices("saver", "Saved in", versions, words.get("saver", ""), everything="any version")
    yield choices("loader", "Load in", versions, words.get("loader", ""), everything="any version")
    yield choices("model", "Model", models, words.get("model", ""), everything="any model")


def _what(question: Question) -> str:
    """What is asked about, in words."""
    if not (question.saver and question.format):
        return ""
    whose = f"{question.model.title} as {question.format}" if question.model else f"{question.format} files"
    return f"{whose}, saved in {label(question.saver.id)}"


def _answer(known: Known, question: Question, files: Files) -> Answer:
    return answer_in(known, files, question.loader.id) if question.loader else answer_everywhere(files)


def _table(known: Known, question: Question) -> Iterator[Savers]:
    savers = [question.saver] if question.saver else [one for one in known.environments if one.base is None]
    formats = [question.format] if question.format else list(FORMATS)
    yield from savers_alike(known, formats, savers, question.model.id if question.model else None)


def _unmeasured(question: Question, table: tuple[Savers, ...]) -> Iterator[Format]:
    """The formats asked about of which the table has nothing, where it has others."""
    if table and question.format is None:
        shown = {line.format for line in table}
        yield from (one for one in FORMATS if one not in shown)


def _badge(question: Question) -> Badge | None:
    if not (question.saver and question.format and question.model):
        return None
    saver, model, format_ = question.saver.id, question.model.id, question.format
    return Badge(
        image=addresses.badge(model, format_, saver),
        shows=addresses.load(saver=saver, model=model, format=str(format_)),
    )


def _more(question: Question) -> Iterator[tuple[str, str]]:
    """Where to read on."""
    if question.model and question.format:
        yield (
            f"{question.model.title} as {question.format}, every version",
            addresses.model_as(question.model.id, question.format),
        )
    if question.saver and question.loader:
        there, back = label(question.saver.id), label(question.loader.id)
        yield f"Everything from {there} in {back}", addresses.pair(question.saver.id, question.loader.id)
        yield f"The other way: from {back} in {there}", addresses.pair(question.loader.id, question.saver.id)
    if question.format:
        yield f"The format {question.format}", addresses.format_(question.format)
