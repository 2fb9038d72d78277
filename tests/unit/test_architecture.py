"""The house rules that a parser can check: which folder may import which, and what no file may name."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from images.settings import host_settings
from matrix.config import ROOT

OURS = frozenset({"matrix", "reports", "service", "images", "tests"})
PROBE = ROOT / "images" / "probe"
INSIDE = sorted(PROBE.rglob("*.py"))
SIBLINGS = frozenset(path.stem for path in (*PROBE.glob("*.py"), *(one.parent for one in PROBE.glob("*/__init__.py"))))
FRAMEWORK = frozenset({"numpy", "tensorflow", "keras", "tf_keras", "h5py"})
SKIPPED = frozenset({".git", ".venv", "var", "dist", "build", "__pycache__", "node_modules"})
BINARY = frozenset({".png", ".jpg", ".ico", ".woff2", ".gz", ".pyc", ".db"})


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, wherever in it, with the line; names of a from-import count as modules too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = "." * level + (f"{module}." if module else "")
                yield from ((node.lineno, f"{base}{alias.name}") for alias in names)
            case _:
                continue


def loaded_with(path: Path, seen: set[Path]) -> Iterator[str]:
    """Every module that is imported when a file of ours is, however far away; what a function imports is not."""
    seen.add(path)
    for node in ast.parse(path.read_bytes()).body:
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names):
                modules = [module, *(f"{module}.{alias.name}" for alias in names)]
            case _:
                continue
        yield from modules
        for module in modules:
            bare = ROOT.joinpath(*module.split("."))
            for file in (bare.with_suffix(".py"), bare / "__init__.py"):
                if file.is_file() and file not in seen:
                    yield from loaded_with(file, seen)


def offences(folder: str, forbidden: frozenset[str], allowed: frozenset[str] = frozenset()) -> list[str]:
    """Imports of forbidden top-level folders below ``folder``, but for those within an allowed module."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, name in imported(path)
        if name.split(".")[0] in forbidden and not any(name == one or name.startswith(f"{one}.") for one in allowed)
    ]


def committed_files() -> Iterator[Path]:
    """Every text file that git may hold."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part in SKIPPED or part.endswith((".egg-info", "_cache")) for part in parts)
        if not hidden and path.suffix not in BINARY and path.is_file():
            yield path


def registry_hosts() -> set[str]:
    """Hosts of package registries, put together here so that this file names none; and what this machine is set to."""
    hosts = {
        ".".join(parts)
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted", "org"),
            ("deb", "debian", "org"),
            ("security", "debian", "org"),
            ("archive", "ubuntu", "com"),
            ("registry", "npmjs", "org"),
            ("registry-1", "docker", "io"),
            ("index", "docker", "io"),
            ("hub", "docker", "com"),
            ("ghcr", "io"),
            ("quay", "io"),
            ("static", "crates", "io"),
            ("conda", "anaconda", "org"),
        )
    }
    settings = host_settings()
    own = {urlsplit(index).hostname or "" for index in (settings.index or "", *settings.extra_indexes)}
    return hosts | {host for host in own if "." in host and not host.startswith("127.")}


def test_matrix_knows_neither_reports_nor_service() -> None:
    """Arrows go one way: what decides never imports what shows."""
    assert offences("matrix", frozenset({"reports", "service", "tests"})) == []


def test_matrix_takes_only_the_codec_from_images() -> None:
    """The wire format is the one module that host and probe share."""
    assert offences("matrix", frozenset({"images"}), frozenset({"images.probe.wire"})) == []


def test_reports_know_neither_service_nor_images() -> None:
    """Documents are made from results alone."""
    assert offences("reports", frozenset({"service", "images", "tests"})) == []


def test_images_know_neither_reports_nor_service() -> None:
    """What builds environments shows nothing."""
    assert offences("images", frozenset({"reports", "service", "tests"})) == []


def test_the_probe_imports_nothing_of_ours_but_its_flat_siblings() -> None:
    """It runs inside a container that has the standard library, numpy, the framework and the probe's own folder."""
    known = SIBLINGS | FRAMEWORK | frozenset(sys.stdlib_module_names)
    strangers = [
        f"{path.relative_to(PROBE)}:{line} imports {name}"
        for path in INSIDE
        for line, name in imported(path)
        if not within_its_package(path, name) and (name.split(".")[0] not in known or name.split(".")[0] in OURS)
    ]
    assert strangers == []


