"""``python -m tests.big_matrix``: fill a new database for `make bench-web`, screenshots, or to look at."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from matrix.errors import ExitCode
from matrix.selection import ALL, BASE
from service.cli import run_guarded
from tests.big_matrix.fill import fill
from tests.big_matrix.size import Size

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
out = Console(stderr=True, highlight=False)
_DEFAULT = Size()


@app.command()
def main(
    *,
    database: Annotated[str, typer.Option(help="A file that is not there yet, or the URL of an empty database.")],
    cells: Annotated[int, typer.Option(min=1, help="Current cells.")] = _DEFAULT.cells,
    nights: Annotated[int, typer.Option(min=1, max=5000, help="Runs, one a night.")] = _DEFAULT.nights,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = _DEFAULT.seed,
    overlays: Annotated[bool, typer.Option("--overlays", help="All 40 environments, not the 18 of their own.")] = False,
) -> None:
    """Fill a database with a made-up matrix: real environments, models, formats and methods, invented results."""
    environments = ALL if overlays else BASE
    size = Size(cells=cells, nights=nights, seed=seed, environments=environments)
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
    )
    try:
        with bars:
            task = bars.add_task("opening", total=None)

            def watch(what: str, done: int, total: int) -> None:
                bars.update(task, description=what, completed=done, total=total)

            counts = fill(database, size, watch)
    except KeyboardInterrupt:
        out.print("interrupted: nothing was written.")
        raise SystemExit(ExitCode.INTERRUPTED) from None
    out.print(", ".join(f"{many:,} {name}" for name, many in counts.items()))


if __name__ == "__main__":
    sys.exit(run_guarded(app))
