"""``tfmatrix check FILE``: which TensorFlow versions load a model and give the same answers; a gate for somebody's CI."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from matrix.config import Settings
from matrix.errors import ExitCode, UsageError
from matrix.uploads.model import Options, Part
from service.checking import Handed, handed_in
from service.gate import Asked, asked_for, exit_code, incomplete
from service.options import Json
from service.progress import if_interrupted

LOOK_SECONDS: Final = 0.2
STYLES: Final = {
    "pass": "green",
    "loads": "green",
    "drift": "bold magenta",
    "harness-broken": "dim",
    "not-measured": "dim",
}
MOST: Final = 4
MOST_EVIDENCE: Final = 2
MESSAGE: Final = 500
KEPT: Final = "what was found is kept: the same command goes on where this stopped"

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def check(  # noqa: PLR0913  one parameter for each option
    file: Annotated[Path, typer.Argument(help="A .keras, .h5, zipped SavedModel, weights, or a builder script.")],
    *,
    serve_with: Annotated[
        str, typer.Option(help="The versions that have to load it: 2.13,2.15 or 2.10..2.16; all by default.")
    ] = "",
    architecture: Annotated[Path | None, typer.Option(help="Keras JSON, beside weights.")] = None,
    custom_objects: Annotated[Path | None, typer.Option(help="A .py that defines the model's own classes.")] = None,
    builder: Annotated[Path | None, typer.Option(help="A .py with build_model(), beside weights.")] = None,
    inputs: Annotated[Path | None, typer.Option(help="An .npz to call it with; made from its signature else.")] = None,
    overlays: Annotated[bool, typer.Option("--overlays", help="Every Keras 3 minor and tf_keras as well.")] = False,
    save_again: Annotated[
        bool, typer.Option("--save-again", help="Also save it again in each version, and load that in all others.")
    ] = False,
    server: Annotated[str, typer.Option(help="Ask a tfmatrix at this address instead of this machine.")] = "",
    token: Annotated[str, typer.Option(envvar="TFMATRIX_UPLOAD_TOKEN", help="What the server wants to know.")] = "",
    as_json: Json = False,
) -> None:
    """Say which TensorFlow versions load a model and give the same answers.

    Exit code 0: it loads and agrees in all that were asked; 1: somewhere it fails or drifts; 3: unknown or incomplete.
    """
    beside = {
        Part.ARCHITECTURE: architecture,
        Part.CUSTOM_OBJECTS: custom_objects,
        Part.BUILDER: builder,
        Part.INPUTS: inputs,
    }
    files = _files(file, beside)
    asked = asked_for(serve_with, server, overlays=overlays)
    options = Options(environments=asked.environments if serve_with else (), overlays=overlays, save_again=save_again)
    with if_interrupted(err, KEPT), _handed(files, options, server, token) as handed:
        document = _followed(handed, quiet=as_json, whole=save_again)
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        show(out, document)
    _leave(document, asked)


def show_identity(console: Console, identity: Mapping[str, Any]) -> None:
    """Print the first answer: what a file is, before anything loads it."""
    for sentence in (f"It is {identity['what']}. {identity['saved_with']}", *_told_of(identity), *identity["notes"]):
        console.print(escape(sentence), soft_wrap=True)


def show(console: Console, document: Mapping[str, Any]) -> None:
    """Print what an upload came to: its row, the causes, what to do."""
    places, reasons = document["row"]["places"], document["row"]["reasons"]
    steps = {one.get("step", "") for one in reasons} - {""}  # of a person's own Python; an older site has none
    is_no_versions_fault = document["next_step"] in steps
    if places and not is_no_versions_fault:
        console.print(_table(places))
    for sentence in (document["words"], document["note"], document["next_step"]):
        if sentence:
            console.print(escape(str(sentence)), soft_wrap=True)
    for remark in document["row"].get("remarks", ()):
        console.print(escape(f"{remark['where']}: {remark['text']}"), soft_wrap=True)
    for reason in () if is_no_versions_fault and len(reasons) == 1 else reasons:
        console.print(f"[bold]{escape(reason['cause'])}[/] ({escape(reason['where'])})", soft_wrap=True)
        if not reason.get("step"):
            error = textwrap.shorten(
                f"{reason['exception']}: {_first_line(reason['message'])}", MESSAGE, placeholder=" ..."
            )
            if error != reason["cause"]:
                console.print(f"  {escape(error)}", soft_wrap=True)
        elif reason["step"] != document["next_step"]:
            console.print(f"  {escape(reason['step'])}", soft_wrap=True)
        for remedy in reason["remedies"]:
            console.print(f"  tried, and works: {escape(remedy[0].lower() + remedy[1:])}.", soft_wrap=True)


def _told_of(identity: Mapping[str, Any]) -> Iterator[str]:
    """How it is known who saved it, what is in it, what it takes: a line each, where there is something to say."""
    yield from _line("Known by", identity["evidence"], MOST_EVIDENCE)
    yield from _line("Holds", _held(identity))
    yield from _line("Not Keras' own", identity["custom"])
    lambdas = [f"Lambda layers ({', '.join(identity['lambdas'][:MOST])})"] if identity["lambdas"] else []
    yield from _line("Python code or reaching outside", [*lambdas, *identity["reaches"]])
    inputs = [f"{one['name']} {one['shape']} {one['dtype']}" for one in identity["inputs"]]
    yield from _line("Takes", inputs, note=identity["inputs_note"])


def _held(identity: Mapping[str, Any]) -> Iterator[str]:
    if identity["parameters"] is not None:
        yield f"{identity['parameters']:,} parameters"
    if identity["layer_count"] is not None:
        kinds = ", ".join(f"{count} {name}" for name, count in identity["layers"][:MOST])
        rest = ", ..." if identity["more_layers"] or len(identity["layers"]) > MOST else ""
        yield f"{identity['layer_count']:,} layers" + (f" ({kinds}{rest})" if kinds else "")
    if identity["optimizer"] or identity["optimizer_state"]:
        state = "with its state" if identity["optimizer_state"] else "without its state"
        yield f"{identity['optimizer'] or 'an optimizer'} {state}"


def _line(what: str, found: Iterable[str], most: int = MOST, note: str = "") -> Iterator[str]:
    """One line of the first answer; of long lists its beginning: all of it is in the document."""
    said = list(found)
    if said:
        more = f", and {len(said) - most} more" if len(said) > most else ""
        listed = ", ".join(one.rstrip(".") for one in said[:most])
        yield f"  {what}: {listed}{more}." + (f" {note}" if note else "")
    elif note:
        yield f"  {note}"


def _leave(document: Mapping[str, Any], asked: Asked) -> None:
    code = exit_code(document, asked)
    if code is ExitCode.INCOMPLETE:
        raise incomplete(document, asked)
    if code is not ExitCode.FINE:
        raise typer.Exit(code)


def _handed(files: Mapping[Part, Path], options: Options, server: str, token: str) -> AbstractContextManager[Handed]:
    def say(text: str) -> None:
        err.print(escape(text), soft_wrap=True)

    return handed_in(Settings(), files, options, server=server, token=token, say=say)


def _files(file: Path, beside: Mapping[Part, Path | None]) -> dict[Part, Path]:
    """Return what is handed in; a script alone is a builder.

    Raises:
        UsageError: One of the files is not there, or is a folder.
    """
    is_script = file.suffix == ".py" and beside[Part.BUILDER] is None
    files = {Part.BUILDER if is_script else Part.MODEL: file} | {part: path for part, path in beside.items() if path}
    for path in files.values():
        if path.is_dir():
            step = f"Pack it first: tar -czf model.tar.gz -C {path} . ; then `tfmatrix check model.tar.gz`."
            raise UsageError(f"{path} is a folder, and a SavedModel is handed in as one file.", next_step=step)
        if not path.is_file():
            raise UsageError(f"There is no file {path}.", next_step="Check the path; it is relative to where you are.")
    return files


def _followed(handed: Handed, *, quiet: bool, whole: bool) -> dict[str, Any]:
    """Wait until the row is whole, or with ``whole`` until nothing more comes, showing how it goes.

    What the file is, is printed as soon as it is known, unless ``quiet``: the row takes longer.
    """
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    is_told = quiet
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bars:
        task = bars.add_task("", total=None)
        while True:
            document = handed.look()
            if document is not None:
                if document["identity"] and not is_told:
                    is_told = True
                    with _set_aside(bars):
                        show_identity(out, document["identity"])
                words = _first_line(document["words"])
                bars.update(task, description=words, total=document["planned"] or None, completed=document["done"])
                if document["over"] or (document["finished"] and not whole):
                    return document
            time.sleep(LOOK_SECONDS)


@contextmanager
def _set_aside(bars: Progress) -> Iterator[None]:
    """Take the bar away while something is printed to the other stream, which is most often the same terminal."""
    if bars.disable:
        yield
        return
    bars.stop()
    yield
    bars.start()


def _table(places: list[dict[str, Any]]) -> Table:
    """A line for each version. Causes are cut to what is left of it: below they stand whole, once for each."""
    table = Table(box=None)
    for title in ("TensorFlow", "Keras", "", "off by"):
        table.add_column(title, no_wrap=True)
    table.add_column("what else loads it, and why")
    for place in places:
        outcome = str(place["outcome"])
        other = next((way["words"] for way in place["ways"] if way["outcome"] in {"pass", "drift", "loads"}), "")
        gap = place["max_absolute"]
        why = "; ".join(filter(None, (f"loads {other}" if other else "", _first_line(place["cause"]))))
        table.add_row(
            escape(str(place["label"])),
            escape(str(place["keras"])),
            f"[{STYLES.get(outcome, 'red')}]{escape(outcome)}[/]",
            "reference" if place["is_reference"] else "" if gap is None else f"{float(gap):.3g}",
            Text(why, no_wrap=True, overflow="ellipsis"),
        )
    return table


def _first_line(text: object) -> str:
    return next(iter(str(text).strip().splitlines()), "")
