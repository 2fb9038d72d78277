"""Makes the uv environments of the ``venv`` engine, one per row, from the same hashed locks as the images.

Nothing is trimmed: uv links files from its cache, and what is cut in one place would be cut in all.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from images.bootstrap.bases import interpreter
from images.bootstrap.commands import call
from images.build import SIDE_BY_SIDE, Watcher
from images.settings import host_settings, uv_binary, uv_environment
from matrix.catalog import IMAGES
from matrix.engines.venv import OVERLAY, folder, python, reason_file
from matrix.errors import BuildError
from matrix.model import Environment

SECONDS: Final = 1800


def make(environments: Sequence[Environment], home: Path, watcher: Watcher, *, again: bool = False) -> dict[str, str]:
    """Make the uv environments that are not there yet.

    Returns:
        Those that could not be made, by id, each with the reason and the name of its log; the others are there.
    """
    missing = [one for one in environments if again or not python(home, one).exists()]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            reasons = list(pool.map(lambda one: _make(one, home, watcher), missing))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {one.id: reason for one, reason in zip(missing, reasons, strict=True) if reason is not None}


def unavailable(environments: Sequence[Environment], home: Path) -> dict[str, str]:
    """Write down, and return by id, the rows whose Python this machine does not have, each with the reason."""
    found: dict[str, str] = {}
    for version in dict.fromkeys(one.python for one in environments):
        rows = [one for one in environments if one.python == version and not python(home, one).exists()]
        if rows and interpreter(version) is None:
            found |= dict.fromkeys((one.id for one in rows), f"CPython {version} is not on this machine")
    for one in environments:
        note = reason_file(home, one)
        note.unlink(missing_ok=True)
        if one.id in found:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(found[one.id], encoding="utf-8")
    return found


def _make(environment: Environment, home: Path, watcher: Watcher) -> str | None:
    """Make one environment beside its place, then put it there; return why it cannot be made."""
    watcher.began(environment)
    started = time.monotonic()
    target = folder(home, environment)
    half_made = target.with_name(f".{target.name}.new")
    log = home / "logs" / "build" / f"venv-{environment.id}.log"
    reason = None
    try:
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.parent.mkdir(parents=True, exist_ok=True)
        _install(environment, half_made, log)
        shutil.rmtree(target, ignore_errors=True)
        half_made.rename(target)
    except (BuildError, OSError) as error:
        shutil.rmtree(half_made, ignore_errors=True)
        reason = f"{error} (log: {log})"
    watcher.ended(environment, time.monotonic() - started, reason)
    return reason


def _install(environment: Environment, place: Path, log: Path) -> None:
    prefix = interpreter(environment.python)
    if prefix is None:
        raise BuildError(f"CPython {environment.python} is not on this machine")
    uv, base = str(uv_binary()), str(prefix / "bin" / f"python{environment.python}")
    variables = _variables()
    call([uv, "venv", "--quiet", "--no-config", "--python", base, str(place)], log=log, environment=variables)
    for lock, options in _layers(environment, place):
        words = [
            uv, "pip", "install", "--quiet", "--no-config", "--python", str(place / "bin" / "python"),
            "--require-hashes", "--no-deps", "--build-constraints", str(IMAGES / "build-constraints.txt"),
            "--compile-bytecode", *options, "-r", str(lock),
        ]  # fmt: skip
        call(words, log=log, environment=variables, seconds=SECONDS)


def _variables() -> dict[str, str]:
    """Return uv's environment on this host, with the certificates that pip knows, as a build gets them."""
    certificates = host_settings().certificates
    known = {"SSL_CERT_FILE": str(certificates)} if certificates else {}
    return {**uv_environment(), **known}


def _layers(environment: Environment, place: Path) -> list[tuple[Path, list[str]]]:
    """Return the locks that are installed, one after the other, each with its own words for uv.

    An overlay is its base, and in a folder of its own what comes before that on the path, as in its image.
    """
    own = IMAGES / "locks" / f"{environment.id}.txt"
    if environment.base is None:
        return [(own, [])]
    return [(IMAGES / "locks" / f"{environment.base}.txt", []), (own, ["--target", str(place / OVERLAY)])]
