"""Runs probes in Docker containers: how one is started and what it may do; docker_channel.py speaks to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.types import Ulimit

from matrix.config import ROOT
from matrix.engines import Allowance
from matrix.engines.docker_channel import FAULTS, DockerChannel, attach, engine_died
from matrix.errors import EngineError
from matrix.model import Environment

PROBE = ROOT / "images" / "probe"
PROJECT_LABEL = "tfmatrix.project"
REMOVAL_SECONDS = 30
NO_CORE = Ulimit(name="core", soft=0, hard=0)
NO_QUEUES = Ulimit(name="msgqueue", soft=0, hard=0)
INSPECTOR_MEMORY = 1536 << 20
INSPECTOR_TEMPORARY = 320 << 20


class DockerEngine:
    """An engine that speaks to a Docker daemon through its SDK. ``probe`` is a folder that the daemon sees.

    ``inspector`` is the name of the image that looks into uploads, ``runtime`` what starts every sandbox: the engine's own
    where it is empty, else one that the daemon knows by this name.
    """

    def __init__(
        self, client: docker.DockerClient, probe: Path = PROBE, inspector: str = "", runtime: str = ""
    ) -> None:
        self._client = client
        self._probe = probe
        self._inspector = inspector
        self._runtime = {"runtime": runtime} if runtime else {}

    isolates = True

    def name(self) -> str:
        """Return the daemon's version."""
        try:
            return f"Docker {self._client.version()['Version']}"
        except FAULTS as error:
            raise engine_died(error) from error

    def missing(self, environments: tuple[Environment, ...]) -> dict[str, str]:
        """Return the environments whose image is not there."""
        return {one.id: "its image is not built" for one in environments if self.image_id(one) is None}

    def image_id(self, environment: Environment) -> str | None:
        """Return the image's id, or nothing when it is not built."""
        try:
            return str(self._client.images.get(environment.image).id)
        except docker.errors.ImageNotFound:
            return None
        except FAULTS as error:
            raise engine_died(error) from error

    def reap(self, label: str) -> int:
        """Remove containers with this label; only ever those that carry the project's label too."""
        filters = {"label": [f"{PROJECT_LABEL}=tfmatrix", label]}
        try:
            found = self._client.containers.list(all=True, filters=filters, ignore_removed=True)
            for container in found:
                _remove(container)
        except FAULTS as error:
            raise engine_died(error) from error
        return len(found)

    def memory(self, label: str) -> int:
        """Return how many bytes containers with this label take together just now, less what is only cached of files."""
        filters = {"label": [f"{PROJECT_LABEL}=tfmatrix", label]}
        taken = 0
        try:
            for one in self._client.api.containers(filters=filters):
                with contextlib.suppress(docker.errors.APIError):  # it is gone meanwhile
                    taken += taken_by(self._client.api.stats(one["Id"], stream=False, one_shot=True))
        except FAULTS as error:
            raise engine_died(error) from error
        return taken

    def run(
        self, environment: Environment, command: list[str], folders: Mapping[Path, str], processor: int | None
    ) -> None:
        """Run one command to its end in an environment, with folders mounted read-only."""
        volumes = {str(path): {"bind": bind, "mode": "ro"} for path, bind in folders.items()}
        options = hardened(self._probe, Allowance(memory=3 << 30, temporary=64 << 20, processor=processor))
        options |= {"command": command, "stdin_open": False, "auto_remove": False, "volumes": volumes}
        try:
            container = self._create(environment.image, options, {})
            try:
                container.start()
                code = container.wait()["StatusCode"]
            finally:
                _remove(container)
        except FAULTS as error:
            raise engine_died(error) from error
        if code != 0:
            raise EngineError(
                f"{command} ended with exit code {code} in {environment.id}.", next_step="Run it by hand."
            )

    @contextlib.contextmanager
    def start(
        self, environment: Environment, inbox: Path, allowance: Allowance, labels: Mapping[str, str]
    ) -> Iterator[DockerChannel]:
        """Start a hardened container with the zygote inside; remove it whatever happens."""
        with self._started(environment.image, hardened(inbox, allowance, self._probe), labels) as channel:
            yield channel

    @contextlib.contextmanager
    def start_inspector(self, inbox: Path, labels: Mapping[str, str]) -> Iterator[DockerChannel]:
        """Start a container without TensorFlow, whose process is nobody and may do nothing; remove it whatever happens."""
        try:
            self._client.images.get(self._inspector or "tfmatrix/inspector")
        except docker.errors.ImageNotFound as error:
            raise EngineError(
                "The image that looks into uploads is not built.", next_step="`tfmatrix setup` builds it."
            ) from error
        except FAULTS as error:
            raise engine_died(error) from error
        with self._started(self._inspector, inspecting(inbox), labels) as channel:
            yield channel

    @contextlib.contextmanager
    def _started(self, image: str, options: dict[str, Any], labels: Mapping[str, str]) -> Iterator[DockerChannel]:
        try:
            container = self._create(image, options, labels)
        except FAULTS as error:
            raise engine_died(error) from error
        try:
            with contextlib.closing(attach(container)) as channel:
                yield channel
        finally:
            _remove(container)

    def _create(self, image: str, options: dict[str, Any], labels: Mapping[str, str]) -> Any:  # noqa: ANN401
        options = {**options, **self._runtime, "labels": {PROJECT_LABEL: "tfmatrix", **labels}}
        return self._client.containers.create(image, **options)


