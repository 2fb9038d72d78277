"""The command line. Translates words into calls and outcomes into text and exit codes; decides nothing itself."""

from __future__ import annotations

import json
import signal
import sys
import traceback
from dataclasses import asdict
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from matrix.config import Settings
from matrix.errors import ExitCode, IncompleteError, TfmatrixError, UsageError
from matrix.plan import Selection, make_plan
from matrix.runner import Summary
from matrix.selection import ALL, BASE
from reports.export import as_csv, as_json
from reports.terminal import fits, terminal_table
from service import (
    asking,
    bench,
    bench_upload,
    cells,
    check,
    composed,
    configuration,
    copying,
    estimate,
    machine,
    measuring,
    reporting,
    runner_process,
    serve,
    stability,
    summary,
    wiring,
)
from service.options import Environments, Formats, Json, Methods, Models
from service.progress import RunProgress, if_interrupted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Which TensorFlow versions load a model that another one saved, and whether it still gives the same answer.",
    epilog="Exit codes: 0 fine, 1 findings, 2 usage, 3 incomplete or unknown, 130 interrupted; see docs/exit-codes.md",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

KEPT = "what was measured is kept; `tfmatrix run --resume` goes on"


app.add_typer(machine.images, name="images")
app.command("doctor")(machine.doctor)
app.command("locks")(machine.locks)
app.command("setup")(machine.setup)
app.command("cell")(cells.cell)
app.command("check")(check.check)
app.command("bench")(bench.bench)
app.command("bench-upload")(bench_upload.bench_upload)
app.command("summary")(summary.summary)
app.command("config")(configuration.config)
app.command("copy")(copying.copy)
app.command("stability")(stability.stability)
app.command("request")(asking.request)
app.command("requests")(asking.requests)
app.command("report")(reporting.report)
app.command("runner")(runner_process.runner)
app.command("up")(composed.up)
app.command("down")(composed.down)
app.command("serve")(serve.serve)


@app.command()
def run(  # noqa: PLR0913  one parameter for each option
    *,
    environments: Environments = BASE,
    models: Models = ALL,
    formats: Formats = ALL,
    methods: Methods = ALL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and how long it may take.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Measure again what is known.")] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Load what was uploaded also where nothing isolates it: it runs as you.")
    ] = False,
    as_json_: Json = False,
) -> None:
    """Save in every selected environment, load in every other, and record what happens."""
    settings = Settings()
    words = (environments, models, formats, methods)
    chosen = _unfinished(settings) if resume else wiring.select(*words)
    if resume and words != wiring.DEFAULTS:
        raise UsageError("--resume takes up what the stopped run was asked for.", next_step="Leave out the selection.")
    if dry_run:
        estimate.show(out, settings, make_plan(chosen), as_json=as_json_)
        return
    _measure(settings, chosen, again=again, trust=trust, as_json_=as_json_)


@app.command()
def matrix(
    *,
    full: Annotated[bool, typer.Option("--full", help="Every model, format and method, not the core alone.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and how long it may take.")] = False,
) -> None:
    """Get this machine ready, then run every TensorFlow with the Keras of its time: what `make matrix` calls."""
    chosen = wiring.select(*(wiring.DEFAULTS if full else wiring.CORE))
    if dry_run:
        estimate.show(out, Settings(), make_plan(chosen), as_json=False)
        return
    not_built = machine.prepare()
    _measure(Settings(), chosen, again=False, as_json_=False)
    if not_built:
        raise IncompleteError(
            f"Not made, so not measured: {', '.join(not_built)}.",
            next_step="`tfmatrix doctor` names the fix; then `make matrix` again does only what is missing.",
        )


