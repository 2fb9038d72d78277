"""The log: one form for ours and for libraries, and nothing in it that a traceback's variables hold."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from matrix.config import Settings
from service import logs

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What is set for the process is taken back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs._LOUD}
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def documents(capsys: Capture) -> list[dict[str, object]]:
    """What was written, each line a document."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_ours_and_others_have_one_form(capsys: Capture) -> None:
    """JSON with time, level, logger and words, whoever says it; what is bound to a request is on each line."""
    logs.configure(Settings(log_format="json"))
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        logs.logger("web").info("request", status=200)
        logging.getLogger("uvicorn.error").info("Started %d", 7, extra={"color_message": "\x1b[1mStarted"})
    ours, other = documents(capsys)
    assert ours.pop("timestamp")
    assert ours == {
        "event": "request", "status": 200, "level": "info", "logger": "tfmatrix.web", "request_id": "abc",
    }  # fmt: skip
    assert (other["event"], other["logger"], other["request_id"]) == ("Started 7", "uvicorn", "abc")
    assert "color_message" not in other


def test_what_weighs_less_is_left_out(capsys: Capture) -> None:
    """Of ours and of others; libraries that talk a lot never say less than a warning."""
    logs.configure(Settings(log_format="json", log_level="warning"))
    logs.logger("web").info("light")
    logging.getLogger("uvicorn").info("light")
    logs.logger("web").warning("heavy")
    assert [one["event"] for one in documents(capsys)] == ["heavy"]
    logs.configure(Settings(log_format="json", log_level="debug"))
    logging.getLogger("sqlalchemy.engine").info("SELECT")
    assert documents(capsys) == []


@pytest.mark.parametrize("form", ["json", "text"])
def test_tracebacks_show_no_variables(capsys: Capture, form: str) -> None:
    """The lines of code and the error, not what the variables held."""
    logs.configure(Settings.model_validate({"log_format": form}))
    password = str(6 * 7) * 5
    try:
        _ = int(password) // 0
    except ZeroDivisionError:
        logs.logger("web").exception("fault")
    said = capsys.readouterr().err
    assert "int(password) // 0" in said
    assert password not in said


def test_nor_do_they_before_anything_is_set(capsys: Capture) -> None:
    """An app that no command started, as in tests: its tracebacks are as short. What is set already stays."""
    structlog.reset_defaults()
    logs.without_values()
    password = str(6 * 7) * 5
    try:
        _ = int(password) // 0
    except ZeroDivisionError:
        logs.logger("web").exception("fault")
    captured = capsys.readouterr()
    assert "int(password) // 0" in captured.out + captured.err
    assert password not in captured.out + captured.err
    logs.configure(Settings(log_format="json"))
    logs.without_values()
    logs.logger("web").info("set")
    assert documents(capsys)[0]["event"] == "set"


def test_auto_is_text_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe or a container gets JSON."""
    assert not logs.is_text(Settings())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert logs.is_text(Settings())
    assert not logs.is_text(Settings(log_format="json"))


def test_what_is_written_to_a_file_becomes_lines(capsys: Capture) -> None:
    """Each once it is whole; empty ones do not."""
    logs.configure(Settings(log_format="json"))
    lines: io.StringIO = logs.Lines(logs.logger("runner"))
    lines.write("save: 3 sav")
    assert documents(capsys) == []
    lines.write("es\n\nload: 4\n")
    assert [one["event"] for one in documents(capsys)] == ["save: 3 saves", "load: 4"]