def taken_by(stats: Mapping[str, Any]) -> int:
    """Return what a container's control group counts as memory, less inactive files: as `docker stats` shows it."""
    memory = stats.get("memory_stats", {})
    detail = memory.get("stats", {})
    first, second = "total_inactive_file", "inactive_file"  # as the two versions of control groups call it
    return max(0, int(memory.get("usage", 0)) - int(detail.get(first, detail.get(second, 0))))


def hardened(inbox: Path, allowance: Allowance, probe: Path = PROBE) -> dict[str, Any]:
    """Return the options of a container that runs what it does not trust; docs/method.md gives the reasons."""
    pinned = {} if allowance.processor is None else {"cpuset_cpus": str(allowance.processor)}
    return pinned | {
        "command": ["python", "-u", "/probe/zygote.py"],
        "stdin_open": True,
        "init": True,
        "hostname": "sandbox",  # TensorFlow puts it into messages, which would then differ from run to run
        "auto_remove": True,
        "user": "0:0",
        "network_mode": "none",
        "read_only": True,
        "ipc_mode": "none",
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": 128,
        "mem_limit": allowance.memory,
        "memswap_limit": allowance.memory,
        "ulimits": [Ulimit(name="nofile", soft=512, hard=512), NO_CORE, NO_QUEUES],
        "tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={allowance.temporary},nr_inodes=50k,mode=1777"},  # noqa: S108
        "volumes": {
            str(probe): {"bind": "/probe", "mode": "ro"},
            str(inbox): {"bind": "/in", "mode": "ro"},
        },
        "log_config": {"type": "none"},  # what it says is read from the pipe; nothing may fill the host's disk
        "environment": {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"},  # noqa: S108
    }


def inspecting(inbox: Path) -> dict[str, Any]:
    """Return the options of the container that looks into an upload: nobody in it, who may nothing."""
    return {
        "command": ["python3", "-m", "images.inspector"],
        "stdin_open": True,
        "init": True,
        "auto_remove": True,
        "user": "65534:65534",
        "network_mode": "none",
        "read_only": True,
        "ipc_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": 32,
        "mem_limit": INSPECTOR_MEMORY,
        "memswap_limit": INSPECTOR_MEMORY,
        "ulimits": [Ulimit(name="nofile", soft=256, hard=256), NO_CORE],
        "tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={INSPECTOR_TEMPORARY},nr_inodes=1k,mode=1777"},  # noqa: S108
        "volumes": {str(inbox): {"bind": "/in", "mode": "ro"}},
        "log_config": {"type": "none"},
        "environment": {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"},  # noqa: S108
    }


def _remove(container: Any) -> None:  # noqa: ANN401
    """Remove a container and see it gone; it may be on its way out already, by itself.

    One that outlives this is reaped by its label when the next run begins.
    """
    with contextlib.suppress(*FAULTS):
        try:
            container.remove(force=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError:
            container.wait(condition="removed", timeout=REMOVAL_SECONDS)
