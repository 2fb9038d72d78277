"""``tfmatrix config``: every setting, its value, and where that comes from."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from matrix.config import Settings
from matrix.errors import StoreError
from matrix.settings_file import PREFIX, Origin, file_of, origin_of
from matrix.store.connect import called, location
from service.options import Json

out = Console(highlight=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting as it is in force; ``origin`` is where its value was found."""

    name: str
    variable: str
    value: Any
    origin: Origin
    help: str


def config(*, as_json: Json = False) -> None:
    """Print every setting with its value and where that comes from: environment, file or default."""
    settings = Settings()
    found = [_setting(settings, name) for name in Settings.model_fields]
    file = file_of(Settings)
    if as_json:
        document = {
            "schema": 1,
            "file": None if file is None else str(file),
            "settings": [asdict(one) for one in found],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    table = Table("variable", "value", "from")
    for one in found:
        table.add_row(one.variable, Text(str(one.value)), one.origin)
    out.print(table)
    out.print(f"file: {file}" if file else f"file: none; {settings.config} would be read", soft_wrap=True)


def complaint(error: ValidationError) -> str:
    """Say which setting has a wrong value, as the person has written it, and what is wrong. Nothing is said of secrets."""
    wrong = error.errors()[0]
    name = ".".join(str(part) for part in wrong["loc"])
    if name.lower() in Settings.model_fields and origin_of(name.lower(), Settings) == "file":
        return f"{name} in {file_of(Settings)}: {wrong['msg']}"
    return f"{PREFIX}{name.upper()}: {wrong['msg']}"


def _setting(settings: Settings, name: str) -> Setting:
    return Setting(
        name=name,
        variable=f"{PREFIX}{name.upper()}",
        value=_shown(settings, name),
        origin=origin_of(name, Settings),
        help=Settings.model_fields[name].description or "",
    )


def _shown(settings: Settings, name: str) -> Any:  # noqa: ANN401  (as JSON has it)
    value = getattr(settings, name)
    if not isinstance(value, SecretStr):
        return settings.model_dump(mode="json", include={name})[name]
    if name != "database":
        return "***" if value.get_secret_value() else ""
    try:
        return called(location(settings.database_url))
    except StoreError:
        return "***"
