"""Commands that get a machine ready and say what is wrong with it: setup, images, locks, doctor."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from images import build as building
from images import venvs
from images.bootstrap.bases import ensure_bases
from images.bootstrap.doctor import examine
from images.bootstrap.engine import ensure_engine
from images.bootstrap.runtimes import ensure_runtime
from images.inspector_image import INSPECTOR
from images.locks import write_build_constraints, write_locks
from matrix.catalog import ROWS, load_environments, with_bases
from matrix.config import Settings
from matrix.errors import BuildError, ExitCode, NoEngineError
from matrix.model import Environment
from matrix.rows import Overlay, Row, read_overlays, read_rows
from matrix.selection import ALL, BASE, select_environments
from service import wiring
from service.options import Environments, Json

images = typer.Typer(no_args_is_help=True, help="The images that environments run in.")
out = Console(highlight=False)


def prepare(environments: str = BASE, *, again: bool = False, inspector: bool = False) -> dict[str, str]:
    """Get an engine, and have every environment in it; return what could not be made, with reasons.

    Where the setting leaves the choice open, and no container engine can be had, uv environments take its place. With
    ``inspector`` the image that looks into uploads is had as well; without a container engine there are no uploads.
    """
    settings = Settings()
    chosen = select_environments(environments, load_environments())
    reason = _why_venv(settings)
    if reason is None:
        return _prepare_images(chosen, again=again) | (_prepare_inspector() if inspector else {})
    out.print(f"[bold yellow]engine: {escape(reason)} {wiring.ISOLATES_NOTHING}[/]", soft_wrap=True)
    return _prepare_venvs(chosen, settings, again=again)


def _why_venv(settings: Settings) -> str | None:
    """Return why uv environments are used, or nothing when a container engine answers; keep it for later commands."""
    note = wiring.fallen_back(settings)
    if settings.engine == "venv":
        return "TFMATRIX_ENGINE is venv."
    try:
        ensure_engine(_say)
        ensure_runtime(settings.runtime, _say)
    except NoEngineError as error:
        if settings.engine == "docker":
            raise
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(error.message, encoding="utf-8")
        return f"no container engine can be had here ({error.message}) Falling back to uv environments."
    note.unlink(missing_ok=True)
    return None


def _prepare_venvs(chosen: Sequence[Environment], settings: Settings, *, again: bool) -> dict[str, str]:
    unavailable = venvs.unavailable(chosen, settings.home)
    for name, reason in unavailable.items():
        _say(f"environment: {name} is unavailable: {reason}")
    makeable = [one for one in chosen if one.id not in unavailable]
    with _BuildProgress(len(makeable), "uv environment") as progress:
        failed = venvs.make(makeable, settings.home, progress, again=again)
    _say(f"environments: {len(makeable) - len(failed)} are here, {progress.built} of them made now")
    return failed


def _prepare_images(chosen: Sequence[Environment], *, again: bool) -> dict[str, str]:
    needed = with_bases(chosen, load_environments())
    unavailable = ensure_bases(needed, _say)
    buildable = [one for one in needed if one.id not in unavailable]
    started = time.monotonic()
    with _BuildProgress(len(buildable)) as progress:
        failed = building.build(
            [one for one in buildable if one in chosen],
            progress,
            bases=[one for one in buildable if one not in chosen],
            again=again,
        )
    if progress.built:
        out.print(f"images: {progress.built} built in {(time.monotonic() - started) / 60:.1f} min")
    else:
        out.print(f"images: {len(buildable) - len(failed)} are here")
    return unavailable | failed


def _prepare_inspector() -> dict[str, str]:
    try:
        INSPECTOR.ensure(_say)
    except BuildError as error:
        return {"the inspector of uploads": f"{error.message} {error.next_step}".strip()}
    return {}


def setup(environments: Environments = BASE) -> None:
    """Get this machine ready: engine, base images, images; uv environments where no engine can be had."""
    building.raise_if_failed(prepare(environments, inspector=True))


@images.command("build")
def build_images(
    environments: Environments = BASE,
    *,
    again: Annotated[bool, typer.Option("--again", help="Build also what is there, without the build cache.")] = False,
) -> None:
    """Build the images that are not there."""
    building.raise_if_failed(prepare(environments, again=again, inspector=True))


@images.command("list")
def list_images(*, as_json: Json = False) -> None:
    """List our images: environment, size, age, whether a row needs them."""
    found = building.list_images(load_environments())
    cache = building.build_cache_bytes()
    if as_json:
        rows = [asdict(one) for one in found]
        sys.stdout.write(json.dumps({"schema": 1, "images": rows, "build_cache": cache}, default=str) + "\n")
        return
    table = Table("image", "environment", "MB", "age", "needed")
    for one in found:
        age = datetime.now(UTC) - one.created
        words = f"{age.days} d" if age.days else f"{age.seconds // 60} min"
        table.add_row(one.name, one.environment, f"{one.size / 1e6:.0f}", words, "yes" if one.needed else "no")
    out.print(table)
    out.print(f"together {sum(one.own for one in found) / 1e9:.1f} GB; build cache {cache / 1e9:.1f} GB")


@images.command("prune")
def prune_images(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False
) -> None:
    """Remove our images that no row of environments.toml, the service, the inspector or a container needs any more."""
    removed = building.prune(load_environments(), dry_run=dry_run)
    for one in removed:
        out.print(f"{'would remove' if dry_run else 'removed'} {one.name} ({one.size / 1e6:.0f} MB)")
    if not removed:
        out.print("nothing to remove: every image is needed")


def locks(
    environments: Environments = ALL,
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a lock would change.")] = False,
) -> None:
    """Resolve every row of environments.toml as of its day and write its lock; with all, also what builds packages."""
    rows: tuple[Row | Overlay, ...] = (*read_rows(ROWS), *read_overlays(ROWS))
    changed = False
    if environments == ALL:
        changed = write_build_constraints(check=check, say=_say)
    else:
        wanted = {one.id for one in select_environments(environments, load_environments())}
        rows = tuple(row for row in rows if row.id in wanted)
    changed = bool(write_locks(rows, check=check, say=_say)) or changed
    if check and changed:
        raise typer.Exit(ExitCode.FINDINGS)


def doctor(*, as_json: Json = False) -> None:
    """Check engine, disk, memory, registry, interpreters and images; name the fix for each thing that is wrong."""
    checks = examine()
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, "checks": [asdict(one) for one in checks]}, default=str) + "\n")
    else:
        table = Table("check", "", "found", "fix")
        for one in checks:
            colour = {"ok": "green", "warn": "yellow", "fail": "red"}[one.status]
            table.add_row(one.name, f"[{colour}]{one.status}[/]", one.found, one.fix)
        out.print(table)
    if any(one.status == "fail" for one in checks):
        raise typer.Exit(ExitCode.FINDINGS)


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False)


class _BuildProgress(Progress):
    """A bar over the builds, and a line for each that ends."""

    def __init__(self, total: int, what: str = "image") -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=out,
            disable=not out.is_terminal,
        )
        self._what = what
        self._bar = self.add_task(f"{what}s", total=total)
        self._running: list[str] = []
        self.built = 0

    def began(self, environment: Environment) -> None:
        self._running.append(environment.id)
        self.update(self._bar, description=f"building {', '.join(self._running)}")

    def ended(self, environment: Environment, seconds: float, error: str | None) -> None:
        self._running.remove(environment.id)
        self.built += error is None
        self.update(self._bar, advance=1, description=f"building {', '.join(self._running)}")
        _say(f"{self._what}: {environment.id} {'built' if error is None else f'FAILED: {error}'} ({seconds:.0f} s)")
