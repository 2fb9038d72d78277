"""What `docker-compose.yml` is told of this machine: project, users, socket, limits. It starts nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from sqlalchemy import URL

from matrix.config import Settings
from matrix.errors import UsageError
from matrix.store.connect import location

WEB_PORT: Final = 8321
"""Where web listens inside its container; outside it is TFMATRIX_PORT."""

NOBODY: Final = "10001:10001"
"""Who web is where root owns the results: a user that owns nothing and may read what everybody may."""

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_RUNNER_BYTES: Final = 512 << 20

NOT_HANDED_ON: Final = frozenset({"config", "engine"})
"""Settings that containers do not get: the file is read here, and the engine is the one whose socket they are handed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """What matters of the engine: its socket, the group that may speak to it, whether its root is a person."""

    socket: Path
    group: int
    rootless: bool


def project(home: Path) -> str:
    """Return the name of the containers' project: one for each home folder, so that two never share one."""
    return f"tfmatrix-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"


def variables(settings: Settings, engine: EngineFacts, image: str) -> dict[str, str]:
    """Return what is added to this process's own environment when compose is called, every setting included.

    So containers need no file of settings, and what they get is what `tfmatrix config` shows here.
    """
    home = settings.home.resolve()
    owner = home.stat()
    runner = "0:0" if engine.rootless else f"{owner.st_uid}:{owner.st_gid}"
    return _in_words(settings) | {
        "COMPOSE_PROJECT_NAME": project(home),
        "DOCKER_HOST": f"unix://{engine.socket}",
        "SERVICE_IMAGE": image,
        "TFMATRIX_HOME": str(home),
        "WEB_USER": runner if engine.rootless or owner.st_uid else NOBODY,
        "RUNNER_USER": runner,
        "ENGINE_SOCKET": str(engine.socket),
        "ENGINE_GROUP": str(engine.group),
        "RUNNER_CPUS": str(float(settings.lanes_in_memory)),
        "RUNNER_MEMORY": str(_RUNNER_BYTES + settings.lanes_in_memory * 4 * settings.artifact_bytes),
    }


def _in_words(settings: Settings) -> dict[str, str]:
    """Return every setting as a variable, wherever it came from."""
    found: dict[str, str] = {}
    for name in type(settings).model_fields.keys() - NOT_HANDED_ON:
        value = getattr(settings, name)
        found[f"TFMATRIX_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return found


def make_door(home: Path, web_user: str) -> None:
    """Have the folder through which uploads come in: web writes there, and nowhere else; the runner empties it.

    Where the two are different users it belongs to web's user and to a group of both.

    Raises:
        UsageError: It cannot be given to web's user.
    """
    owner = home.stat()
    uploads = home / "uploads"
    door = uploads / "door"
    door.mkdir(parents=True, exist_ok=True)
    try:
        if web_user == NOBODY:
            os.chown(door, *map(int, NOBODY.split(":")))
            door.chmod(0o2775)
        elif os.geteuid() == 0:
            for one in (uploads, door):
                os.chown(one, owner.st_uid, owner.st_gid)
    except PermissionError as error:
        raise UsageError(
            f"{door} cannot be given to the user that web is ({error.strerror}).",
            next_step=f"sudo chown {NOBODY} {door} && sudo chmod 2775 {door}; or run this as root, who owns the results.",
        ) from error


def refuse_what_containers_cannot_see(settings: Settings) -> None:
    """Look at what is set, before anything is started.

    Raises:
        UsageError: The engine is none with containers, or the database is where no container finds it.
    """
    if settings.engine == "venv":
        raise UsageError(
            "TFMATRIX_ENGINE is venv, and `tfmatrix up` starts containers.",
            next_step="`tfmatrix serve` does without; or set TFMATRIX_ENGINE to auto.",
        )
    if not settings.port:
        raise UsageError(
            "TFMATRIX_PORT is 0, and nobody would know the port that containers then get.",
            next_step="Name a port, or none: 8321 is the default.",
        )
    home, place = settings.home.resolve(), location(settings.database_url)
    if isinstance(place, URL):
        host = place.host or str(place.query.get("host", ""))
        if host in _THIS_MACHINE or host.startswith("/") or not host:
            raise UsageError(
                "TFMATRIX_DATABASE names a server on this machine, and inside a container that is the container.",
                next_step="Write host.docker.internal for its host, and let the server listen there (docs/compose.md).",
            )
    elif place.resolve().parent != home:
        raise UsageError(
            f"TFMATRIX_DATABASE is {place}, and containers see {home} alone.",
            next_step="Move the file there, or set TFMATRIX_HOME to its folder.",
        )


def refuse_what_they_may_not_touch(home: Path, web_user: str) -> None:
    """Look at whose the results are: the runner writes them as the owner of their folder, web reads them.

    Raises:
        UsageError: Some belong to another user than their folder, or web may not read them.
    """
    owner = home.stat()
    strange = [one for one in sorted(home.iterdir()) if one.lstat().st_uid != owner.st_uid]
    if strange:
        raise UsageError(
            f"{strange[0]} belongs to another user than {home}, and the runner works as the owner of that folder.",
            next_step=f"Give all of it to one: sudo chown -R {owner.st_uid}:{owner.st_gid} {home}",
        )
    needed = {home: 0o005, **dict.fromkeys(home.glob("matrix.db*"), 0o004)}
    hidden = [one for one, bits in needed.items() if one.stat().st_mode & bits != bits]
    if web_user == NOBODY and hidden:
        raise UsageError(
            f"{hidden[0]} is for root alone, and web, which is not root, could not read it.",
            next_step=f"chmod o+rX {home} {home}/matrix.db*",
        )
