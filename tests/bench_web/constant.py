"""The floor: an app on the same server that returns a constant, as ``uvicorn tests.bench_web.constant:app``."""

from __future__ import annotations

from fastapi import FastAPI, Response

app = FastAPI()
BODY = b"x" * 8_000


@app.get("/")
async def constant() -> Response:
    """Return about as much as a packed page is."""
    return Response(BODY, media_type="text/plain")
