"""``/artifacts/{saver}/{model}/{format}/{sha256}``: what a save produced, as it was loaded everywhere.

The address names the save, so that only what our own recipes made is ever handed out.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse

from matrix.blobs import Blobs
from matrix.methods import primary_method
from matrix.model import CellRequest, SaveKey
from service.pages.catalogue import ModelId, environment_named, format_named, model_named
from service.pages.pairs import FormatId, SaverId
from service.pages.routes import From, router
from service.problems import NotFound
from service.reproduce import Shared

ROUTER: Final[APIRouter] = router()

Sha256 = Annotated[str, Path(description="The artifact's sha256.", examples=["0" * 64])]


@ROUTER.api_route(
    "/artifacts/{saver}/{model}/{format}/{sha256}",
    methods=["GET"],
    summary="What a save produced",
    tags=["downloads"],
    operation_id="artifact",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file, or a tar of the folder."}},
)
def artifact(  # noqa: PLR0913, PLR0917  one parameter for each part of the address
    request: Request, source: From, saver: SaverId, model: ModelId, format_: FormatId, sha256: Sha256
) -> Response:
    """Send a file; its name is its content, so it may be kept for ever."""
    environment, recipe, kind = environment_named(source, saver), model_named(source, model), format_named(format_)
    key = SaveKey(model=recipe.id, saver=environment.recipe_digest, format=kind)
    save = source.read.saves([key]).get(key)
    made = save.artifact if save else None
    if made is None or made.sha256 != sha256:
        known = [made.sha256] if made else []
        raise NotFound("artifact", sha256, known, next_step="The page of a cell links to the file that it loads.")
    path = Blobs(source.settings.home / "blobs").path(made.sha256)
    if not path.is_file():
        step = "Only the machine that saved it has it; `tfmatrix cell` makes it anew."
        raise NotFound("stored file of the artifact", sha256, [], next_step=step)
    wanted = CellRequest(
        saver=environment.id, model=recipe.id, format=kind, loader=environment.id, method=primary_method(recipe, kind)
    )
    shared = Shared(artifact=made, address=request.url.path, request=wanted, own_classes=False)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{made.sha256}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    kind_of = "application/x-tar" if made.is_tar else "application/octet-stream"
    return FileResponse(path, media_type=kind_of, filename=shared.name, headers=headers)
