"""``tfmatrix cell``: one cell with its whole story, run first when it is not known."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from matrix.blobs import Blobs
from matrix.config import Settings
from matrix.engines.venv import python
from matrix.errors import ExitCode, IncompleteError, UsageError
from matrix.methods import all_methods, primary_method
from matrix.model import CellRequest, Environment, Format, Method, Model, SaveKey, Verdict
from matrix.plan import Plan, Selection
from matrix.runner import Runner
from matrix.store import CellDetail
from service import reproduce, wiring
from service.options import Json
from service.progress import RunProgress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def cell(  # noqa: PLR0913  one parameter for each word
    saver: Annotated[str, typer.Argument(help="The environment that saved: tf2.12 or 2.12")],
    model: Annotated[str, typer.Argument(help="The model")],
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="h5, savedmodel, keras, export, weights-h5, ...")],
    loader: Annotated[str, typer.Argument(help="The environment that loads")],
    *,
    method: Annotated[str, typer.Option(help="How it is loaded; the format's own way when left out.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Measure it again.")] = False,
    as_json: Json = False,
) -> None:
    """Show one cell, or run it when it is not known: verdict, differences, the whole error, how to see it by hand."""
    settings = Settings()
    plan = _plan(saver, model, format_, loader, method)
    with wiring.store(settings, create=True) as opened:
        detail = _known(opened.read, plan)
        if again or detail is None or (detail.save.artifact is not None and detail.result is None):
            with RunProgress(err) as progress:
                Runner(settings, wiring.engine(settings), opened, progress).run(plan, again=again)
            detail = _known(opened.read, plan)
        isolated = detail is None or _isolated(opened.read, detail)
    if detail is None:
        raise IncompleteError("The cell could not be measured.", next_step="`tfmatrix doctor` names what is wrong.")
    line = _by_hand(settings, plan, detail, isolated=isolated)
    if as_json:
        sys.stdout.write(json.dumps(_fields(plan, detail, line), default=str, indent=2) + "\n")
    else:
        _print(plan, detail, line)
    if detail.result is None:
        raise typer.Exit(ExitCode.INCOMPLETE)
    raise typer.Exit(ExitCode.FINE if detail.result.verdict is Verdict.PASS else ExitCode.FINDINGS)


def _plan(saver: str, model: str, format_: str, loader: str, method: str) -> Plan:
    chosen = {name: _one(wiring.select(name, model, format_, "all"), name) for name in (saver, loader)}
    recipe, kind = chosen[saver][1], chosen[saver][2]
    savers, loaders = chosen[saver][0], chosen[loader][0]
    way = _method(recipe, kind, loaders, method)
    both = tuple({one.id: one for one in (savers, loaders)}.values())
    return Plan(
        selection=Selection(environments=both, models=(recipe,), formats=(kind,), methods=(way,)),
        saves=(SaveKey(model=recipe.id, saver=savers.recipe_digest, format=kind),),
        requests=(CellRequest(saver=savers.id, model=recipe.id, format=kind, loader=loaders.id, method=way),),
    )


def _one(chosen: Selection, name: str) -> tuple[Environment, Model, Format]:
    if len(chosen.environments) * len(chosen.models) * len(chosen.formats) != 1:
        raise UsageError(
            f"{name!r} and the rest name more than one cell.", next_step="Name one of each, without globs."
        )
    return chosen.environments[0], chosen.models[0], chosen.formats[0]


def _method(model: Model, format_: Format, loader: Environment, word: str) -> Method:
    if not word:
        return primary_method(model, format_)
    possible = all_methods(model, format_, loader)
    if word not in possible:
        raise UsageError(
            f"{model.id} in {format_} is not loaded by {word!r} in {loader.id}.",
            next_step=f"Take {' or '.join(possible)}.",
        )
    return Method(word)


def _known(read: Any, plan: Plan) -> CellDetail | None:  # noqa: ANN401
    loader = next(one for one in plan.selection.environments if one.id == plan.requests[0].loader)
    found: CellDetail | None = read.cell(plan.saves[0], loader.recipe_digest, plan.requests[0].method)
    return found


def _isolated(read: Any, detail: CellDetail) -> bool:  # noqa: ANN401
    """Whether the run that last saw a cell ran in containers."""
    return detail.last_run is None or read.run(detail.last_run).facts.get("isolates") is not False


def _by_hand(settings: Settings, plan: Plan, detail: CellDetail, *, isolated: bool) -> str | None:
    if detail.save.artifact is None:
        return None
    request = plan.requests[0]
    loader = next(one for one in plan.selection.environments if one.id == request.loader)
    blob = Blobs(settings.home / "blobs").path(detail.save.artifact.sha256)
    if isolated:
        return reproduce.command(detail.save.artifact, blob, loader, request)
    return reproduce.venv_command(detail.save.artifact, blob, python(settings.home, loader), request)


def _fields(plan: Plan, detail: CellDetail, line: str | None) -> dict[str, Any]:
    return {"schema": 1, "cell": asdict(plan.requests[0]), **asdict(detail), "reproduce": line}


def _print(plan: Plan, detail: CellDetail, line: str | None) -> None:
    request = plan.requests[0]
    out.print(f"[bold]{request.model}[/] as {request.format}, saved by {request.saver}, loaded by {request.loader}")
    result = detail.result
    if result is None:
        out.print(f"not loaded: the save is {detail.save.outcome}")
        _print_texts(detail.save.reason, detail.save.failure)
        return
    out.print(f"verdict   [bold]{result.verdict}[/]  (rung: {result.rung.label}; method: {request.method})")
    for one in result.differences:
        equal = "equal" if one.equal else "differs"
        out.print(
            f"output    {escape(one.output)}: {equal}, |difference| {one.max_absolute}, relative {one.max_relative}"
        )
        if one.reason:
            out.print(f"          {escape(one.reason)}")
    steps = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in result.effort.steps.items())
    out.print(f"took      {result.effort.wall_seconds:.2f} s ({steps}); peak {result.effort.peak_memory >> 20} MiB")
    if result.repeated is not None:
        out.print(f"repeated  in a fresh process: {result.repeated}")
    if result.marks is not None:
        words = ("saved_again", "optimizer_restored", "trained_step")
        marks = ", ".join(f"{name.replace('_', ' ')}: {getattr(result.marks, name)}" for name in words)
        out.print(f"marks     {marks}")
        for name, why in result.marks.notes.items():
            out.print(f"          {name.replace('_', ' ')}: {escape(why)}", soft_wrap=True)
    for text in result.warnings:
        out.print(f"warning   {escape(text)}", soft_wrap=True)
    _print_texts(None, result.failure)
    if detail.measured_at is not None:
        out.print(f"measured  {detail.measured_at:%Y-%m-%d %H:%M} UTC, run {detail.first_run} to {detail.last_run}")
    out.print("by hand:")
    out.print(line or "", markup=False, soft_wrap=True)


def _print_texts(reason: str | None, failure: Any) -> None:  # noqa: ANN401
    if reason:
        out.print(escape(reason), soft_wrap=True)
    if failure is not None:
        out.print(f"error     {escape(failure.exception)}: {escape(failure.message)}", soft_wrap=True)
        out.print(escape(failure.traceback), soft_wrap=True)
