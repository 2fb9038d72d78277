"""``/cells/{saver}/{model}/{format}/{loader}``: one cell, and ``/artifacts/…``: the file that it loads."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from matrix.catalog import locked_packages
from matrix.methods import all_methods, primary_method
from matrix.model import CellRequest, Environment, SaveKey
from matrix.records import CellDetail, EnvironmentRecord
from reports import addresses
from reports.pages.cell import ByHand, Place, Story, Subject, cell, command
from reports.pages.page import Page
from reports.ranges import label
from service import reproduce
from service.pages.catalogue import ModelId, environment_named, format_named, model_named
from service.pages.pairs import FormatId, LoaderId, SaverId
from service.pages.routes import From, add_page, router
from service.pages.words import MethodFilter
from service.problems import BadFilter
from service.source import Source

ROUTER: Final[APIRouter] = router()


def make_cell(  # noqa: PLR0913, PLR0917  one parameter for each word
    source: From, saver: SaverId, model: ModelId, format_: FormatId, loader: LoaderId, method: MethodFilter = None
) -> Page:
    """Return the page of one cell; it is there for every cell that could be, measured or not."""
    recipe, kind = model_named(source, model), format_named(format_)
    primary = primary_method(recipe, kind)
    subject = Subject(
        saver=environment_named(source, saver),
        model=recipe,
        format=kind,
        loader=environment_named(source, loader),
        method=method or primary,
        primary=primary,
    )
    possible = all_methods(recipe, kind, subject.loader)
    if subject.method not in possible:
        message = f"{recipe.id} as {kind} is not loaded by {subject.method} in {subject.loader.id}."
        raise BadFilter(message, next_step=f"Take {' or '.join(possible)}.")
    key = SaveKey(model=recipe.id, saver=subject.saver.recipe_digest, format=kind)
    detail = source.read.cell(key, subject.loader.recipe_digest, subject.method)
    return cell(
        source.known, subject, _story(source, detail), _places(source, subject), _by_hand(source, subject, detail)
    )


def _story(source: Source, detail: CellDetail | None) -> Story:
    if detail is None:
        return Story()
    last = None if detail.last_run is None else source.read.run(detail.last_run)
    return Story(
        save=detail.save,
        result=detail.result,
        first_run=detail.first_run,
        last_run=detail.last_run,
        measured_at=detail.measured_at,
        isolated=last is None or last.facts.get("isolates") is not False,
        history=detail.history,
    )


def _places(source: Source, subject: Subject) -> tuple[Place, ...]:
    """The loader and the saver; one where they are the same."""
    roles = {subject.loader.id: "loads", subject.saver.id: "saved"}
    if subject.loader == subject.saver:
        roles = {subject.loader.id: "saved and loads"}
    both = {one.id: one for one in (subject.loader, subject.saver)}
    found = source.read.environments([one.recipe_digest for one in both.values()])
    return tuple(_place(one, roles[one.id], found.get(one.recipe_digest)) for one in both.values())


def _place(one: Environment, role: str, record: EnvironmentRecord | None) -> Place:
    identity = record.identity if record else None
    said = {"tensorflow": one.tensorflow, "keras": one.keras, "python": one.python}
    return Place(
        id=one.id,
        label=label(one.id),
        role=role,
        image=one.image,
        image_id=record.image_id if record else None,
        recipe_digest=one.recipe_digest,
        versions=identity.versions if identity else said,
        packages=locked_packages(one),
    )


def _by_hand(source: Source, subject: Subject, detail: CellDetail | None) -> tuple[ByHand, ...]:
    """Lines that show the cell, for anybody, for who has our images, and for who has this command."""
    artifact = detail.save.artifact if detail else None
    if artifact is None:
        return ()
    loader = subject.loader
    shared = reproduce.Shared(
        artifact=artifact,
        address=addresses.artifact(subject.saver.id, subject.model.id, subject.format, artifact.sha256),
        request=CellRequest(
            saver=subject.saver.id,
            model=subject.model.id,
            format=subject.format,
            loader=loader.id,
            method=subject.method,
        ),
        own_classes=subject.model.needs_custom_objects,
    )
    base = (source.known.environment(loader.base) if loader.base else None) or loader
    recipes = "In a checkout of tfmatrix, whose recipes build the model. " if shared.wants_recipes else ""
    return (
        ByHand(
            title="With Docker alone",
            line=reproduce.for_anybody(shared, loader, base),
            note=f"{recipes}SITE is this site's address. Installs what there was on {base.cut_off.isoformat()}, then loads.",
        ),
        ByHand(
            title="In the image it was measured in",
            line=reproduce.with_image(shared, loader),
            note=f"Where `tfmatrix images build --environments {loader.id}` has made it. Without a network.",
        ),
        ByHand(title="With tfmatrix", line=command(subject), note="Shows what is known, or measures it."),
    )


add_page(ROUTER, "/cells/{saver}/{model}/{format}/{loader}", make_cell, summary="One cell")
