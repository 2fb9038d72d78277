"""Forms with files, as they are sent to this machine's own site, whole or by hand in pieces; and what lies at its door then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI

from matrix.store import open_store
from matrix.uploads.door import Door
from tests.site import HERE, Visitor, visiting

API: Final = "/api/uploads"
MODEL: Final = b"PK\x03\x04" + bytes(range(256)) * 40
BOUNDARY: Final = "abc123"


def files(**given: bytes | tuple[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """Files of a form; a name of its own where one is given."""
    return {part: one if isinstance(one, tuple) else (f"{part}.bin", one) for part, one in given.items()}


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A visitor of this machine's own site, where nothing was handed in yet."""
    open_store(tmp_path / "matrix.db").close()
    with visiting(tmp_path, base_url=HERE, upload_bytes=1 << 20) as one:
        yield one


def door(home: Path) -> Door:
    """The door of a home."""
    return Door(home / "uploads" / "door")


def left(home: Path) -> list[str]:
    """All that lies at the door, half or whole."""
    root = home / "uploads" / "door"
    return sorted(one.name for one in root.iterdir()) if root.exists() else []


def body(*parts: tuple[str, str | None, bytes], end: bool = True) -> bytes:
    """A form by hand: names, file names, contents."""
    found = b""
    for name, file, content in parts:
        of_file = f'; filename="{file}"' if file is not None else ""
        found += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'.encode()
            + content
            + b"\r\n"
        )
    return found + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def headers(**others: str) -> dict[str, str]:
    """What goes before a form by hand."""
    return {"host": "127.0.0.1:8321", "content-type": f"multipart/form-data; boundary={BOUNDARY}", **others}


async def asked(app: FastAPI, sent: AsyncIterator[dict[str, Any]], **others: str) -> int:
    """The status of what an app answers to a body that comes in as it does; 0 where it answers nothing."""
    found = 0

    async def receive() -> dict[str, Any]:
        return await anext(sent)

    async def send(message: Any) -> None:
        nonlocal found
        found = message.get("status", found)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": API, "raw_path": API.encode(), "query_string": b"",
        "scheme": "http", "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8321),
        "headers": [(name.encode(), value.encode()) for name, value in headers(**others).items()],
    }  # fmt: skip
    await app(scope, receive, send)
    return found


async def in_pieces(*pieces: bytes, gone: bool = False, wait: float = 0) -> AsyncIterator[dict[str, Any]]:
    """A body as a server hands it on."""
    for piece in pieces:
        yield {"type": "http.request", "body": piece, "more_body": True}
    await asyncio.sleep(wait)
    yield {"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False}
