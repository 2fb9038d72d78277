"""Base images: a registry's where one answers; else made here, same names, of Debian and the host's Pythons."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import docker
import docker.errors
import requests.exceptions

from images.bootstrap.apt import install, mirror
from images.bootstrap.commands import Say, call
from images.bootstrap.engine import connect, image_exists
from images.settings import uv_binary
from matrix.catalog import base_image
from matrix.config import Settings
from matrix.errors import BuildError
from matrix.model import Environment

LABELS: Final = {"tfmatrix.project": "tfmatrix", "tfmatrix.base": "bootstrapped"}
ROOT_IMAGE: Final = "tfmatrix/debian-root:bookworm"
LIBRARIES: Final = (
    "ca-certificates", "libbz2-1.0", "libexpat1", "libffi8", "libgomp1", "liblzma5", "libncursesw6", "libreadline8",
    "libsqlite3-0", "libssl3", "libstdc++6", "libuuid1", "netbase", "tzdata", "zlib1g",
)  # fmt: skip
REGISTRY_SECONDS: Final = 90
_FAULTS: Final = (docker.errors.DockerException, requests.exceptions.RequestException)


def ensure_bases(environments: Sequence[Environment], say: Say) -> dict[str, str]:
    """Have a base image for every Python that the environments need.

    Returns:
        The environments that cannot be had here, by id, each with the reason.
    """
    client = connect()
    unavailable: dict[str, str] = {}
    registry = True  # until it has not answered once
    for python in sorted({one.python for one in environments}, key=lambda text: int(text.split(".")[1])):
        name = base_image(python)
        if image_exists(client, name):
            say(f"base: {name} is here")
            continue
        registry = registry and _pull(client, name, say)
        reason = None if registry else _make(client, python, say)
        if reason is not None:
            say(f"base: {name} cannot be had: {reason}")
            unavailable |= {one.id: reason for one in environments if one.python == python}
    return unavailable


def ensure_base(python: str, say: Say) -> None:
    """Have the base image of one Python.

    Raises:
        BuildError: No registry answers, and it cannot be made here.
    """
    client, name = connect(), base_image(python)
    if image_exists(client, name) or _pull(client, name, say):
        return
    if (reason := _make(client, python, say)) is not None:
        raise BuildError(
            f"{name} cannot be had: {reason}.", next_step=f"Install CPython {python}, or let a registry answer."
        )


def interpreter(python: str) -> Path | None:
    """Return a CPython of this host, as uv finds it; behind pyenv every version has to be named to be seen."""
    environment = dict(os.environ)
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False)
        environment["PYENV_VERSION"] = ":".join(listed.stdout.split())
    words = [str(uv_binary()), "python", "find", "--no-project", "--system", "--no-python-downloads", python]
    found = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if found.returncode != 0:
        return None
    asked = [found.stdout.strip(), "-I", "-c", "import sys; print(sys.base_prefix)"]
    prefix = subprocess.run(asked, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    return Path(prefix.stdout.strip()) if prefix.returncode == 0 else None


def _pull(client: docker.DockerClient, name: str, say: Say) -> bool:
    say(f"base: asking the registry for {name}")
    try:
        client.api.timeout = REGISTRY_SECONDS
        client.images.pull(name)
    except _FAULTS:
        say("base: no registry answers; base images are made here")
        return False
    finally:
        client.api.timeout = 300
    return True


def _make(client: docker.DockerClient, python: str, say: Say) -> str | None:
    """Make one base image; return why it cannot be made."""
    prefix = interpreter(python)
    if prefix is None:
        return f"CPython {python} is neither in a registry that answers nor on this machine"
    if prefix == Path("/usr"):
        return f"the only CPython {python} here is the system's own, which cannot be copied"
    try:
        if not image_exists(client, ROOT_IMAGE):
            _make_root(client, say)
        _make_python(python, prefix, say)
    except BuildError as error:
        return f"{error.message} {error.next_step}"
    return None


def _make_root(client: docker.DockerClient, say: Say) -> None:
    if shutil.which("mmdebstrap") is None:
        install(["mmdebstrap"], say)
    say("base: making a Debian root")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "root.tar"
        call(
            ["mmdebstrap", "--variant=minbase", f"--include={','.join(LIBRARIES)}",
             "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
             "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", str(archive), mirror()],
            log=Settings().home / "logs" / "build" / "debian-root.log",
        )  # fmt: skip
        changes = [f'LABEL {key}="{value}"' for key, value in LABELS.items()]
        repository, _, tag = ROOT_IMAGE.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag, changes=changes)


def _make_python(python: str, prefix: Path, say: Say) -> None:
    say(f"base: making {base_image(python)} of {prefix}")
    labels = [word for key, value in LABELS.items() for word in ("--label", f"{key}={value}")]
    library = f"/python/lib/python{python}"
    # What the host has installed into its Python is not part of Python: site-packages keeps pip only.
    recipe = (
        f"FROM {ROOT_IMAGE} AS stage\nCOPY --from=python / /python/\n"
        f"RUN rm -rf /python/share /python/lib/*.a {library}/config-*/*.a {library}/test {library}/site-packages/[!p]*"
        f" {library}/site-packages/p[!i]* && ln -sf python{python} /python/bin/python"
        f" && ln -sf python{python} /python/bin/python3\n"
        f"FROM {ROOT_IMAGE}\nCOPY --from=stage /python/ /usr/local/\n"
        "RUN ldconfig && python3 -c 'import ssl, sqlite3, ctypes, lzma, bz2'\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(
            recipe, encoding="utf-8"
        )  # on stdin, buildx would leave a copy in /tmp
        words = ["docker", "buildx", "build", "--load", "--progress=plain", "--build-context", f"python={prefix}"]
        words += [*labels, "-t", base_image(python), folder]
        call(words, log=Settings().home / "logs" / "build" / f"python{python}.log")
