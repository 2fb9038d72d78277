"""Finds the one model that an archive holds, and looks into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from images.inspector import hdf5, keras_zip, saved_model
from images.inspector.archive import ANEW, CHUNK, Archive, damage_told, listed_tar, listed_zip
from images.inspector.findings import Findings
from images.inspector.refusal import Refused, shown
from images.inspector.sniff import Bytes, sniffed

GRAPHS = frozenset(["saved_model.pb", "saved_model.pbtxt"])
READ = frozenset(["saved_model.pb", "keras_metadata.pb"])
ONE_FILE = (".keras", ".h5", ".hdf5")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")
JUNK = frozenset([".DS_Store", "Thumbs.db", "desktop.ini"])
MAX_WITHIN = 256 << 20


def look_into_model(path: Path, found: Findings) -> None:
    """Take account of a model's file, whatever it is.

    Raises:
        Refused: It is damaged, or no model, or more than one.
    """
    length = path.stat().st_size
    match sniffed(path, length):
        case Bytes.HDF5:
            found.unpacked = length
            hdf5.look_into_file(path, length, found)
        case Bytes.ZIP:
            _look_into_archive(path, listed_zip(path), found)
        case Bytes.TAR | Bytes.TAR_GZ as packing:
            _look_into_archive(path, listed_tar(path, packing.value, _is_wanted), found)
        case Bytes.JSON:
            raise Refused(
                "architecture-alone",
                "The file is JSON: an architecture at most, without weights.",
                "Hand it in as the architecture, with the weights (.h5) as the model.",
            )


def _is_wanted(name: str, count: int) -> bool:
    base = name.rpartition("/")[2]
    return (base in READ and count <= saved_model.MAX_GRAPH) or (_is_one_file(name) and count <= MAX_WITHIN)


def _is_one_file(name: str) -> bool:
    """Whether a member is called like a model in one file, however that is spelt."""
    return name.lower().endswith(ONE_FILE)


def _look_into_archive(path: Path, archive: Archive, found: Findings) -> None:
    found.members, found.unpacked = archive.members, archive.unpacked
    if archive.packing == "zip" and keras_zip.is_keras(archive.sizes):
        keras_zip.look_into_zip(path, archive, found)
        return
    found.packing = archive.packing
    names = [name for name in archive.sizes if not _is_junk(name)]
    folders = sorted({name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in GRAPHS})
    single = [name for name in names if _is_one_file(name) and not _within(name, folders)]
    if len(folders) + len(single) > 1:
        raise _too_many([*(f"{one or 'the top'} (a SavedModel)" for one in folders), *single], names)
    if folders:
        _look_into_folder(archive, folders[0], names, found)
    elif single:
        _look_into_file_within(archive, single[0], found)
    else:
        _look_for_a_checkpoint(names, found)


def _look_into_folder(archive: Archive, root: str, names: Iterable[str], found: Findings) -> None:
    found.root = root
    prefix = f"{root}/" if root else ""
    inner = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    saved_model.look_into_folder(inner, lambda name, limit: archive.read(f"{prefix}{name}", limit), found)


def _look_into_file_within(archive: Archive, name: str, found: Findings) -> None:
    """A .keras or an HDF5 file, packed once more: it is taken out to where only we write, and looked into."""
    found.root = name
    if archive.sizes[name] > MAX_WITHIN:
        raise Refused("nested-archive", f"The archive holds {shown(name)}.", "Unpack it, and hand in that file itself.")
    handle, taken_out = tempfile.mkstemp()
    path = Path(taken_out)
    try:
        with damage_told(), os.fdopen(handle, "wb") as target:
            if name in archive.kept:
                target.write(archive.kept.pop(name))
            elif archive.open is not None:
                with archive.open(name) as source:
                    shutil.copyfileobj(source, target, CHUNK)
        members, unpacked = found.members, found.unpacked
        _look_into_one(path, name, found)
        found.members, found.unpacked = members, unpacked
    finally:
        path.unlink()


def _look_into_one(path: Path, name: str, found: Findings) -> None:
    length = path.stat().st_size
    kind = sniffed(path, length)
    if kind is Bytes.HDF5:
        hdf5.look_into_file(path, length, found)
        return
    inner = listed_zip(path) if kind is Bytes.ZIP else None
    if inner is None or not keras_zip.is_keras(inner.sizes):
        raise Refused("nested-archive", f"The archive holds {shown(name)}, which is no model.", ANEW)
    keras_zip.look_into_zip(path, inner, found)


def _look_for_a_checkpoint(names: list[str], found: Findings) -> None:
    prefixes = [name.removesuffix(".index") for name in names if name.endswith(".index")]
    whole = [one for one in prefixes if any(name.startswith(f"{one}.data-") for name in names)]
    if len(whole) > 1:
        raise _too_many([f"{one} (a checkpoint)" for one in whole], names)
    if not whole:
        raise _no_model(names)
    found.kind = "checkpoint"
    found.root = whole[0].rpartition("/")[0]
    found.note("A checkpoint does not say which TensorFlow wrote it.")


def _too_many(models: list[str], names: list[str]) -> Refused:
    told = ", ".join(shown(one) for one in models[:4])
    more = f", and {len(models) - 4} more" if len(models) > 4 else ""  # noqa: PLR2004
    has_json = any(name.lower().endswith(".json") for name in names)
    return Refused(
        "two-models",
        f"The archive holds {len(models)} models: {told}{more}.",
        "Pack one of them alone."
        + (" Weights and their JSON are handed in as two files, unpacked." if has_json else ""),
    )


def _no_model(names: list[str]) -> Refused:
    if not names:
        return Refused("empty-file", "The archive is empty.", ANEW)
    if any(keras_zip.is_keras(_below(names, folder)) for folder in _folders(names)):
        return Refused(
            "unpacked-keras",
            "The archive holds a .keras file that was unpacked into a folder.",
            "Hand in the .keras file itself, or pack the folder's content without the folder.",
        )
    if nested := next((name for name in names if name.lower().endswith(ARCHIVES)), None):
        return Refused("nested-archive", f"The archive holds another one: {shown(nested)}.", "Hand in that one itself.")
    told = ", ".join(shown(name, 60) for name in names[:4])
    return Refused(
        "no-model",
        f"The archive holds no model: there is no saved_model.pb in it, and no .keras or .h5 file, but {told}"
        f"{', ...' if len(names) > 4 else ''}.",  # noqa: PLR2004
        ANEW,
    )


def _folders(names: list[str]) -> set[str]:
    return {name.rpartition("/")[0] for name in names if name.endswith(f"/{keras_zip.CONFIG}")}


def _below(names: list[str], folder: str) -> set[str]:
    return {name.removeprefix(f"{folder}/") for name in names if name.startswith(f"{folder}/")}


def _within(name: str, folders: list[str]) -> bool:
    return any(not folder or name.startswith(f"{folder}/") for folder in folders)


def _is_junk(name: str) -> bool:
    """Whether a member is what systems add by themselves when they pack."""
    base = name.rpartition("/")[2]
    return name.startswith("__MACOSX/") or base.startswith("._") or base in JUNK
