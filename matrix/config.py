"""Settings: read from the environment (``TFMATRIX_…``), each with its default and a line of help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


def _half_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


class Settings(BaseSettings):
    """What a person may set; docs/settings.md lists it, a test keeps the two equal."""

    model_config = SettingsConfigDict(env_prefix="TFMATRIX_", frozen=True)

    home: Path = Field(ROOT / "var", description="Folder of the database, artifacts, logs and the page.")
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

    @property
    def database_url(self) -> str:
        """The database to open. It may hold a password, so it is shown and kept nowhere."""
        return self.database.get_secret_value() or f"sqlite:///{self.home / 'matrix.db'}"

    @property
    def lanes_in_memory(self) -> int:
        """How many containers run side by side: as many lanes as the memory setting has room for, at least one."""
        return max(1, min(self.lanes, self.memory // self.container_memory))
