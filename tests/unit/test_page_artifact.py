"""The file that a cell loads, as a download: what a save of ours made, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from matrix.blobs import Blobs
from matrix.catalog import load_environments
from matrix.model import Format, SaveKey
from matrix.store import open_store
from tests import store_samples
from tests.site import visiting

EVERY = {one.id: one for one in load_environments()}
BROWSER = {"accept": "text/html"}
SAVED = store_samples.save()


def saved_in(home: Path) -> tuple[str, bytes]:
    """A database with one save whose file is there; the file's address and bytes."""
    saver = EVERY["tf2.9"]
    body = b"\x89HDF" * 100
    sha256 = Blobs(home / "blobs").put(body)
    save = replace(
        SAVED,
        key=SaveKey(model="dense", saver=saver.recipe_digest, format=Format.H5),
        artifact=replace(store_samples.artifact(), sha256=sha256, size=len(body)),
    )
    with open_store(home / "matrix.db") as opened:
        number = opened.write.begin_run({}, {}, store_samples.NOON)
        opened.write.record_save(number, save, store_samples.NOON)
    return f"/artifacts/tf2.9/dense/h5/{sha256}", body


def test_the_file_can_be_had(tmp_path: Path) -> None:
    """As a download with a name that says what it is, to be kept for ever, and asked for with HEAD."""
    address, body = saved_in(tmp_path)
    with visiting(tmp_path) as one:
        answer = one.get(address)
        assert (answer.status_code, answer.content) == (200, body)
        assert answer.headers["content-disposition"] == 'attachment; filename="dense-tf2.9.h5"'
        assert "immutable" in answer.headers["cache-control"]
        assert one.get(address, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
        head = one.head(address)
        assert (head.content, head.headers["content-length"]) == (b"", str(len(body)))


def test_only_what_a_save_of_ours_made_is_handed_out(tmp_path: Path) -> None:
    """Not another blob, not under another save's name, no path out of the folder; a lost file is told in words."""
    address, body = saved_in(tmp_path)
    sha256 = address.rpartition("/")[2]
    other = Blobs(tmp_path / "blobs").put(b"somebody's")
    with visiting(tmp_path) as one:
        for wrong in (
            f"/artifacts/tf2.9/dense/h5/{other}",
            f"/artifacts/tf2.9/dense/keras/{sha256}",
            f"/artifacts/tf2.10/dense/h5/{sha256}",
            f"/artifacts/tf2.9/lambda/h5/{sha256}",
            "/artifacts/tf2.9/dense/h5/..%2f..%2fmatrix.db",
            "/artifacts/tf2.9/dense/h5/../../../matrix.db",
            f"/artifacts/tf2.9/dense/h5/{sha256.upper()}",
        ):
            assert one.get(wrong).status_code == 404, wrong
        assert hashlib.sha256(body).hexdigest() == sha256
        Blobs(tmp_path / "blobs").path(sha256).unlink()
        answer = one.get(address, headers=BROWSER)
        assert answer.status_code == 404
        assert "makes it anew" in answer.text
