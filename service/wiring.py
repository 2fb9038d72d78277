"""Puts the parts together for a command: settings, engine, store, selection, and what documents are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from images.bootstrap.engine import connect
from images.inspector_image import INSPECTOR
from matrix import catalog, selection
from matrix.config import Settings
from matrix.engines import Engine
from matrix.engines.docker import PROBE, DockerEngine
from matrix.engines.handover import handed_over
from matrix.engines.venv import VenvEngine
from matrix.errors import EngineError, IncompleteError
from matrix.model import LOAD_VERSION, SAVE_VERSION, Format, Method
from matrix.plan import Selection
from matrix.results import Failure
from matrix.store import Store, open_store
from reports.cost import Cost, cost_of
from reports.grid import Results
from service.snapshot import RUNS_LOOKED_AT, header, primary_of

KNOWN: Final = "known"
"""What documents show unless told otherwise: the environments of their own, and every overlay that something is known of."""

DEFAULTS: Final = tuple(selection.DEFAULTS.values())
"""Environments, models, formats and methods that are measured when nobody names any."""

CORE: Final = (
    selection.BASE,
    "core",
    f"{Format.H5},{Format.SAVEDMODEL},{Format.KERAS},{Format.EXPORT}",
    f"{Method.DEFAULT},{Method.CUSTOM_OBJECTS},{Method.SAVED_MODEL_LOAD}",
)
"""What `make matrix` measures: little enough to be had from nothing within 45 minutes."""

ISOLATES_NOTHING: Final = (
    "Uv environments ISOLATE NOTHING: every model that is loaded runs as you, with your files and your network. Our own "
    "models are harmless; uploads are refused unless told --trust."
)


def select(environments: str, models: str, formats: str, methods: str) -> Selection:
    """Turn what a person wrote into a selection."""
    return Selection(
        environments=selection.select_environments(environments, catalog.load_environments()),
        models=selection.select_models(models, catalog.load_models()),
        formats=selection.select_formats(formats),
        methods=selection.select_methods(methods),
    )


def select_known(opened: Store, environments: str, models: str, formats: str, methods: str) -> Selection:
    """Select as ``select`` does, with one more word for the environments that a document shows by itself."""
    if environments == KNOWN:
        digests = {one.recipe_digest: one for one in catalog.load_environments() if one.base is not None}
        overlays = [digests[known].id for known in opened.read.environments(digests)]
        environments = ",".join((selection.BASE, *overlays))
    return select(environments, models, formats, methods)


def store(settings: Settings, *, create: bool) -> Store:
    """Open the results."""
    return open_store(settings.database_url, create=create)


def engine(settings: Settings) -> Engine:
    """Return the engine that is set; for ``auto`` the container engine, else what the last setup fell back to.

    Raises:
        EngineError: No container engine answers, and nothing fell back to uv environments.
    """
    if settings.engine == "venv":
        return VenvEngine(settings.home)
    try:
        return DockerEngine(connect(), handed_over(PROBE, settings.home.absolute()), INSPECTOR.name(), settings.runtime)
    except EngineError:
        if settings.engine == "auto" and fallen_back(settings).exists():
            return VenvEngine(settings.home)
        raise


def fallen_back(settings: Settings) -> Path:
    """Return the file that stands where a setup found that no container engine can be had; it holds the reason."""
    return settings.home / "venvs" / "no-container-engine"


def warning_of(chosen: Engine) -> str | None:
    """Return what a person has to know of an engine before it runs anything."""
    return None if chosen.isolates else f"engine: {chosen.name()}. {ISOLATES_NOTHING}"


def known_or_none(settings: Settings) -> Store | None:
    """Open the results if there are any."""
    try:
        return store(settings, create=False)
    except IncompleteError:
        return None


def results(opened: Store, chosen: Selection) -> Results:
    """Read what is known of a selection, as the documents take it."""
    rows = opened.read.matrix(chosen.environments, SAVE_VERSION, LOAD_VERSION, primary_of())
    models = {model.id for model in chosen.models}
    rows = tuple(
        row for row in rows if row.model in models and row.format in chosen.formats and row.method in chosen.methods
    )
    fingerprints = {row.fingerprint for row in rows if row.fingerprint is not None}
    failures: dict[str, Failure] = {one: opened.read.error(one) for one in fingerprints}
    return Results(
        header=header(opened.read, chosen.environments, opened.read.runs(RUNS_LOOKED_AT)),
        rows=rows,
        environments=chosen.environments,
        models=chosen.models,
        failures=failures,
    )


def cost(opened: Store) -> Cost:
    """Return what all runs cost together."""
    return cost_of(run.cost for run in opened.read.runs(RUNS_LOOKED_AT))
