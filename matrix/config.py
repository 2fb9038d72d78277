"""Settings: from the environment (``TFMATRIX_…``), else from one file, else a default; each with a line of help."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from matrix.settings_file import PREFIX, SettingsFile

ROOT = Path(__file__).resolve().parent.parent
"""The checkout; where this is an installed package, the folder that it was installed into, which is nobody's to write."""

UPLOAD_KINDS: Final = (
    "keras", "h5", "weights-h5", "savedmodel", "export", "json+weights", "checkpoint", "builder", "custom_objects",
)  # fmt: skip
"""What may be uploaded: kinds of models, scripts that build one, and custom objects beside any of them."""

WARM_BYTES: Final = 400 << 20
"""What a container that waits takes, most of it TensorFlow's own memory (docs/method.md)."""


def _half_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _default_place(checkout: Path, variable: str, usual: str, name: str) -> Path:
    """Return where something of ours is looked for by default: in the checkout, else where XDG has a person's own."""
    if (ROOT / "pyproject.toml").exists():
        return checkout
    named = Path(os.environ.get(variable, ""))
    own = os.path.expanduser(f"~/{usual}")  # noqa: PTH111  (pathlib raises for a user without a home)
    return (named if named.is_absolute() else Path(own)) / "tfmatrix" / name


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


class Settings(BaseSettings):
    """What a person may set; docs/settings.md lists it, a test keeps the two equal."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    config: Path = Field(
        _default_place(ROOT / "tfmatrix.toml", "XDG_CONFIG_HOME", ".config", "tfmatrix.toml"),
        description="File of settings, in TOML; the environment wins over it.",
    )
    home: Path = Field(
        _default_place(ROOT / "var", "XDG_DATA_HOME", ".local/share", ""),
        description="Folder of the database, artifacts, logs and the site.",
    )
    database: SecretStr = Field(SecretStr(""), description="Database URL; empty means matrix.db in the home folder.")
    engine: Literal["auto", "docker", "venv"] = Field(
        "auto", description="What runs environments: auto, docker, or venv, which isolates nothing."
    )
    runtime: str = Field("", description="Container runtime for sandboxes, such as runsc; empty is the engine's own.")
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
    warm: int = Field(
        -1,
        ge=-1,
        description="Containers kept ready for uploads, as far as memory has room beside lanes; -1: at most half of it.",
    )

    host: str = Field("127.0.0.1", min_length=1, description="Address that the web process listens on.")
    port: int = Field(8321, ge=0, le=65535, description="Port that it listens on; 0 takes any that is free.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least weight of a line in the logs of the web process and the runner."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="Form of these lines: text, json, or auto, which is text in a terminal."
    )

    uploads: Literal["auto", "open", "token", "off"] = Field(
        "auto",
        description="Who may upload: auto (this machine, else who has the token), open (everybody), token or off.",
    )
    upload_token: SecretStr = Field(SecretStr(""), description="What an uploader has to know.")
    upload_kinds: str = Field(",".join(UPLOAD_KINDS), description="Kinds of models and scripts that are taken.")
    upload_bytes: int = Field(500 << 20, ge=1 << 10, description="Largest upload, all its files together.")
    upload_days: float = Field(30, gt=0, description="Days after which an upload and what it came to are deleted.")
    upload_queue: int = Field(50, ge=1, description="Uploads that may wait at once.")
    upload_disk: int = Field(20 << 30, ge=1 << 20, description="Bytes that all uploads together may take on the disk.")
    uploads_per_hour: int = Field(
        60, ge=0, description="Uploads that one address may send in an hour; 0 is any number."
    )
    upload_bytes_per_hour: int = Field(
        10 << 30, ge=0, description="Bytes that one address may upload in an hour; 0 is any number."
    )
    upload_rate: int = Field(
        16 << 10, ge=0, description="Least bytes in a second, over half a minute, that an upload comes with; 0 is any."
    )
    trusted_proxies: str = Field(
        "", description="Addresses or networks of proxies whose X-Forwarded-For is believed, with commas."
    )

    @field_validator("upload_kinds")
    @classmethod
    def _are_kinds(cls, value: str) -> str:
        strange = [one for one in _listed(value) if one not in UPLOAD_KINDS]
        if strange:
            message = f"{strange[0]!r} is no kind; take from {', '.join(UPLOAD_KINDS)}"
            raise ValueError(message)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for one in _listed(value):
            ipaddress.ip_network(one, strict=False)
        return value

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
    def kinds_taken(self) -> frozenset[str]:
        """The kinds of models and scripts that may be uploaded."""
        return frozenset(_listed(self.upload_kinds))

    @property
    def proxies(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of proxies that are believed when they say who asks."""
        return tuple(ipaddress.ip_network(one, strict=False) for one in _listed(self.trusted_proxies))

    @property
    def warm_containers(self) -> int:
        """How many containers wait for uploads: each holds TensorFlow in memory, beside what the lanes may take of it."""
        room = max(0, self.memory - self.lanes_in_memory * self.container_memory) // WARM_BYTES
        return min(room, self.memory // 2 // WARM_BYTES if self.warm < 0 else self.warm)

    @property
    def lanes_in_memory(self) -> int:
        """How many containers run side by side: as many lanes as the memory setting has room for, at least one."""
        return max(1, min(self.lanes, self.memory // self.container_memory))
