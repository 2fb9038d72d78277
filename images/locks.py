"""Writes and checks images/locks: what exactly goes into each environment, resolved as of its day, with hashes.

Locks are written by `tfmatrix locks` and never by hand. No lock names the place packages were found at.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Final

from images.settings import uv_binary, uv_environment
from matrix.catalog import lock_origin
from matrix.errors import BuildError
from matrix.rows import Overlay, Row

LOCKS: Final = Path(__file__).parent / "locks"
PLATFORM: Final = "x86_64-manylinux_2_28"
TIME_LIMIT: Final = 600
BUILD_CONSTRAINTS: Final = Path(__file__).parent / "build-constraints.txt"
BUILD_TOOLS: Final = ("setuptools", "wheel")
BUILD_DAY: Final = date(2024, 10, 15)
BUILD_PYTHON: Final = "3.8"
Say = Callable[[str], None]


def lock_path(identity: str, folder: Path = LOCKS) -> Path:
    """Where the lock of an environment is kept."""
    return folder / f"{identity}.txt"


def header(row: Row | Overlay, folder: Path = LOCKS) -> str:
    """What stands above a lock: where it comes from, and the facts the catalog holds it to."""
    return (
        f"# {row.id}: written by `make locks`, never by hand.\n"
        f"# Resolved from {lock_origin(row, folder.parent)} on {PLATFORM}\n"
    )


def write_locks(
    rows: Iterable[Row | Overlay], *, check: bool = False, folder: Path = LOCKS, say: Say = print
) -> tuple[str, ...]:
    """Resolve each row and write its lock; give the ids whose lock changed. ``check`` writes nothing.

    An overlay is resolved over the lock of its base as it then lies there, so bases come first.

    A row that cannot be resolved does not keep the others from being written; one BuildError names them all.
    """
    changed, failures = [], []
    for row in rows:
        try:
            text = header(row, folder) + _resolved(row, folder)
        except BuildError as error:
            failures.append(f"{row.id}: {error.message}")
            say(f"{row.id}: cannot be resolved")
            continue
        if _write(lock_path(row.id, folder), text, row.id, check=check, say=say):
            changed.append(row.id)
    if failures:
        raise BuildError(
            "\n".join(failures), next_step="Correct the rows in images/environments.toml, then `make locks`."
        )
    return tuple(changed)


def write_build_constraints(*, check: bool = False, path: Path = BUILD_CONSTRAINTS, say: Say = print) -> bool:
    """Pin what builds the few packages that have no wheel, such as 2.4's termcolor; return whether the pins changed."""
    text = (
        f"# Written by `make locks`, never by hand.\n"
        f"# {' and '.join(BUILD_TOOLS)} as of {BUILD_DAY.isoformat()} for Python {BUILD_PYTHON} and newer\n"
    )
    text += _resolve(BUILD_TOOLS, BUILD_DAY, BUILD_PYTHON)
    return _write(path, text, path.stem, check=check, say=say)


def locked_versions(text: str) -> dict[str, str]:
    """The packages a lock pins, by name."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE))


def on_top(lock: str, base: str) -> str:
    """What a lock holds that its base does not hold in just this version."""
    below = locked_versions(base)
    pins = re.split(r"\n(?=\S)", lock.strip("\n"))
    kept = [pin for pin in pins if any(below.get(name) != version for name, version in locked_versions(pin).items())]
    return "".join(f"{pin}\n" for pin in kept)


def constraints(overlay: Overlay, base: str) -> str:
    """The base's pins, but for the Keras and for what the overlay names itself: there it may differ from its base."""
    free = {_name(requirement) for requirement in overlay.requirements}
    return "".join(f"{name}=={version}\n" for name, version in locked_versions(base).items() if _name(name) not in free)


def _resolved(row: Row | Overlay, folder: Path) -> str:
    if isinstance(row, Row):
        return _resolve(row.requirements, row.cut_off, row.python)
    base = lock_path(row.base.id, folder).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        pins, absent = Path(scratch) / "constraints.txt", Path(scratch) / "overrides.txt"
        pins.write_text(constraints(row, base), encoding="utf-8")
        # tf_keras asks for `tensorflow`; the base has it under the name tensorflow-cpu.
        absent.write_text("tensorflow ; sys_platform == 'none'\n", encoding="utf-8")
        options = ("--constraints", str(pins), "--overrides", str(absent))
        lock = _resolve(row.requirements, row.cut_off, row.base.python, *options)
    # The Keras itself is in the lock even where it is the base's own, so that the overlay is what it is called.
    others = {name: version for name, version in locked_versions(base).items() if _name(name) != row.package}
    return on_top(lock, "".join(f"{name}=={version}\n" for name, version in others.items()))


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found.group() if found else "").lower()


def _write(path: Path, text: str, name: str, *, check: bool, say: Say) -> bool:
    same = path.exists() and path.read_text(encoding="utf-8") == text
    if not same and not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    say(f"{name}: {len(locked_versions(text))} packages, {'unchanged' if same else 'differs' if check else 'written'}")
    return not same


def _resolve(requirements: Iterable[str], day: date, python: str, *options: str) -> str:
    # Python's minor alone, and a time with its zone: neither today's date nor this machine's zone may shape a lock.
    command = [
        str(uv_binary()), "pip", "compile", "--quiet", "--no-config", "--generate-hashes", "--no-annotate",
        "--no-header", "--exclude-newer", f"{day.isoformat()}T00:00:00Z", "--python-version", python,
        "--python-platform", PLATFORM, *options, "-",
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603
        command,
        input="\n".join(requirements),
        env=uv_environment(),
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"The resolver says:\n{done.stderr.strip()[-2000:]}")
    return done.stdout
