"""Settings: from the environment (``TFMATRIX_…``), else from one file, else a default; each with a line of help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from matrix.settings_file import PREFIX, SettingsFile

ROOT = Path(__file__).resolve().parent.parent


def _half_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


class Settings(BaseSettings):
    """What a person may set; docs/settings.md lists it, a test keeps the two equal."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    config: Path = Field(ROOT / "tfmatrix.toml", description="File of settings, in TOML; the environment wins over it.")
    home: Path = Field(ROOT / "var", description="Folder of the database, artifacts, logs and the site.")
    database: SecretStr = Field(SecretStr(""), description="Database URL; empty means matrix.db in the home folder.")
    engine: Literal["auto", "docker", "venv"] = Field(
        "auto", description="What runs environments: auto, docker, or venv, which isolates nothing."
    )
    lanes: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)), ge=1, description="Containers that run side by side."
    )
    memory: int = Field(default_factory=_half_of_memory, ge=1 << 30, description="Bytes that all lanes share.")
    container_memory: int = Field(3 << 30, ge=1 << 29, description="Bytes that one container may take.")
    load_seconds: float = Field(12, gt=0, description="Wall seconds that one cell may take.")
    save_seconds: float = Field(240, gt=0, description="Wall seconds that one model's saves may take.")
    fresh_seconds: float = Field(30, gt=0, description="Added where a fresh process imports TensorFlow first.")
    grace_seconds: float = Field(2, gt=0, description="Seconds between asking a process to stop and killing it.")
    start_seconds: float = Field(180, gt=0, description="Seconds in which a container must have imported TensorFlow.")
    artifact_bytes: int = Field(128 << 20, ge=1 << 20, description="Largest artifact, and largest answer of a cell.")
    batch: int = Field(1000, ge=1, description="Cells that one container runs before it is replaced.")
    poll_seconds: float = Field(2, gt=0, description="Seconds after which a runner looks again for requests.")

    host: str = Field("127.0.0.1", min_length=1, description="Address that the web process listens on.")
    port: int = Field(8321, ge=0, le=65535, description="Port that it listens on; 0 takes any that is free.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least weight of a line in the logs of the web process and the runner."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="Form of these lines: text, json, or auto, which is text in a terminal."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was said in code wins over the environment, and that over the file."""
        return init_settings, env_settings, SettingsFile(settings_cls)

    @property
    def database_url(self) -> str:
        """The database to open. It may hold a password, so it is shown and kept nowhere."""
        return self.database.get_secret_value() or f"sqlite:///{self.home / 'matrix.db'}"

    @property
    def lanes_in_memory(self) -> int:
        """How many containers run side by side: as many lanes as the memory setting has room for, at least one."""
        return max(1, min(self.lanes, self.memory // self.container_memory))
