"""``python -m tests.bench_web``: measures each page, and says which is over its limit."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import httpx
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from images.bootstrap.apt import install
from matrix.config import ROOT
from matrix.errors import ExitCode
from matrix.store import Store, open_store
from service.cli import run_guarded
from tests.bench_web.load import CLIENTS, under_load
from tests.bench_web.servers import Server, constant, site
from tests.big_matrix import fill
from tests.site_pages import site_pages

HOME: Final = ROOT / "var" / "bench-web"
HOME_MS: Final = 50.0
PAGE_MS: Final = 100.0
PACKED_BYTES: Final = 150_000
MEMORY_BYTES: Final = 200 << 20
ANEW_TIMES: Final = 5

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One page. Times are in milliseconds; ``ratio`` is over the constant page's, measured right beside it.

    ``anew`` is the median of one client's wait where the page had to be made, after something was recorded.
    """

    name: str
    address: str
    anew: float
    p95: float
    ratio: float
    per_second: float
    packed: int
    errors: int

    @property
    def complaints(self) -> list[str]:
        """What is over its limit."""
        most = HOME_MS if self.name == "home" else PAGE_MS
        found = [f"{self.name}: {self.p95:.0f} ms at the 95th percentile, over {most:.0f}"] if self.p95 > most else []
        found += [f"{self.name}: {self.anew:.0f} ms made anew, over {PAGE_MS:.0f}"] if self.anew > PAGE_MS else []
        found += [f"{self.name}: {self.packed:,} bytes, over {PACKED_BYTES:,}"] if self.packed > PACKED_BYTES else []
        return found + ([f"{self.name}: {self.errors} answers that were none"] if self.errors else [])


@app.command()
def main(
    *,
    seconds: Annotated[float, typer.Option(min=1, help="How long each page is asked for.")] = 3,
    only: Annotated[str, typer.Option(help="Only pages whose name has this in it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Measure every page with 20 clients, beside a page that only returns a constant; exit with 1 if one is too slow."""
    if shutil.which("wrk") is None:
        install(["wrk"], err.print)
    database = HOME / "matrix.db"
    if not database.exists():
        err.print("making up 100,000 cells and 365 nights, once")
        fill(database)
    with open_store(database) as opened, site(HOME) as server, constant() as floor:
        pages = {name: address for name, address in site_pages(opened.read).items() if only in name}
        found = [
            _measure(opened, (server, floor), name, pages[name], seconds) for name in track(pages, "pages", console=err)
        ]
        memory = server.peak_memory
    complaints = [complaint for one in found for complaint in one.complaints]
    if memory > MEMORY_BYTES:
        complaints.append(f"the web process took {memory / 1e6:.0f} MB, over {MEMORY_BYTES / 1e6:.0f}")
    if as_json:
        document = {"schema": 1, "pages": [asdict(one) for one in found], "memory": memory, "complaints": complaints}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        _show(found, memory, complaints)
    raise typer.Exit(ExitCode.FINDINGS if complaints else ExitCode.FINE)


def _measure(opened: Store, both: tuple[Server, Server], name: str, address: str, seconds: float) -> Measured:
    server, floor = both
    url = f"{server.url}{address}"
    anew, packed = _anew(opened, url)
    loaded, constant_ = under_load(url, seconds), under_load(f"{floor.url}/", seconds=1)
    return Measured(
        name=name,
        address=address,
        anew=anew,
        p95=loaded.p95,
        ratio=loaded.p95 / constant_.p95,
        per_second=loaded.per_second,
        packed=packed,
        errors=loaded.errors,
    )


def _anew(opened: Store, url: str) -> tuple[float, int]:
    """The median wait for a page that must be made, and what it weighs as it is sent."""
    with httpx.Client(headers={"Accept-Encoding": "gzip"}, timeout=60) as client:
        client.get(url).raise_for_status()
        waits, packed = [], 0
        for _ in range(ANEW_TIMES):
            newest = opened.read.runs(1)[0]
            opened.write.finish_run(newest.id, newest.status, newest.finished_at or newest.started_at, newest.cost)
            begun = time.perf_counter()
            with client.stream("GET", url) as response:
                packed = sum(len(part) for part in response.iter_raw())
            waits.append(time.perf_counter() - begun)
    return statistics.median(waits) * 1000, packed


def _show(found: list[Measured], memory: int, complaints: list[str]) -> None:
    table = Table("page", "made anew, ms", f"p95, ms ({CLIENTS} clients)", "over a constant", "a second", "packed, KB")
    for one in sorted(found, key=lambda page: -page.p95):
        ratio, rate = f"{one.ratio:.2f}", f"{one.per_second:,.0f}"
        table.add_row(one.name, f"{one.anew:.0f}", f"{one.p95:.1f}", ratio, rate, f"{one.packed / 1000:.1f}")
    out.print(table)
    out.print(f"the web process took {memory / 1e6:.0f} MB at its most")
    for complaint in complaints:
        out.print(f"over its limit: {complaint}")


if __name__ == "__main__":
    sys.exit(run_guarded(app))
