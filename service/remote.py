"""Uploads at another tfmatrix: handed in and followed over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from matrix.errors import EngineError, UsageError
from matrix.uploads.model import Options, Part

TIMEOUT: Final = httpx.Timeout(30.0, write=300.0)
PATIENCE_SECONDS: Final = 120.0


@contextmanager
def handed_in_at(server: str, token: str, files: Mapping[Part, Path], options: Options) -> Iterator[_There]:
    """Hand files in at a server, and give what follows them.

    Raises:
        EngineError: It does not answer.
        UsageError: It does not take them, and says why.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=server.rstrip("/"), headers=headers, timeout=TIMEOUT) as client, ExitStack() as stack:
        fields = {
            "environments": ",".join(options.environments),
            "overlays": "yes" if options.overlays else "no",
            "save_again": "yes" if options.save_again else "no",
        }
        opened = {part.value: (path.name, stack.enter_context(path.open("rb"))) for part, path in files.items()}
        answer = _asked(client, "POST", "/api/uploads", data=fields, files=opened)
        yield _There(client, str(answer["json_address"]))


class _There:
    """An upload at a server."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self._client = client
        self._address = address
        self._heard_at = time.monotonic()

    def look(self) -> dict[str, Any] | None:
        """Read what is known; a server that is away for a moment is waited for."""
        try:
            document = _asked(self._client, "GET", self._address)
        except EngineError:
            if time.monotonic() - self._heard_at > PATIENCE_SECONDS:
                raise
            return None
        self._heard_at = time.monotonic()
        return document


def _asked(client: httpx.Client, method: str, address: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401
    try:
        answer = client.request(method, address, **content)
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise EngineError(
            f"{client.base_url} does not answer as a tfmatrix does ({type(error).__name__}: {error}).",
            next_step="Check the address; `tfmatrix check FILE` without --server asks this machine.",
        ) from error
    if answer.is_error:
        said = found.get("error", {}) if isinstance(found, dict) else {}
        kind = EngineError if answer.is_server_error else UsageError
        message = f"{client.base_url} says: {said.get('message') or answer.reason_phrase}"
        raise kind(message, next_step=str(said.get("next_step") or "Ask whoever runs it."))
    return dict(found)
