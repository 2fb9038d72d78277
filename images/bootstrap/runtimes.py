"""Container runtimes for sandboxes: registers gVisor's runsc with the engine, and proves any runtime with a canary."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import docker
import docker.errors
import requests.exceptions

from images.bootstrap.commands import Say
from images.bootstrap.engine import connect, install_parts
from matrix.errors import EngineError

RUNSC: Final = "runsc"
ARGUMENTS: Final = ("--platform=systrap", "--network=none")
"""systrap, since the KVM platform hangs on nested machines. No network of the sandbox's own: it is never given one."""
DAEMON_FILE: Final = Path("/etc/docker/daemon.json")
DAEMON_PID: Final = Path("/var/run/docker.pid")
RELOAD_SECONDS: Final = 20
CANARY_SECONDS: Final = 60
REMOVAL_SECONDS: Final = 10
CANARY_MEMORY: Final = 128 << 20
WORD: Final = "alive"
GVISOR: Final = "Sun Jan 10 15:06:54 PST 2016"
"""When gVisor's kernel says that it was built, in each version of it."""
_SAYS: Final = (
    f"print('{WORD}', open('/proc/meminfo').readline().split()[1], '{GVISOR}' in open('/proc/version').read())"
)
_FAULTS: Final = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)
_BY_HAND: Final = (
    f"Install gVisor's {RUNSC}, add it to `runtimes` in the engine's daemon.json with runtimeArgs {json.dumps(ARGUMENTS)}, "
    "reload the engine (SIGHUP), then run the same command again. Or unset TFMATRIX_RUNTIME."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """What a tiny container under a runtime came to: ``fault`` is empty where it said its word in time."""

    seconds: float
    fault: str = ""
    bounded: bool = True


def ensure_runtime(name: str, say: Say) -> None:
    """Have the engine know the runtime that is set; runsc is installed and registered, without a restart of the engine.

    Raises:
        EngineError: It is another one that the engine does not know, or it cannot be had here.
    """
    if not name or name in runtimes(connect()):
        return
    if name != RUNSC:
        raise EngineError(
            f"TFMATRIX_RUNTIME is {name!r}, which the engine does not know.",
            next_step=f"Register it in the engine's daemon.json, or set TFMATRIX_RUNTIME to {RUNSC}, or to nothing.",
        )
    if shutil.which(RUNSC) is None:
        install_parts((RUNSC,), (RUNSC,), say, lacking=f"TFMATRIX_RUNTIME is {RUNSC}, which is not installed")
    _register(Path(str(shutil.which(RUNSC))), say)


def runtimes(client: docker.DockerClient) -> dict[str, Any]:
    """Return what the engine knows: by name, with path and arguments as far as it tells."""
    return dict(client.info().get("Runtimes") or {})


def with_runsc(text: str, path: Path) -> str:
    """Return a daemon's configuration with runsc in it; all else stays as it is.

    Raises:
        EngineError: It is not a JSON object.
    """
    try:
        known = json.loads(text or "{}")
        known.setdefault("runtimes", {})[RUNSC] = {"path": str(path), "runtimeArgs": list(ARGUMENTS)}
    except (ValueError, AttributeError, TypeError) as error:
        raise EngineError(f"{DAEMON_FILE} is not what an engine reads: {error}", next_step=_BY_HAND) from error
    return json.dumps(known, indent=2) + "\n"


def _register(path: Path, say: Say) -> None:
    """Write runsc into the daemon's file and have it read again, which ends no container; undone if that does not help."""
    pid = _daemon()
    before = DAEMON_FILE.read_text(encoding="utf-8") if DAEMON_FILE.exists() else None
    say(f"runtime: {RUNSC} is added to {DAEMON_FILE}; the engine reads it again")
    _write(with_runsc(before or "", path))
    os.kill(pid, signal.SIGHUP)
    deadline = time.monotonic() + RELOAD_SECONDS
    while RUNSC not in runtimes(connect()):
        if time.monotonic() > deadline:
            _write(before)
            raise EngineError(
                f"The engine did not take {RUNSC} up from {DAEMON_FILE}, which is as before.", next_step=_BY_HAND
            )
        time.sleep(0.2)


def _daemon() -> int:
    """Return the process of this machine's own daemon."""
    pid = 0
    try:
        pid = int(DAEMON_PID.read_text(encoding="ascii"))
        is_daemon = Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "dockerd"
    except (OSError, ValueError):
        is_daemon = False
    if os.geteuid() != 0 or not is_daemon:
        raise EngineError(
            f"{RUNSC} is here, and the engine does not know it; this program may not change its configuration.",
            next_step=_BY_HAND,
        )
    return pid


def _write(text: str | None) -> None:
    if text is None:
        DAEMON_FILE.unlink(missing_ok=True)
        return
    DAEMON_FILE.parent.mkdir(parents=True, exist_ok=True)
    new = DAEMON_FILE.with_suffix(".tfmatrix")
    new.write_text(text, encoding="utf-8")
    if DAEMON_FILE.exists():
        shutil.copymode(DAEMON_FILE, new)
    new.replace(DAEMON_FILE)


def canary(client: docker.DockerClient, image: str, runtime: str, *, seconds: float = CANARY_SECONDS) -> Canary:
    """Run a container that prints a word, under a deadline: a runtime that hangs is told, never waited for."""
    started, usual = time.monotonic(), client.api.timeout
    container: Any = None
    try:
        client.api.timeout = CANARY_SECONDS  # no runtime takes part yet; and what was made is known here
        container = client.containers.create(image, ["python3", "-c", _SAYS], **_options(runtime))
        started, client.api.timeout = time.monotonic(), seconds
        container.start()
        container.wait(timeout=max(1.0, seconds - (time.monotonic() - started)))
        said = container.logs().decode("utf-8", "replace").split()
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
        return Canary(seconds=time.monotonic() - started, fault=f"it said nothing within {seconds:.0f} s")
    except _FAULTS as error:
        return Canary(seconds=time.monotonic() - started, fault=str(error)[-400:])
    finally:
        _remove(client, container)
        client.api.timeout = usual
    took = time.monotonic() - started
    if said[:1] != [WORD]:
        return Canary(seconds=took, fault=f"it did not say its word, but {' '.join(said)[-400:] or 'nothing'}")
    memory, is_gvisor = int(said[1]) << 10, said[2] == "True"
    # gVisor shows what it was given; runc always shows the machine's memory.
    return Canary(seconds=took, bounded=not is_gvisor or memory <= CANARY_MEMORY)


def _options(runtime: str) -> dict[str, Any]:
    return {
        "labels": {"tfmatrix.project": "tfmatrix", "tfmatrix.canary": "runtime"},
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "user": "65534:65534",
        "mem_limit": CANARY_MEMORY,
        "memswap_limit": CANARY_MEMORY,
        "pids_limit": 128,
        **({"runtime": runtime} if runtime else {}),
    }


def _remove(client: docker.DockerClient, container: Any) -> None:  # noqa: ANN401  the SDK has no types
    if container is not None:
        client.api.timeout = REMOVAL_SECONDS
        with contextlib.suppress(*_FAULTS):
            container.remove(force=True)
