"""Lines in the log, of everything that runs for long: one form for ours and for what libraries say, on standard error."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from matrix.config import Settings

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_LOUD: Final = ("asyncio", "sqlalchemy", "docker", "urllib3", "alembic")
"""Libraries of which only warnings matter, however much is asked of us."""


def logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a part of ours; its name stands on each line."""
    found: FilteringBoundLogger = structlog.get_logger(part=name)
    return found


def configure(settings: Settings) -> None:
    """Write lines of the weight and in the form that are set, from now on and in this process."""
    level = _LEVELS[settings.log_level]
    text = is_text(settings)
    render = _text_renderer() if text else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    begin: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _named,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    end: list[Processor] = [render] if text else [structlog.processors.format_exc_info, render]
    structlog.configure(
        processors=[*begin, *end],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    of_others: list[Processor] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_logger_name,
        _tidied,
        *begin,
    ]
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=of_others, processors=[meta, *end]))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def without_values() -> None:
    """Until lines are configured, let tracebacks be short: the values beside them take half a minute where they are large."""
    if not structlog.is_configured():
        begin = structlog.get_config()["processors"][:-1]
        structlog.configure(processors=[*begin, _text_renderer()])


def is_text(settings: Settings) -> bool:
    """Whether lines are for people: as it is set, else where standard error is a terminal."""
    return settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())


class Lines(io.StringIO):
    """A file whose lines go to a log, for what writes to files alone."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log
        self._begun = ""

    def write(self, text: str) -> int:
        """Take text up; each line that is whole goes to the log."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            self._log.info(line.rstrip())
        return len(text)


def _text_renderer() -> Processor:
    # Values of local variables, which structlog would show beside a traceback, may be secrets.
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=plain)


def _named(_log: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    if "part" in line:
        line["logger"] = f"tfmatrix.{line.pop('part')}"
    return line


def _tidied(_log: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    line.pop("color_message", None)  # what uvicorn says, once more
    if line.get("logger") == "uvicorn.error":  # its name for all that is not a request
        line["logger"] = "uvicorn"
    return line
