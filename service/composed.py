"""``tfmatrix up`` and ``tfmatrix down``: web and runner in containers, by docker-compose.yml."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console

from images.bootstrap.commands import Say, call
from images.bootstrap.engine import compose_version, connect, engine_socket, ensure_compose, ensure_engine
from images.bootstrap.runtimes import ensure_runtime
from images.inspector_image import INSPECTOR
from images.service_image import SERVICE
from matrix.config import ROOT, Settings
from matrix.errors import BuildError, BusyError, EngineError, UsageError
from service import stack
from service.options import Json
from service.uploads.policy import policy_of

FILE: Final = ROOT / "docker-compose.yml"
READY_SECONDS: Final = 90
COMPOSE_SECONDS: Final = 300

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What `tfmatrix up` leaves behind. ``lacks`` is why web shows no results yet."""

    address: str
    project: str
    image: str
    runner: str
    lacks: str | None


def up(*, as_json: Json = False) -> None:
    """Start web and runner in containers, with the results there are: what `make up` calls."""
    console = err if as_json else out

    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False)

    standing = _start(Settings(), say)
    if as_json:
        _write({"standing": asdict(standing)})
        return
    say(f"runner: {standing.runner}")
    if standing.lacks:
        say(f"web: shows no results yet. {standing.lacks}")
    say(f"web: {standing.address}")
    say(f"logs: docker compose -p {standing.project} logs -f; `tfmatrix down` takes it down")


def down(*, as_json: Json = False) -> None:
    """Take web and runner down; results stay, and what the runner was at waits again: what `make down` calls."""
    settings = Settings()
    name = stack.project(settings.home.resolve())
    standing = _containers(name)
    if standing:
        if compose_version() is None:
            raise EngineError(
                "`docker compose` does not answer.",
                next_step="Install docker-compose, then run the same command again.",
            )
        _compose(
            settings,
            stack.variables(settings, _engine(), SERVICE.name()),
            "--profile",
            "nightly",
            "down",
            "--remove-orphans",
        )
    if as_json:
        _write({"project": name, "removed": sorted(standing)})
        return
    out.print(f"taken down: {', '.join(sorted(standing))}; results stay" if standing else "nothing was up")


def _start(settings: Settings, say: Say) -> Standing:
    stack.refuse_what_containers_cannot_see(settings)
    policy_of(settings, settings.host)  # web would refuse to start
    ensure_engine(say)
    ensure_runtime(settings.runtime, say)
    ensure_compose(say)
    image = SERVICE.ensure(say)
    INSPECTOR.ensure(say)
    settings.home.mkdir(parents=True, exist_ok=True)
    variables = stack.variables(settings, _engine(), image)
    stack.refuse_what_they_may_not_touch(settings.home, variables["WEB_USER"])
    stack.make_door(settings.home, variables["WEB_USER"])
    name = variables["COMPOSE_PROJECT_NAME"]
    _refuse_a_taken_port(settings, _containers(name).get("web"))
    say(f"compose: starting {name}")
    _compose(settings, variables, "up", "--detach", "--remove-orphans")
    address = _address(settings)
    _wait_for_web(address, name)
    running = _containers(name).get("runner")
    return Standing(
        address=address,
        project=name,
        image=image,
        runner=str(running.status) if running else "gone",
        lacks=_what_it_lacks(address),
    )


def _engine() -> stack.EngineFacts:
    found = engine_socket()
    with contextlib.closing(connect()) as client:
        options = client.info().get("SecurityOptions") or []
    return stack.EngineFacts(
        socket=found, group=found.stat().st_gid, rootless=any("name=rootless" in one for one in options)
    )


def _containers(project: str) -> dict[str, Any]:
    """Return the containers of a project by the name of their service."""
    with contextlib.closing(connect()) as client:
        filters = {"label": f"com.docker.compose.project={project}"}
        found = client.containers.list(all=True, filters=filters, ignore_removed=True)
        return {str(one.labels["com.docker.compose.service"]): one for one in found}


def _refuse_a_taken_port(settings: Settings, web: Any) -> None:  # noqa: ANN401  the SDK has no types
    """Look before anything is started: else the runner would stand alone."""
    published = web.ports.get(f"{stack.WEB_PORT}/tcp") if web is not None and web.status == "running" else None
    if published and published[0]["HostPort"] == str(settings.port):
        return
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host, settings.port))
        except OSError as error:
            kind = BusyError if error.errno == errno.EADDRINUSE else UsageError
            raise kind(
                f"{settings.host}:{settings.port} cannot be had ({error.strerror}).",
                next_step="End what listens there, or set TFMATRIX_PORT to another port.",
            ) from error


def _compose(settings: Settings, variables: Mapping[str, str], *words: str) -> None:
    log = settings.home / "logs" / "compose.log"
    whole = ["docker", "compose", "--progress", "plain", "-f", str(FILE), *words]
    try:
        call(whole, log=log, seconds=COMPOSE_SECONDS, environment=variables)
    except BuildError as error:
        raise EngineError(error.message, next_step=error.next_step) from error


def _address(settings: Settings) -> str:
    everywhere = settings.host in {"0.0.0.0", "::"}  # noqa: S104  asked, not bound
    return f"http://{'127.0.0.1' if everywhere else settings.host}:{settings.port}/"


def _wait_for_web(address: str, project: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while _asked(f"{address}healthz") is None:
        if time.monotonic() > deadline:
            raise EngineError(
                f"Web did not answer at {address} within {READY_SECONDS} s. {_last_words(project)}".strip(),
                next_step=f"docker compose -p {project} logs web; `tfmatrix down` takes it down.",
            )
        time.sleep(0.3)


def _what_it_lacks(address: str) -> str | None:
    """Return what web says of a database that it cannot show."""
    answer = _asked(f"{address}readyz")
    if answer is None:
        return "It does not answer."
    status, body = answer
    if status == 200:  # noqa: PLR2004
        return None
    try:
        error = json.loads(body)["error"]
        return f"{error['message']} {error['next_step']}"
    except (ValueError, LookupError, TypeError):
        return f"It answers with {status}."


def _asked(address: str) -> tuple[int, bytes] | None:
    """Return status and body, or nothing where nobody answers. A proxy of this machine's is none of this."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=5) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except (OSError, ValueError):
        return None


def _last_words(project: str) -> str:
    web = _containers(project).get("web")
    return "" if web is None else f"{web.status}: {web.logs(tail=5).decode(errors='replace').strip()}"


def _write(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"schema": 1, **document}, indent=2) + "\n")