def test_the_inspector_imports_nothing_of_ours_but_itself_and_what_it_shares() -> None:
    """It runs inside a container that has the standard library, numpy, h5py, protobuf and the files of its own image."""
    known = frozenset(sys.stdlib_module_names) | {"google", "h5py", "numpy"}
    shared = ("images.inspector", "images.probe.invent", "images.probe.wire")
    strangers = [
        f"{path.name}:{line} imports {name}"
        for path in (ROOT / "images" / "inspector").rglob("*.py")
        for line, name in imported(path)
        if name.split(".")[0] not in known and not name.startswith(shared)
    ]
    assert strangers == []


@pytest.mark.parametrize("folder", [ROOT / "images", PROBE], ids=lambda folder: folder.name)
def test_nothing_beside_a_script_of_an_image_is_called_as_a_module_of_python_is(folder: Path) -> None:
    """Python looks beside the script first: a folder called ``inspect`` here, and no TensorFlow can be imported in a build."""
    assert {path.stem for path in folder.iterdir()} & sys.stdlib_module_names == set()


def within_its_package(path: Path, name: str) -> bool:
    """Whether a name is imported from the file's own package below the probe: one dot, and a module that is there."""
    module = name[1:].split(".", maxsplit=1)[0]
    own = path.parent != PROBE and name.startswith(".") and not name.startswith("..")
    return own and (path.parent / f"{module}.py").is_file()


@pytest.mark.parametrize("path", [*INSIDE, ROOT / "images" / "canary.py"], ids=lambda path: path.name)
def test_what_runs_inside_is_python_3_8(path: Path) -> None:
    """TensorFlow 2.4 has no newer Python: what runs beside it is parsed as 3.8."""
    ast.parse(path.read_bytes(), filename=str(path), feature_version=(3, 8))


def test_the_parser_refuses_newer_syntax() -> None:
    """The check above can fail: 3.8 has no ``match``."""
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n  case 1: pass", feature_version=(3, 8))


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's own setting, and no committed line's."""
    hosts = registry_hosts()
    found = [
        f"{path.relative_to(ROOT)} names {host}"
        for path in committed_files()
        for text in [path.read_text(encoding="utf-8", errors="replace")]
        for host in hosts
        if host in text
    ]
    assert found == []


def test_commands_do_not_wait_for_what_only_the_site_needs() -> None:
    """Each command is a process; the web's libraries would cost each a third more of its start."""
    loaded = {name.split(".")[0] for name in loaded_with(ROOT / "service" / "cli.py", set())}
    assert {"sqlalchemy", "numpy"} <= loaded
    assert loaded & {"fastapi", "starlette", "uvicorn", "prometheus_client", "alembic"} == set()


FILES_ONLY = frozenset({"test_store_sqlite.py", "test_store_urls.py"})


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "unit").glob("test_store_*.py")), ids=lambda path: path.name)
def test_what_is_asked_of_sqlite_is_asked_of_postgresql(path: Path) -> None:
    """A store's test takes the fixture ``place``, and a module of tests/integration runs it there; or it says SQLite."""
    if path.name in FILES_ONLY:
        return
    twin = ROOT / "tests" / "integration" / path.name.replace("test_store_", "test_postgresql_")
    assert f"from tests.unit.{path.stem} import *" in twin.read_text(encoding="utf-8")
    assert "matrix.db" not in path.read_text(encoding="utf-8")


def test_unit_tests_cannot_reach_the_world() -> None:
    """The guard in conftest.py holds: neither a process nor a connection comes to be."""
    with pytest.raises(pytest.fail.Exception, match="started a process"):
        subprocess.run([sys.executable, "--version"], check=False)
    with socket.socket() as one, pytest.raises(pytest.fail.Exception, match="connected"):
        one.connect(("127.0.0.1", 9))
