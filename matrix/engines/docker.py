"""Runs probes in Docker containers: the only file that knows how a container is started and spoken to."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests.exceptions
from docker.types import Ulimit

from matrix.config import ROOT
from matrix.engines import Allowance, ChannelLostError, ChannelTimeoutError
from matrix.engines.frames import FramedChannel
from matrix.errors import EngineError
from matrix.model import Environment

PROBE = ROOT / "images" / "probe"
PROJECT_LABEL = "tfmatrix.project"
NOISE_LIMIT = 32 << 10
STDOUT = 1
REMOVAL_SECONDS = 30
INSPECTOR_MEMORY = 1536 << 20
INSPECTOR_TEMPORARY = 320 << 20
_MULTIPLEX = struct.Struct(">BxxxL")
_FAULTS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


class DockerEngine:
    """An engine that speaks to a Docker daemon through its SDK. ``probe`` is a folder that the daemon sees.

    ``inspector`` is the name of the image that looks into uploads.
    """

    def __init__(self, client: docker.DockerClient, probe: Path = PROBE, inspector: str = "") -> None:
        self._client = client
        self._probe = probe
        self._inspector = inspector

    isolates = True

    def name(self) -> str:
        """Return the daemon's version."""
        try:
            return f"Docker {self._client.version()['Version']}"
        except _FAULTS as error:
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
        except _FAULTS as error:
            raise engine_died(error) from error

    def reap(self, label: str) -> int:
        """Remove containers with this label; only ever those that carry the project's label too."""
        filters = {"label": [f"{PROJECT_LABEL}=tfmatrix", label]}
        try:
            found = self._client.containers.list(all=True, filters=filters, ignore_removed=True)
            for container in found:
                _remove(container)
        except _FAULTS as error:
            raise engine_died(error) from error
        return len(found)

    def run(
        self, environment: Environment, command: list[str], folders: Mapping[Path, str], processor: int | None
    ) -> None:
        """Run one command to its end in an environment, with folders mounted read-only."""
        volumes = {str(path): {"bind": bind, "mode": "ro"} for path, bind in folders.items()}
        options = hardened(self._probe, Allowance(memory=3 << 30, temporary=64 << 20, processor=processor))
        options |= {"command": command, "stdin_open": False, "auto_remove": False, "volumes": volumes}
        try:
            container = self._client.containers.create(environment.image, **options, labels={PROJECT_LABEL: "tfmatrix"})
            try:
                container.start()
                code = container.wait()["StatusCode"]
            finally:
                _remove(container)
        except _FAULTS as error:
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
            self._client.images.get(self._inspector or "tfmatrix/inspect")
        except docker.errors.ImageNotFound as error:
            raise EngineError(
                "The image that looks into uploads is not built.", next_step="`tfmatrix setup` builds it."
            ) from error
        except _FAULTS as error:
            raise engine_died(error) from error
        with self._started(self._inspector, inspecting(inbox), labels) as channel:
            yield channel

    @contextlib.contextmanager
    def _started(self, image: str, options: dict[str, Any], labels: Mapping[str, str]) -> Iterator[DockerChannel]:
        try:
            container = self._client.containers.create(image, **options, labels={PROJECT_LABEL: "tfmatrix", **labels})
        except _FAULTS as error:
            raise engine_died(error) from error
        try:
            with contextlib.closing(_attach(container)) as channel:
                yield channel
        finally:
            _remove(container)


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
        "ulimits": [Ulimit(name="nofile", soft=512, hard=512), Ulimit(name="core", soft=0, hard=0)],
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
        "command": ["python3", "-m", "images.inspect"],
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
        "ulimits": [Ulimit(name="nofile", soft=256, hard=256), Ulimit(name="core", soft=0, hard=0)],
        "tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={INSPECTOR_TEMPORARY},nr_inodes=1k,mode=1777"},  # noqa: S108
        "volumes": {str(inbox): {"bind": "/in", "mode": "ro"}},
        "log_config": {"type": "none"},
        "environment": {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"},  # noqa: S108
    }


def engine_died(error: Exception) -> EngineError:
    """Return the error for an engine that no longer answers, or refuses."""
    return EngineError(
        f"The container engine did not do what it was asked: {error}",
        next_step="`tfmatrix doctor` checks the engine; then `tfmatrix run --resume` goes on where this stopped.",
    )


class DockerChannel(FramedChannel):
    """A container's standard streams, with Docker's multiplexing taken off."""

    def __init__(self, container: Any, attached: Any) -> None:  # noqa: ANN401  the SDK has no types
        self._container = container
        self._attached = attached
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        super().__init__()
        self._raw = bytearray()
        self.noise = b""

    def send(self, line: bytes) -> None:
        """Write one job line."""
        try:
            self._socket.settimeout(60)
            self._socket.sendall(line)
        except OSError as error:
            raise self._lost() from error

    def close(self) -> None:
        """Let go of the connection."""
        _close(self._attached)

    def abort(self) -> None:
        """Close the connection and kill the container."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(*_FAULTS):
            self._container.kill()

    def _read(self, seconds: float) -> None:
        try:
            self._socket.settimeout(seconds)
            data = self._socket.recv(1 << 20)
        except TimeoutError as error:
            raise ChannelTimeoutError from error
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        self._raw += data
        self._demultiplex()

    def _demultiplex(self) -> None:
        """Docker prefixes every chunk with its stream and its length."""
        while len(self._raw) >= _MULTIPLEX.size:
            stream, size = _MULTIPLEX.unpack_from(self._raw)
            if len(self._raw) < _MULTIPLEX.size + size:
                return
            chunk = bytes(self._raw[_MULTIPLEX.size : _MULTIPLEX.size + size])
            del self._raw[: _MULTIPLEX.size + size]
            if stream == STDOUT:
                self._frames += chunk
            else:
                self.noise = (self.noise + chunk)[-NOISE_LIMIT:]

    def _lost(self) -> ChannelLostError:
        return ChannelLostError(self.noise.decode("utf-8", "replace")[-4000:].strip() or "it said nothing")


def _attach(container: Any) -> DockerChannel:  # noqa: ANN401
    """Attach before the start, so that not a byte is missed."""
    try:
        attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    except _FAULTS as error:
        raise engine_died(error) from error
    try:
        container.start()
    except _FAULTS as error:
        _close(attached)
        raise engine_died(error) from error
    return DockerChannel(container, attached)


def _close(attached: Any) -> None:  # noqa: ANN401
    """Close a connection that the SDK handed over, with the response and the socket that it keeps behind it."""
    for one in (getattr(attached, "_response", None), attached, getattr(attached, "_sock", None)):
        if one is not None:
            with contextlib.suppress(OSError, ValueError):
                one.close()


def _remove(container: Any) -> None:  # noqa: ANN401
    """Remove a container and see it gone; it may be on its way out already, by itself.

    One that outlives this is reaped by its label when the next run begins.
    """
    with contextlib.suppress(*_FAULTS):
        try:
            container.remove(force=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError:
            container.wait(condition="removed", timeout=REMOVAL_SECONDS)
