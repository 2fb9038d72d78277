"""Column types that keep their promise on SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_read: Final = json.JSONDecoder().raw_decode
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def _decode(value: str | None) -> Any:  # noqa: ANN401
    return None if value is None else [] if value == "[]" else _read(value)[0]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, in UTC. SQLite keeps no zone, so a naive one would be a guess: it is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn any aware moment into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A naive datetime ({value}) cannot be stored; pass one in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back that SQLite dropped."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """JSON in a text column: PostgreSQL's own json type refuses NaN and infinities, which differences do hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401, ARG002
        """Encode; escapes keep whatever a model printed, NUL and lone surrogates included, within ASCII."""
        return None if value is None else _encode(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:  # noqa: ARG002
        """Decode. Tens of thousands of rows are read at once, so SQLAlchemy's layers are passed by."""
        return _decode


class CleanText(TypeDecorator[str]):
    """Text a model may have had a hand in: what no database can hold becomes the replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Replace NUL and lone surrogates."""
        return None if value is None else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
