"""Where each page is: one function for each kind of page. Pure.

An address is a path with its query, as the server has it. What a link in a document says is up to ``reports.links``.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from matrix.model import Format, Method
from matrix.results import MatrixRow


def home(**filters: str) -> str:
    """The matrix; filters as the form has them."""
    return _with("/", filters)


def load(**choice: str) -> str:
    """The question; ``saver``, ``model``, ``format`` and ``loader`` as the form has them."""
    return _with("/load", choice)


def pair(saver: str, loader: str) -> str:
    """Everything that one environment saved, in one that loads."""
    return f"/pairs/{_part(saver)}/{_part(loader)}"


def cell(saver: str, model: str, format_: Format, loader: str, method: Method | None = None) -> str:
    """One cell, by its primary method unless another is named."""
    path = f"/cells/{_part(saver)}/{_part(model)}/{_part(format_)}/{_part(loader)}"
    return _with(path, {} if method is None else {"method": method.value})


def of_row(row: MatrixRow) -> str:
    """The cell of a row."""
    return cell(row.saver, row.model, row.format, row.loader, None if row.primary else row.method)


def models() -> str:
    """All models."""
    return "/models"


def model(model_id: str) -> str:
    """One model."""
    return f"/models/{_part(model_id)}"


def model_as(model_id: str, format_: Format) -> str:
    """One model in one format: every saver in every loader."""
    return f"/models/{_part(model_id)}/{_part(format_)}"


def formats() -> str:
    """All formats."""
    return "/formats"


def format_(which: Format) -> str:
    """One format."""
    return f"/formats/{_part(which)}"


def environments() -> str:
    """All environments."""
    return "/environments"


def environment(environment_id: str) -> str:
    """One environment."""
    return f"/environments/{_part(environment_id)}"


def errors(**search: str) -> str:
    """Kinds of failure; ``q`` and ``page`` as the form has them."""
    return _with("/errors", search)


def error(fingerprint: str) -> str:
    """One kind of failure."""
    return f"/errors/{_part(fingerprint)}"


def runs(**page: str) -> str:
    """All runs, newest first; ``before`` a number."""
    return _with("/runs", page)


def run(number: int) -> str:
    """One run."""
    return f"/runs/{number}"


def queue() -> str:
    """What was asked for."""
    return "/queue"


def changes(**pair_: str) -> str:
    """Two loaders beside each other; ``before`` and ``after``."""
    return _with("/changes", pair_)


def newest_run_changes() -> str:
    """What is different between the newest two runs."""
    return "/changes/runs"


def run_changes(before: int, after: int) -> str:
    """What is different since a run."""
    return f"/changes/runs/{before}/{after}"


def about() -> str:
    """How it is measured, in figures."""
    return "/about"


def artifact(saver: str, model_id: str, format_: Format, sha256: str) -> str:
    """What a save produced, to download."""
    return f"/artifacts/{_part(saver)}/{_part(model_id)}/{_part(format_)}/{sha256}"


def badge(model_id: str, format_: Format, saver: str) -> str:
    """An image that says where a file loads."""
    return f"/badge/{_part(model_id)}/{_part(format_)}/{_part(saver)}.svg"


def download(kind: str, **filters: str) -> str:
    """The rows of the matrix as ``csv`` or ``json``; filters as the home page has them."""
    return _with(f"/matrix.{kind}", filters)


def uploading() -> str:
    """The form that takes a model."""
    return "/upload"


def upload(upload_id: str) -> str:
    """One upload; nobody guesses its id."""
    return f"/u/{_part(upload_id)}"


def of_upload(upload_id: str, what: str) -> str:
    """What else there is of an upload: ``badge.svg``, ``report``, ``events``, ``delete``."""
    return f"{upload(upload_id)}/{what}"


def twin(address: str) -> str:
    """The same page for programs."""
    path, mark, query = address.partition("?")
    return f"{'/index' if path == '/' else path}.json{mark}{query}"


def static(name: str) -> str:
    """A file that pages need."""
    return f"/static/{name}"


def _with(path: str, query: Mapping[str, str]) -> str:
    given = {name.rstrip("_"): value for name, value in query.items() if value}
    return f"{path}?{urlencode(given, safe=',')}" if given else path


def _part(name: str) -> str:
    return quote(name, safe="+=")
