"""One telling address for each page of the site, chosen from what a database holds."""

from __future__ import annotations

import numpy as np

from matrix.model import Environment
from matrix.store import Reader
from reports import addresses
from reports.cube import DRIFT, PASS, Cube
from reports.failures import stand_ins
from reports.known import Known
from service.snapshot import Snapshot


def site_pages(read: Reader) -> dict[str, str]:
    """Return the address of each page by a name; what there is nothing of in the database is left out."""
    known = Snapshot(read).known()
    cube = known.cube
    oldest, newest = (one.id for one in (known.environments[0], _newest(known)))
    found = {
        "home": addresses.home(),
        "home filtered": addresses.home(format="h5", group="core"),
        "upload": addresses.uploading(),
        "load": addresses.load(),
        "load answered": addresses.load(saver=oldest, format="h5"),
        "load of one model": addresses.load(saver=oldest, format="h5", model="dense", loader=newest),
        "models": addresses.models(),
        "model": addresses.model("dense"),
        "formats": addresses.formats(),
        "format": "/formats/h5",
        "environments": addresses.environments(),
        "environment": addresses.environment(newest),
        "errors": addresses.errors(),
        "errors found": addresses.errors(q="keyword"),
        "runs": addresses.runs(),
        "queue": addresses.queue(),
        "changes": addresses.changes(),
        "about": addresses.about(),
    }
    for name, mask in (
        ("passes", cube.outcome == PASS),
        ("fails", cube.failing),
        ("drifts", cube.outcome == DRIFT),
    ):
        if (cube.primary & mask).any():
            found |= _of_row(cube, int(np.flatnonzero(cube.primary & mask)[0]), name)
    if kinds := list(stand_ins(known).values()):
        found["error"] = addresses.error(kinds[0])
    if runs := read.runs(2):
        found["run"] = addresses.run(runs[0].id)
        found["changes of a night"] = addresses.run_changes(runs[-1].id, runs[0].id)
        found["changes of all nights"] = addresses.run_changes(1, runs[0].id)
    return found


def _newest(known: Known) -> Environment:
    return [one for one in known.environments if one.base is None][-1]


def _of_row(cube: Cube, place: int, name: str) -> dict[str, str]:
    row = cube.row(place)
    pages = {f"cell that {name}": addresses.of_row(row)}
    if name == "fails":
        pages["pair"] = addresses.pair(row.saver, row.loader)
        pages["model in a format"] = addresses.model_as(row.model, row.format)
    return pages
