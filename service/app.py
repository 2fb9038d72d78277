"""The web application: pages, what a program asks, and what stands around every request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from anyio import to_thread
from fastapi import FastAPI

from matrix.config import Settings
from service import errors, health, logs, openapi
from service.documented import ERRORS
from service.figures import Figures
from service.middleware import layers
from service.pages import ROUTERS
from service.state import Service
from service.uploads.policy import Policy, policy_of

THREADS: Final = 6
DESCRIPTION: Final = (
    "Which TensorFlow versions load a model that another one saved, and whether it still gives the same answer. "
    "Each page has a twin for programs at its own address with `.json` behind it, made from the same data; "
    "`/matrix.csv` and `/matrix.json` are the rows behind the home page."
)


def create_app(settings: Settings, policy: Policy | None = None) -> FastAPI:
    """Return an app of its own. It starts whatever state the database is in, and says on each page what that is.

    ``policy`` says who may upload; by itself it follows from the address in the settings.

    Raises:
        UsageError: Everybody could upload, and nobody said so.
    """
    logs.without_values()
    service = Service(settings, policy or policy_of(settings, settings.host))
    app = FastAPI(
        title="tfmatrix",
        version=version("tfmatrix"),
        description=DESCRIPTION,
        openapi_url=None,  # ours says more
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.service = service
    service.metrics.add(Figures(service))
    app.include_router(health.router)
    for router in ROUTERS:
        app.include_router(router, responses=ERRORS)
    openapi.install(app)
    errors.install(app)
    for kind, options in reversed(layers(service.metrics.observe)):
        app.add_middleware(kind, **options)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Pages are made by processors, not by waiting: more threads than these only take memory.
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    app.state.service.close()
