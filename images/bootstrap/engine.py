"""Finds the container engine that answers; where there is none, installs Debian's or Ubuntu's and starts it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import docker
import docker.errors
import requests.exceptions

from images.bootstrap.apt import install, trixie_source
from images.bootstrap.commands import Say
from images.bootstrap.upgrades import upgrade_parts
from matrix.config import Settings
from matrix.errors import BuildError, EngineError, NoEngineError

PACKAGES: Final = ("docker.io", "docker-cli", "docker-buildx", "docker-compose")
UBUNTU_PACKAGES: Final = ("docker.io", "docker-buildx", "docker-compose-v2")
START_SECONDS: Final = 60
API_SECONDS: Final = 300
BY_HAND: Final = (
    "1. Install Docker for your system, buildx with it (its documentation: Install Docker Engine).\n"
    "2. Start it (`sudo systemctl start docker`), join its group, and see that `docker version` shows a server and "
    "`docker buildx version` answers.\n"
    "3. Run the same command again."
)


def connect() -> docker.DockerClient:
    """Return a client of the engine that answers: DOCKER_HOST, the current context, the usual and the rootless socket.

    Raises:
        EngineError: None of them answers.
    """
    return _found()[0]


def engine_socket() -> Path:
    """Return the socket of the engine that answers.

    Raises:
        EngineError: None answers, or it is spoken to over a network.
    """
    client, address = _found()
    client.close()
    if not address.startswith("unix://"):
        raise EngineError(
            f"The engine is spoken to by {address}, and the runner's container is handed a socket.",
            next_step="Run this on the machine where the engine is, with DOCKER_HOST unset.",
        )
    return Path(address.removeprefix("unix://"))


def _found() -> tuple[docker.DockerClient, str]:
    for address in _addresses():
        if address.startswith("unix://") and not Path(address.removeprefix("unix://")).exists():
            continue  # the SDK would leave its socket open
        try:
            client = docker.DockerClient(base_url=address, version="auto", timeout=API_SECONDS)  # asks for the version
            client.ping()
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError):
            continue
        return client, address
    raise EngineError(
        "No container engine answers.",
        next_step="`tfmatrix setup` starts or installs one; `tfmatrix doctor` says what is wrong.",
    )


def image_exists(client: docker.DockerClient, name: str) -> bool:
    """Whether the engine has an image of this name."""
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def ensure_engine(say: Say) -> None:
    """Make an engine answer: use the one that does, start the one that is installed, else install one.

    Raises:
        NoEngineError: None can be had on this machine.
        EngineError: One is there, or named, and does not do its work.
    """
    if _answers():
        say("engine: answers")
        upgrade_parts(say)
        ensure_buildx(say)
        return
    if "DOCKER_HOST" in os.environ:
        raise EngineError(
            f"DOCKER_HOST is {os.environ['DOCKER_HOST']!r}, and nothing answers there.",
            next_step="Start that engine, or unset DOCKER_HOST to use this machine's own.",
        )
    if (reason := why_none()) is not None:
        raise NoEngineError(reason, next_step=BY_HAND)
    if shutil.which("dockerd") is None:
        try:
            install_parts((*PACKAGES, "iptables"), UBUNTU_PACKAGES, say, lacking="No container engine is installed")
        except BuildError as error:
            raise NoEngineError(
                f"No container engine could be installed. {error.message}", next_step=BY_HAND
            ) from error
    _start(say)
    ensure_buildx(say)


def why_none() -> str | None:
    """Return why no engine can be had where none answers, or nothing where one can be started or installed."""
    root, installed = os.geteuid() == 0, shutil.which("dockerd") is not None
    if installed:
        return None if root else "A container engine is installed, but it does not run, or you may not speak to it."
    return None if may_install() else "No container engine is installed, and this program may not install it here."


def ensure_buildx(say: Say) -> None:
    """Have `docker buildx`, which an engine that was installed by other means may lack. That engine is left alone.

    Raises:
        EngineError: It is not there, and cannot be had.
    """
    if buildx_version() is None:
        client = () if shutil.which("docker") else ("docker-cli",)
        install_parts(("docker-buildx", *client), ("docker-buildx",), say, lacking="An engine answers without buildx")
    if buildx_version() is None:
        raise EngineError(
            "`docker buildx` does not answer, also not after an install.",
            next_step="Install docker-buildx (or docker-buildx-plugin) by hand, then run the same command again.",
        )


def buildx_version() -> str | None:
    """Return the version of `docker buildx`, or nothing where it does not answer."""
    try:
        done = subprocess.run(["docker", "buildx", "version"], capture_output=True, text=True, timeout=20, check=True)
    except (subprocess.SubprocessError, OSError):
        return None
    return " ".join(done.stdout.split()[1:2])


def ensure_compose(say: Say) -> None:
    """Have `docker compose`, which an engine that was installed by other means may lack. That engine is left alone.

    Raises:
        EngineError: It is not there, and cannot be had.
    """
    if compose_version() is None:
        install_parts(("docker-compose",), ("docker-compose-v2",), say, lacking="An engine answers without compose")
    if compose_version() is None:
        raise EngineError(
            "`docker compose` does not answer, also not after an install.",
            next_step="Install docker-compose (or docker-compose-plugin), version 2, by hand, then run the same command again.",
        )


def compose_version() -> str | None:
    """Return the version of `docker compose`, or nothing where it does not answer."""
    try:
        done = subprocess.run(
            ["docker", "compose", "version", "--short"], capture_output=True, text=True, timeout=20, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return done.stdout.strip()


def install_parts(debian: Sequence[str], ubuntu: Sequence[str], say: Say, *, lacking: str) -> None:
    """Install packages of Debian, from trixie where the release is older, or of Ubuntu.

    Raises:
        EngineError: This program may not install anything here.
        BuildError: The install failed.
    """
    if not may_install():
        raise EngineError(f"{lacking}, and this program may not install it here.", next_step=BY_HAND)
    system = _os_release()
    if system["ID"] == "ubuntu":
        install(ubuntu, say)
        return
    if system.get("VERSION_CODENAME") in {"bookworm", "bullseye"}:
        trixie_source(say)  # bookworm's own engine has no buildx
    install(debian, say)


def _start(say: Say) -> None:
    """Start the installed daemon: as a service where there is an init system that runs, else by itself."""
    log = Settings().home / "logs" / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if Path("/run/systemd/system").exists():
        say("engine: starting the docker service")
        subprocess.run(["systemctl", "start", "docker"], check=False, timeout=START_SECONDS)
    else:
        say(f"engine: starting dockerd (log: {log})")
        Path("/var/run/docker.pid").unlink(missing_ok=True)  # left by a machine that was stopped; nothing answers
        with log.open("ab") as output:
            subprocess.Popen(
                ["dockerd"], stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )
    deadline = time.monotonic() + START_SECONDS
    while not _answers():
        if time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
            raise NoEngineError(
                f"The container engine did not answer within {START_SECONDS} s. {''.join(last)}",
                next_step=f"Its log: {log}",
            )
        time.sleep(0.5)
    say("engine: answers")


def _answers() -> bool:
    try:
        connect().close()
    except EngineError:
        return False
    return True


def _addresses() -> list[str]:
    if host := os.environ.get("DOCKER_HOST"):
        return [host]
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    sockets = ["/var/run/docker.sock", f"{runtime}/docker.sock"]
    found = [*_context_address(), *(f"unix://{path}" for path in sockets if Path(path).exists())]
    return list(dict.fromkeys(found))


def _context_address() -> list[str]:
    """Where the docker command's current context points; nothing for the default one."""
    if shutil.which("docker") is None:
        return []
    try:
        shown = subprocess.run(
            ["docker", "context", "inspect"],
            capture_output=True,
            timeout=20,
            check=True,
        )
        return [json.loads(shown.stdout)[0]["Endpoints"]["docker"]["Host"]]
    except (subprocess.SubprocessError, OSError, ValueError, LookupError):
        return []


def may_install() -> bool:
    """Whether this program may install packages: as root, on Debian or what descends from it."""
    system = _os_release()
    return os.geteuid() == 0 and bool({"debian", "ubuntu"} & {system.get("ID"), *system.get("ID_LIKE", "").split()})


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
