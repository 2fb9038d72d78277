"""Looks at everything this project needs of a machine, and names the fix for each thing that is wrong."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import docker
import docker.errors
import requests.exceptions

from images.bootstrap.bases import interpreter
from images.bootstrap.engine import buildx_version, connect, image_exists, why_none
from images.bootstrap.runtimes import ARGUMENTS, RUNSC, Canary, canary, runtimes
from images.bootstrap.upgrades import known_escapes
from matrix.catalog import base_image, load_environments
from matrix.config import Settings
from matrix.engines import venv
from matrix.errors import EngineError
from matrix.model import Environment

GIB: Final = 1 << 30
DISK_NEEDED: Final = 40 * GIB
MEMORY_NEEDED: Final = 6 * GIB
REGISTRY_SECONDS: Final = 8
_FAULTS: Final = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at. ``fix`` is empty where nothing is wrong."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    fix: str = ""


def examine() -> tuple[Check, ...]:
    """Look at everything; what cannot be looked at is a finding too."""
    everything = load_environments()
    environments = tuple(one for one in everything if one.base is None)
    checks = [_platform(environments), _memory(), _disk()]
    try:
        client = connect()
    except EngineError as error:
        return (*checks, *_without_engine(error.message, environments))
    if Settings().engine == "venv":
        return (*checks, _chosen_venv("TFMATRIX_ENGINE is venv"), *_without_containers(environments))
    registry = _registry(client)
    return (
        *checks,
        _engine(client),
        _runc(client),
        _runtime(client, everything),
        _buildx(),
        registry,
        *_interpreters(environments, registry=registry.status == "ok"),
        _images(client, everything),
        _mounts(client),
    )


def _without_engine(message: str, environments: tuple[Environment, ...]) -> Iterator[Check]:
    """What there is to say where no container engine answers: whether one can be had, and what is used else."""
    setting, reason = Settings().engine, why_none()
    if setting == "docker" or (setting == "auto" and (reason is None or "DOCKER_HOST" in os.environ)):
        yield Check(name="engine", status="fail", found=message, fix="`tfmatrix setup` starts or installs one")
        yield _buildx()
        yield from _interpreters(environments, registry=False)
        return
    yield _chosen_venv("TFMATRIX_ENGINE is venv" if setting == "venv" else f"{message} {reason}")
    yield from _without_containers(environments)


def _chosen_venv(why: str) -> Check:
    fix = "have a container engine before strangers' models are loaded; our own recipes are safe"
    return Check(name="engine", status="warn", found=f"uv environments, which isolate nothing: {why}", fix=fix)


def _without_containers(environments: tuple[Environment, ...]) -> Iterator[Check]:
    yield from _interpreters(environments, registry=False)
    home = Settings().home
    missing = [one.id for one in environments if not venv.python(home, one).exists()]
    found = f"{len(environments) - len(missing)} of {len(environments)} are made"
    fix = f"`tfmatrix setup` makes {', '.join(missing)}" if missing else ""
    yield Check(name="uv environments", status="warn" if missing else "ok", found=found, fix=fix)


def _platform(environments: tuple[Environment, ...]) -> Check:
    machine = platform.machine()
    if machine in {"x86_64", "AMD64"}:
        return Check(name="platform", status="ok", found=machine)
    old = [one.id for one in environments if one.minor < (2, 10)]
    if machine in {"aarch64", "arm64"}:
        return Check(
            name="platform",
            status="fail",
            found=f"{machine}: TensorFlow has no arm64 Linux wheel before 2.10 ({old[0]} to {old[-1]})",
            fix="use an x86-64 machine; the locks are of x86-64 wheels",
        )
    return Check(name="platform", status="fail", found=machine, fix="use an x86-64 Linux machine")


def _memory() -> Check:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    settings = Settings()
    found = f"{total / GIB:.1f} GiB; {settings.lanes_in_memory} containers side by side"
    if total < MEMORY_NEEDED or settings.lanes_in_memory < min(settings.lanes, 2):
        fix = (
            f"containers share half of the memory, {settings.container_memory / GIB:.0f} GiB each: "
            "free or add some, or set TFMATRIX_MEMORY"
        )
        return Check(name="memory", status="warn", found=found, fix=fix)
    return Check(name="memory", status="ok", found=found)


def _disk() -> Check:
    free = shutil.disk_usage("/var/lib/docker" if os.path.isdir("/var/lib/docker") else "/").free  # noqa: PTH112
    found = f"{free / GIB:.0f} GiB free for images"
    if free < DISK_NEEDED:
        fix = "all 18 images and their build cache want 40 GiB; `tfmatrix images prune`, `docker builder prune`"
        return Check(name="disk", status="warn" if free > DISK_NEEDED // 4 else "fail", found=found, fix=fix)
    return Check(name="disk", status="ok", found=found)


def _engine(client: docker.DockerClient) -> Check:
    version = client.version()
    found = f"{version['Version']} (API {version['ApiVersion']}), cgroup v{client.info().get('CgroupVersion', '?')}"
    return Check(name="engine", status="ok", found=found)


def _runc(client: docker.DockerClient) -> Check:
    components: list[dict[str, Any]] = client.version().get("Components") or []
    found: dict[str, Any] = next((one for one in components if one["Name"] == "runc"), {})
    commit = str((found.get("Details") or {}).get("GitCommit", ""))  # Debian has its own version here, whole
    short = str(found.get("Version", "unknown"))
    version = commit if commit.startswith(short) else short
    runtime = Settings().runtime
    return runc_check(version, runtime if runtime in runtimes(client) else "")


def runc_check(version: str, runtime: str) -> Check:
    """Judge a version of runc: known ways out matter where it is what starts sandboxes."""
    escapes = known_escapes(version)
    if not escapes:
        return Check(name="runc", status="ok", found=version)
    if runtime not in {"", "runc"}:
        return Check(name="runc", status="ok", found=f"{version}, which starts no sandbox: {runtime} does")
    fix = (
        "before strangers' models are loaded: `tfmatrix setup` upgrades it where Debian has a newer one; else set "
        "TFMATRIX_RUNTIME=runsc and run `tfmatrix setup`, or install a runc of 1.2.8, 1.3.3 or newer. Our own recipes are safe"
    )
    return Check(name="runc", status="warn", found=f"{version}: open to {', '.join(escapes)}", fix=fix)


def _runtime(client: docker.DockerClient, everything: tuple[Environment, ...]) -> Check:
    """Prove with a canary that what starts sandboxes starts one; a runtime that hangs is told, not waited for."""
    runtime, known = Settings().runtime, runtimes(client)
    if runtime and runtime not in known:
        fix = (
            "`tfmatrix setup` registers runsc on Debian"
            if runtime == RUNSC
            else "register it in the engine's daemon.json"
        )
        found = f"{runtime}: the engine does not know it, only {', '.join(sorted(known))}"
        return Check(name="runtime", status="fail", found=found, fix=fix)
    names = [*(base_image(one.python) for one in everything), *(one.image for one in everything)]
    image = next((name for name in names if image_exists(client, name)), None)
    if image is None:
        fix = "`tfmatrix setup` has images; then ask again"
        return Check(name="runtime", status="warn", found="cannot be tried: no image is here", fix=fix)
    arguments = [str(word) for word in (known.get(runtime) or {}).get("runtimeArgs") or ()]
    return runtime_check(runtime or "the engine's own", arguments, canary(client, image, runtime))


def runtime_check(name: str, arguments: Sequence[str], said: Canary) -> Check:
    """Judge what a canary said under a runtime that is registered with some arguments."""
    if said.fault:
        fix = "see the engine's log; unset TFMATRIX_RUNTIME to use the engine's own"
        if "--platform=kvm" in arguments:
            fix = "its KVM platform hangs on nested machines: put --platform=systrap into runtimeArgs in daemon.json"
        elif name == RUNSC:
            fix = f"runtimeArgs in daemon.json have to be {' '.join(ARGUMENTS)}; or unset TFMATRIX_RUNTIME"
        return Check(name="runtime", status="fail", found=f"{name}: {said.fault}", fix=fix)
    if not said.bounded:
        fix = "take --ignore-cgroups out of its runtimeArgs in daemon.json: with it a model may take all memory"
        found = f"{name}: says its word, and does not bound memory"
        return Check(name="runtime", status="fail", found=found, fix=fix)
    return Check(name="runtime", status="ok", found=f"{name}: a container says its word in {said.seconds:.1f} s")


def _buildx() -> Check:
    version = buildx_version()
    if version is None:
        fix = (
            "`tfmatrix setup` installs it on Debian and Ubuntu; elsewhere install docker-buildx (docker-buildx-plugin)"
        )
        return Check(name="buildx", status="fail", found="docker buildx does not answer", fix=fix)
    return Check(name="buildx", status="ok", found=version)


def _registry(client: docker.DockerClient) -> Check:
    """A registry is a help, not a need: bases are made here where none answers."""
    started, usual = time.monotonic(), client.api.timeout
    try:
        client.api.timeout = REGISTRY_SECONDS
        client.images.get_registry_data(base_image("3.13"))
    except _FAULTS:
        return Check(name="registry", status="warn", found="none answers: base images are made on this machine")
    finally:
        client.api.timeout = usual
    return Check(name="registry", status="ok", found=f"answers in {time.monotonic() - started:.1f} s")


def _interpreters(environments: tuple[Environment, ...], *, registry: bool) -> Iterator[Check]:
    if registry:
        return
    for python in dict.fromkeys(one.python for one in environments):
        prefix = interpreter(python)
        rows = [one.id for one in environments if one.python == python]
        if prefix is None:
            fix = f"install CPython {python} (pyenv install {python}), or let a registry answer"
            yield Check(
                name=f"CPython {python}", status="warn", found=f"not here; needed by {', '.join(rows)}", fix=fix
            )
        else:
            yield Check(name=f"CPython {python}", status="ok", found=str(prefix))


def _images(client: docker.DockerClient, environments: tuple[Environment, ...]) -> Check:
    there = {tag for image in client.images.list(filters={"label": "tfmatrix.project=tfmatrix"}) for tag in image.tags}
    own = [one for one in environments if one.base is None]
    overlays = [one for one in environments if one.base is not None]
    missing = [one.id for one in own if one.image not in there]
    found = f"{len(own) - len(missing)} of {len(own)} are built"
    if overlays:  # nobody who does not ask for them needs them
        found += f", and {sum(one.image in there for one in overlays)} of {len(overlays)} overlays"
    if missing:
        fix = f"`tfmatrix images build` builds {', '.join(missing)}"
        return Check(name="images", status="warn", found=found, fix=fix)
    return Check(name="images", status="ok", found=found)


def _mounts(client: docker.DockerClient) -> Check:
    """Artifacts reach a container by a bind mount: the engine has to see this machine's files."""
    address = str(client.api.base_url)
    if address.startswith("http+docker") or "localhost" in address or "127.0.0.1" in address:
        return Check(name="mounts", status="ok", found="the engine is on this machine")
    fix = "run tfmatrix on the machine where the engine is: artifacts are handed over through bind mounts"
    return Check(name="mounts", status="fail", found=f"the engine is elsewhere: {address}", fix=fix)
