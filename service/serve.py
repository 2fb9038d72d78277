"""``tfmatrix serve``: the site on this machine, in one command. The web process is this one, the runner its child."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from matrix.config import Settings
from matrix.errors import BusyError, UsageError
from service import logs
from service.keeping import Kept
from service.uploads.policy import is_loopback, policy_of

RUNNER: Final = (sys.executable, "-m", "service", "runner", "--attached")
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
log = logs.logger("runner")


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of TFMATRIX_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, in place of TFMATRIX_PORT.")] = None,
    published: Annotated[
        str | None,
        typer.Option(help="Address at which a container is reached, in place of the one it listens on.", hidden=True),
    ] = None,
    no_runner: Annotated[bool, typer.Option("--no-runner", help="Only show; nothing takes up requests.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the start page in a browser.")] = False,
) -> None:
    """Serve the site, and run what is asked for, until Ctrl-C."""
    from service.server import Server  # noqa: PLC0415  (a second that no other command needs)

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = Settings().model_copy(update=given)
    logs.configure(settings)
    with ExitStack() as stack:
        listening = stack.enter_context(listen(settings.host, settings.port))
        address = address_of(listening)
        policy = policy_of(settings, published or listening.getsockname()[0])
        if not is_loopback(listening.getsockname()[0]):
            err.print(f"[bold yellow]{escape(exposed(settings.host))}[/]", soft_wrap=True)

        def started() -> None:
            out.print(address, soft_wrap=True)
            if not no_runner:
                stack.enter_context(Kept("runner", RUNNER, _environment(settings), _teller(settings)))
            if open_:
                webbrowser.open(address)

        Server(settings, policy, started).run([listening])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises:
        BusyError: The port is taken.
        UsageError: There is no such address here, or it is not ours to take.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise _no_address(host, error) from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(place)
        bound.listen()
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise BusyError(
                f"Port {port} of {host} is taken by another program, perhaps another `tfmatrix serve`.",
                next_step="End that one, or take another port: `tfmatrix serve --port 0` takes any that is free.",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM}:
            raise UsageError(
                f"Port {port} is not this user's to take ({error.strerror}).", next_step="Take one above 1023."
            ) from error
        raise _no_address(host, error) from error
    return bound


def address_of(listening: socket.socket) -> str:
    """Return the address of the start page, for a browser on this machine."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def exposed(host: str) -> str:
    """Return what a person has to know who lets others in."""
    return f"Listening on {host}: whoever reaches this machine reads all results. There is no login; put a proxy before it."


def _no_address(host: str, error: Exception) -> UsageError:
    return UsageError(
        f"{host!r} is not an address of this machine ({getattr(error, 'strerror', None) or error}).",
        next_step="Take 127.0.0.1 for this machine alone, 0.0.0.0 for every network it is in.",
    )


def _environment(settings: Settings) -> dict[str, str]:
    """The runner writes its log as we do, though a pipe is no terminal."""
    return {**os.environ, "TFMATRIX_LOG_FORMAT": "text" if logs.is_text(settings) else "json"}


def _teller(settings: Settings) -> Callable[[str], None]:
    """Return what passes the runner's lines on: marked, or as lines of the same log."""

    def mark(line: str) -> None:
        sys.stderr.write(f"runner | {line}\n")

    def pass_on(line: str) -> None:
        try:
            is_ours = isinstance(json.loads(line), dict)
        except ValueError:
            is_ours = False
        if is_ours:
            sys.stderr.write(f"{line}\n")
        elif line.strip():
            log.info(line)

    return mark if logs.is_text(settings) else pass_on