@app.command()
def show(  # noqa: PLR0913
    *,
    environments: Environments = wiring.KNOWN,
    models: Models = ALL,
    formats: Formats = ALL,
    methods: Methods = ALL,
    as_json_: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of text.")] = False,
) -> None:
    """Show what is known: savers down, loaders across, the share that passes."""
    settings = Settings()
    with wiring.store(settings, create=False) as opened:
        found = wiring.results(opened, wiring.select_known(opened, environments, models, formats, methods))
        hidden = 0
        if environments == wiring.KNOWN and not (as_json_ or csv or fits(found.environments, out.width)):
            own = wiring.results(opened, wiring.select(BASE, models, formats, methods))
            hidden = len(found.environments) - len(own.environments) if own.rows else 0
            found = own if own.rows else found
    if as_json_ or csv:
        sys.stdout.write(as_json(found) if as_json_ else as_csv(found))
        return
    out.print(terminal_table(found, width=out.width))
    if hidden:
        out.print(f"{hidden} overlays have results too: name some (`--environments keras3`), or widen the terminal.")
    if not found.rows:
        raise IncompleteError("Nothing of this is known yet.", next_step="`tfmatrix run` measures it.")


def main() -> None:
    """Run the command line; the only place where errors become exit codes."""
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started us with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    sys.exit(run_guarded(app))


def run_guarded(command: typer.Typer) -> int:
    """Run a command and return its exit code."""
    try:
        ended = command(standalone_mode=False)  # the code of a command that ended itself; Typer makes Ctrl-C one too
    except (KeyboardInterrupt, typer.Abort):
        ended = ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  the only catcher: each kind has its words and its code
        return _explain(error)
    if ended == ExitCode.INTERRUPTED:
        err.print("interrupted")
    return ended if isinstance(ended, int) else ExitCode.FINE


def _explain(error: Exception) -> ExitCode:
    """Say what happened and the next step; return the exit code."""
    match error:
        case TfmatrixError(message=message, next_step=step):
            code = error.exit_code
        case ValidationError():
            message, step = configuration.complaint(error), "docs/settings.md says what each setting takes."
            code = ExitCode.USAGE
        case typer.TyperException():
            message, step = str(error), "`tfmatrix --help` and `tfmatrix COMMAND --help` show what there is."
            code = ExitCode.USAGE
        case _:
            message, step = traceback.format_exc(), "This is a fault in tfmatrix. Please report the lines above."
            code = ExitCode.INTERNAL
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    if step:
        err.print(f"[bold]next:[/] {escape(step)}", soft_wrap=True)
    return code


def _unfinished(settings: Settings) -> Selection:
    with wiring.store(settings, create=False) as opened:
        stopped = opened.read.last_unfinished_run()
    if stopped is None:
        raise UsageError("No run was stopped before its end.", next_step="`tfmatrix run` begins one.")
    words = {name: ",".join(values) for name, values in stopped.selection.items()}
    return wiring.select(words["environments"], words["models"], words["formats"], words["methods"])


def _measure(settings: Settings, chosen: Selection, *, again: bool, as_json_: bool, trust: bool = False) -> None:
    engine = wiring.engine(settings)
    if (warning := wiring.warning_of(engine)) is not None:
        err.print(f"[bold yellow]{escape(warning)}[/]", soft_wrap=True)
    with wiring.store(settings, create=True) as opened:
        progress = RunProgress(err if as_json_ else out)
        with if_interrupted(err, KEPT):
            summary = measuring.measure(settings, engine, opened, chosen, progress, again=again, trust=trust)
            site = reporting.write(opened, settings, settings.home / "site")
        found = wiring.results(opened, chosen)
    if as_json_:
        sys.stdout.write(json.dumps(_fields(summary), indent=2) + "\n")
    else:
        out.print(terminal_table(found, width=out.width))
        out.print(measuring.sentence(summary))
        out.print(reporting.said(site), soft_wrap=True)
    if (message := measuring.lacking(summary)) is not None:
        raise IncompleteError(message, next_step="`tfmatrix doctor` names the fix.")


def _fields(summary: Summary) -> dict[str, Any]:
    return {"schema": 1, **asdict(summary)}
