"""The one file of settings, in TOML: the settings' names in small letters. A variable of the environment wins over it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from matrix.errors import UsageError

PREFIX: Final = "TFMATRIX_"
ITSELF: Final = "config"
"""The setting that names the file: it cannot stand in it."""

_EXAMPLE: Final = "tfmatrix.example.toml has every setting."

Origin = Literal["environment", "file", "default"]


class SettingsFile(PydanticBaseSettingsSource):
    """What a file says. None is needed where none was named."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked: the file is read as a whole."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Read it.

        Raises:
            UsageError: It is not there though it was named, is not TOML, or has a setting that does not exist.
        """
        return said_in(file_of(self.settings_cls), self.settings_cls.model_fields)


def file_of(settings: type[BaseSettings]) -> Path | None:
    """Return the file that is read, if there is one.

    Raises:
        UsageError: One was named that is not there.
    """
    named = _environment().get(ITSELF, "")
    if not named:
        default: Path = settings.model_fields[ITSELF].default
        return default if default.exists() else None
    if not Path(named).exists():
        message = f"There is no file {named}, which {PREFIX}{ITSELF.upper()} names."
        raise UsageError(message, next_step=f"Correct it, or unset it. {_EXAMPLE}")
    return Path(named).absolute()


def said_in(file: Path | None, fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Return what a file sets. A relative path is meant from the file's own folder.

    Raises:
        UsageError: It cannot be read, is not TOML, or has a setting that does not exist.
    """
    if file is None:
        return {}
    found = _parsed(file)
    for name in found:
        if name not in fields or name == ITSELF:
            raise _unknown(file, name, [one for one in fields if one != ITSELF])
    paths = {name for name in found if fields[name].annotation is Path and isinstance(found[name], str)}
    return {name: file.parent / Path(value).expanduser() if name in paths else value for name, value in found.items()}


def origin_of(name: str, settings: type[BaseSettings]) -> Origin:
    """Return where a setting's value comes from."""
    if _environment().get(name):
        return "environment"
    return "file" if name in said_in(file_of(settings), settings.model_fields) else "default"


def _environment() -> dict[str, str]:
    """The settings' variables by the settings' names; variables are taken in capital and in small letters."""
    found = {name.upper(): value for name, value in os.environ.items()}
    return {name.removeprefix(PREFIX).lower(): value for name, value in found.items() if name.startswith(PREFIX)}


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file} is not TOML: {error}."
        raise UsageError(message, next_step=f"Write lines such as: port = 8321. {_EXAMPLE}") from error
    except OSError as error:
        message = f"The settings in {file} cannot be read ({error.strerror})."
        raise UsageError(message, next_step="Make it a file that is yours to read, or move it away.") from error


def _unknown(file: Path, name: str, names: list[str]) -> UsageError:
    if name == ITSELF:
        step = f"Leave it out here: {PREFIX}{ITSELF.upper()} names the file that is read."
    else:
        near = get_close_matches(name.lower().removeprefix(PREFIX.lower()), names, n=1, cutoff=0.4)
        step = f"Did you mean {near[0]!r}? {_EXAMPLE}" if near else _EXAMPLE
    return UsageError(f"{file} sets {name!r}, which is not a setting.", next_step=step)
