"""A PostgreSQL server of the tests' own: in a temporary folder, on a socket in it, gone when they are done."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from images.bootstrap.postgresql import BY_HAND, programs

OWNER: Final = "tfmatrix"
SETTINGS: Final = (
    "listen_addresses = ''\n"
    "fsync = off\n"
    "synchronous_commit = off\n"
    "full_page_writes = off\n"
    "max_connections = 60\n"
    "timezone = 'Asia/Kathmandu'\n"  # not UTC, not whole hours: a zone that is lost somewhere shows
)
RULES: Final = f"local all {OWNER} trust\nlocal all all scram-sha-256\n"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A server that runs."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str, user: str = OWNER) -> str:
        """What TFMATRIX_DATABASE would be."""
        return f"postgresql+psycopg://{user}@/{name}?host={self.folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database; its URL. It is dropped, whoever is still connected."""
        name = f"test{next(self.numbers)}"
        self.command(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.command(f"DROP DATABASE {name} WITH (FORCE)")

    def command(self, statement: str) -> None:
        """What only an owner of all databases may do."""
        with closing(psycopg.connect(host=str(self.folder), user=OWNER, dbname="postgres", autocommit=True)) as opened:
            opened.execute(statement.encode())

    def stop(self) -> None:
        """End it at once, with every connection to it."""
        _run(self.folder, "pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")

    def start(self) -> None:
        """Start it, and come back when it answers."""
        _run(self.folder, "pg_ctl", "-D", "data", "-l", "log", "-o", f"-k {self.folder}", "-w", "start")


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A server made from nothing; whatever happens, it is stopped and removed."""
    with tempfile.TemporaryDirectory(prefix="tfmatrix-pg-") as name:
        folder = Path(name)
        if (user := _user()) is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        _run(folder, "initdb", "-D", "data", "-U", OWNER, "-E", "UTF8", "--locale=C", "--no-sync", "-A", "trust")
        (folder / "data" / "pg_hba.conf").write_text(RULES, encoding="utf-8")
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS)
        cluster = Cluster(folder=folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


def _user() -> pwd.struct_passwd | None:
    """Who the server runs as where that is not us: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres", known.get("nobody"))


def _run(folder: Path, program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs. Its output goes to a file: a server that it starts would keep a pipe open."""
    found, user = programs(), _user()
    if found is None:
        raise AssertionError(f"{BY_HAND}: python -m images.bootstrap.postgresql")
    with (folder / "output").open("w+", encoding="utf-8") as output:
        done = subprocess.run(  # noqa: S603
            [found / program, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else (),
            timeout=60,
            check=False,
        )
        output.seek(0)
        assert done.returncode == 0, output.read()
