"""Builds what is missing, a few images side by side; lists what there is; removes what no row needs."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import docker

from images.bake import bake_file, target
from images.bootstrap.engine import connect, image_exists
from images.inputs import laid_out
from images.inspector_image import INSPECTOR
from images.service_image import SERVICE
from matrix.catalog import IMAGES
from matrix.config import Settings
from matrix.errors import BuildError
from matrix.model import Environment

SIDE_BY_SIDE: Final = 2
"""As many as cores, most often: a build is half unpacking, half one canary's imports (docs/decisions/0004)."""

BUILD_SECONDS: Final = 1800
OURS: Final = {"label": "tfmatrix.project=tfmatrix"}


class Watcher(Protocol):
    """Told what happens to each image."""

    def began(self, environment: Environment) -> None:
        """Its build has begun."""

    def ended(self, environment: Environment, seconds: float, error: str | None) -> None:
        """Its build has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image of ours. ``needed``: a row, the service or the inspector asks for just this recipe, or a container runs.

    ``own`` is its size less that of the image of ours whose layers it shares.
    """

    name: str
    environment: str
    recipe: str
    size: int
    own: int
    created: datetime
    needed: bool


def build(
    environments: Sequence[Environment],
    watcher: Watcher,
    *,
    bases: Sequence[Environment] = (),
    again: bool = False,
) -> dict[str, str]:
    """Build the images that are not there yet: first those of environments of their own, then the overlays on them.

    Args:
        environments: What is wanted.
        watcher: Told of each.
        bases: What the wanted overlays stand on and nobody asked for: built where missing, never ``again``.
        again: Build also what is there.

    Returns:
        The environments whose build failed, by id, each with the reason and the name of its log; the others are built.
    """
    client = connect()
    wanted = {one.id for one in environments if again}
    everything = {one.id: one for one in (*bases, *environments)}.values()
    missing = [one for one in everything if one.id in wanted or not image_exists(client, one.image)]
    if not missing:
        return {}
    builder = _Builder(tuple(everything), again=again)
    failed: dict[str, str] = {}
    with builder.ready():
        failed |= _side_by_side(builder, [one for one in missing if one.base is None], watcher)
        overlays = [one for one in missing if one.base is not None]
        baseless = {one.id: f"its base {one.base} could not be built" for one in overlays if one.base in failed}
        failed |= baseless
        failed |= _side_by_side(builder, [one for one in overlays if one.id not in baseless], watcher)
    return failed


def _side_by_side(builder: _Builder, environments: Sequence[Environment], watcher: Watcher) -> dict[str, str]:
    failed: dict[str, str] = {}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {pool.submit(builder.build, one, watcher): one for one in environments}
        try:
            for future in as_completed(futures):
                if (reason := future.result()) is not None:
                    failed[futures[future].id] = reason
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            builder.stop()
            raise
    return failed


def list_images(environments: Iterable[Environment]) -> tuple[Image, ...]:
    """Return every image of ours, whether or not a row still needs it."""
    client = connect()
    needed = {one.image for one in environments} | {SERVICE.name(), INSPECTOR.name()} | _in_use(client)
    found = client.images.list(filters=OURS)
    return tuple(sorted(_described(found, needed), key=lambda one: one.name))


def build_cache_bytes() -> int:
    """Return the size of the engine's build cache, which is told apart from the images."""
    caches = connect().api.df().get("BuildCache") or []
    return sum(int(one["Size"]) for one in caches if not one.get("Shared"))


def prune(environments: Iterable[Environment], *, dry_run: bool) -> tuple[Image, ...]:
    """Remove our images that no row needs; only ever those that carry our label."""
    client = connect()
    removed = []
    for image in list_images(environments):
        if image.needed:
            continue
        removed.append(image)
        if not dry_run:
            client.images.remove(image.name)
    return tuple(removed)


class _Builder:
    """Runs one `docker buildx bake` process for each image, all from one file."""

    def __init__(self, environments: Sequence[Environment], *, again: bool) -> None:
        home = Settings().home
        self._folder = home / "build"
        self._logs = home / "logs" / "build"
        self._environments = environments
        self._options = ["--no-cache"] if again else []
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Lay out the bake file, uv and the secrets; take the secrets away again."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with laid_out(self._folder) as inputs:
            document = bake_file(self._environments, context=IMAGES, uv=inputs.uv, secrets=inputs.secrets)
            (self._folder / "bake.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
            yield

    def build(self, environment: Environment, watcher: Watcher) -> str | None:
        """Build one image; return why it failed."""
        if self._stopped.is_set():
            return "stopped"
        watcher.began(environment)
        started = time.monotonic()
        log = self._logs / f"{environment.id}.log"
        code = self._bake(environment, log)
        reason = None if code == 0 else f"{_last_words(log)} (log: {log})"
        watcher.ended(environment, time.monotonic() - started, reason)
        return reason

    def stop(self) -> None:
        """End every build that runs."""
        self._stopped.set()
        for process in list(self._processes):
            process.send_signal(signal.SIGINT)

    def _bake(self, environment: Environment, log: Path) -> int:
        file = str(self._folder / "bake.json")
        words = ["docker", "buildx", "bake", "-f", file, "--progress=plain", *self._options, target(environment)]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                words, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
            self._processes.add(process)
            try:
                return process.wait(BUILD_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()
            finally:
                self._processes.discard(process)


def _last_words(log: Path) -> str:
    errors = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line or "rror:" in line]
    return errors[-1].strip()[-400:] if errors else "the build ended without a word"


def _in_use(client: docker.DockerClient) -> set[str]:
    """Return the images of our containers: web and runner may be of older code."""
    found = client.containers.list(all=True, filters=OURS, ignore_removed=True)
    return {str(one.attrs["Config"]["Image"]) for one in found}


def _described(found: Sequence[Any], needed: set[str]) -> Iterator[Image]:
    layers = [(tuple(image.attrs["RootFS"]["Layers"]), int(image.attrs["Size"])) for image in found]
    for image, (mine, whole) in zip(found, layers, strict=True):
        shared = max((size for below, size in layers if below != mine and mine[: len(below)] == below), default=0)
        recipe = image.labels.get("tfmatrix.recipe", "")
        for name in image.tags:
            yield Image(
                name=name,
                environment=image.labels.get("tfmatrix.environment", ""),
                recipe=recipe,
                size=whole,
                own=whole - shared,
                created=datetime.fromisoformat(image.attrs["Created"]),
                # A base made here hands its labels down to what is built on it.
                needed=name in needed or ("tfmatrix.base" in image.labels and not recipe),
            )


def raise_if_failed(failed: dict[str, str]) -> None:
    """Turn failed builds into the one error that names them all."""
    if failed:
        lines = "\n".join(f"{name}: {reason}" for name, reason in failed.items())
        raise BuildError(
            f"{len(failed)} environments could not be made:\n{lines}", next_step="Read the logs named above."
        )
