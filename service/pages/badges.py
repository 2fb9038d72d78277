"""``/badge/{model}/{format}/{saver}.svg``: where a file loads, as an image for other people's pages."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from reports.badge import badge_of
from reports.pages.about import about
from reports.pages.stretches import Files
from service.answers import Answer
from service.pages.catalogue import ModelId, environment_named, format_named, model_named
from service.pages.pairs import FormatId, SaverId
from service.pages.routes import From, respond, router
from service.site import site_of
from service.source import Source

ROUTER: Final[APIRouter] = router()

_SVG: Final = "image/svg+xml; charset=utf-8"


@ROUTER.get(
    "/badge/{model}/{format}/{saver}.svg",
    summary="A badge: where a file loads",
    tags=["downloads"],
    operation_id="badge",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "An image with a title."}},
)
def badge(request: Request, source: From, model: ModelId, format_: FormatId, saver: SaverId) -> Response:
    """Draw the badge of one model in one format, saved in one version."""
    recipe, kind, environment = model_named(source, model), format_named(format_), environment_named(source, saver)

    def drawn() -> Answer:
        files = Files(source.known, [environment.id], kind, recipe.id)
        return Answer(body=badge_of(files).encode(), media_type=_SVG)

    return respond(request, site_of(request).answers.make(request.state.keys[0], drawn))


def example(source: Source) -> tuple[str, bytes]:
    """Return the address of the badge that the page about it all shows, and the badge."""
    address = about(source.known, source.now).content.badge
    _, _, model, format_, saver = address.removesuffix(".svg").split("/")
    return address, badge_of(Files(source.known, [saver], format_named(format_), model)).encode()
