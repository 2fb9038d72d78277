"""Has the distribution's PostgreSQL for the store's tests; run by `make test` as a module. No server is left running."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from images.bootstrap.apt import install
from matrix.errors import TfmatrixError

VERSIONS: Final = Path("/usr/lib/postgresql")
CLUSTER_SETTINGS: Final = Path("/etc/postgresql-common/createcluster.d")
BY_HAND: Final = "install PostgreSQL's server (Debian: postgresql), the store is tested on it; it need not run"


def programs() -> Path | None:
    """Return the folder of initdb and pg_ctl, of the newest version here; Debian keeps them off the PATH."""
    debian = [folder for folder in VERSIONS.glob("*/bin") if (folder / "initdb").exists()]
    if debian:
        return max(debian, key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


def main() -> int:
    """Install PostgreSQL where it is missing and may be installed."""
    if programs() is not None:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"postgresql: {BY_HAND}", file=sys.stderr)  # noqa: T201
        return 3
    try:
        with _without_a_cluster():
            install(["postgresql"], print)
    except TfmatrixError as error:
        print(f"error: {error.message}\nnext: {error.next_step}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


@contextmanager
def _without_a_cluster() -> Iterator[None]:
    """Keep the package from making and starting a server of its own: tests make theirs, and nobody asked for one."""
    setting = CLUSTER_SETTINGS / "tfmatrix.conf"
    CLUSTER_SETTINGS.mkdir(parents=True, exist_ok=True)
    setting.write_text("create_main_cluster = false\n", encoding="utf-8")
    try:
        yield
    finally:
        setting.unlink()
        with suppress(OSError):  # somebody else's settings are in it
            CLUSTER_SETTINGS.rmdir()


if __name__ == "__main__":
    sys.exit(main())
